"""BANANAS, and what Bayesian optimisation does for it: a scope, and a predictor that isn't fitted for each record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from netwright import Objective, Space, choice
from netwright.core import History
from netwright.core.errors import InvalidInput
from netwright.core.registry import methods
from netwright.core.streams import Streams
from netwright.loop import Search
from netwright.predictors import OneHot, Ridge
from netwright.spaces.zoo.nb201 import nb201
from netwright.strategies import BayesianOptimisation
from netwright.testing import check_strategy
from netwright.testing.strategy_contract import toy_spaces

SPACE = Space({f"c{i}": choice(list(range(5))) for i in range(4)})
FITS = []


def _loss(arch):
    return float(sum((value - i % 5) ** 2 for i, value in enumerate(arch.values())))


@dataclass(frozen=True)
class Counted:
    """Ridge regression that notes what it is fitted to."""

    def fit(self, space, arches, losses, rng):
        FITS.append((len(arches), tuple(losses.tolist())))
        return Ridge(OneHot()).fit(space, arches, losses, rng)


def _run(strategy, n, workers=1, objectives="min:loss"):
    search, running = Search(SPACE, strategy, objectives=objectives), []
    while len(search.history) < n:
        while len(running) < workers:
            running.append(search.ask())
        done = running.pop(0)
        search.tell(done, {"loss": _loss(done.arch), "size": float(done.arch["c0"])})
    return search.history


@pytest.mark.parametrize("workers", [1, 4])
def test_the_predictor_is_fitted_every_so_many_records(workers):
    FITS.clear()
    _run(BayesianOptimisation(Counted(), acquisition="thompson", n_initial=5, every=10), 45, workers)
    assert [n for n, _ in FITS] == ([5, *range(6, 11)] if workers == 1 else [*range(5 - workers + 1, 11)]) + [
        20,
        30,
        40,
    ]


def test_what_it_is_fitted_to_depends_on_those_records_only():
    strategy = BayesianOptimisation(Counted(), acquisition="thompson", n_initial=5, every=10)
    FITS.clear()
    history = _run(strategy, 39)
    last = FITS[-1]
    again = History([Objective("loss")], canonical=SPACE.canonical)  # as after a restart
    for record in history.records:
        again.add(record)
    FITS.clear()
    strategy.propose(SPACE, again, Streams(0)(39))
    assert [last] == FITS


def test_each_of_several_objectives_has_a_predictor_of_its_own():
    fits = []
    for objectives in (["min:loss"], ["min:loss", "min:size"]):
        FITS.clear()
        _run(BayesianOptimisation(Counted(), n_initial=5, every=10), 25, objectives=objectives)
        fits.append(len(FITS))
    assert fits[1] == 2 * fits[0]


def test_nearby_proposes_children_of_the_best():
    history = _run(BayesianOptimisation(Ridge(OneHot()), n_initial=10, scope="nearby"), 60)
    children = [record for record in history.records[10:] if record.parent is not None]
    assert len(children) > 30
    parents = {child.parent for child in children}
    ranks = np.argsort(np.argsort([record.loss for record in history.records]))
    assert np.median([ranks[parent] for parent in parents]) < 20
    assert history.best.loss <= 2
    assert len({record.arch for record in history.records}) == 60


def test_the_contract():
    recipe = methods["bananas"](SPACE, n_initial=4, every=4, pool=15, members=2, steps=2)
    nested = next(space for space in toy_spaces() if space.name == "nested")
    check_strategy(recipe.strategy, nested, n_candidates=13)


def test_it_finds_good_cells_by_their_paths():
    space = nb201()
    strategy = methods["bananas"](space, members=3, steps=40).strategy
    assert strategy.predictor.encoding(space, [space.default()]).shape[1] > 50

    def loss(candidate, context):
        return {"loss": -float(sum(value == "nor_conv_3x3" for value in candidate.arch.values()))}

    history = Search(space, strategy, loss, budget="40 candidates").run()
    assert history.best.loss <= -5


def test_bad_arguments():
    with pytest.raises(InvalidInput, match=r"`n_initial`, `pool` and `every` of BayesianOptimisation must be.*every=0"):
        BayesianOptimisation(every=0)
    with pytest.raises(InvalidInput, match="`scope` must be 'whole' or 'nearby', but got 'near'"):
        BayesianOptimisation(scope="near")
