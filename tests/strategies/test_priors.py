"""Bayesian optimisation with cheap scores as a prior, and methods that let a predictor choose what to train."""

from __future__ import annotations

import numpy as np
import pytest

from netwright import Space, cell, choice, nn
from netwright.core.errors import InvalidInput
from netwright.loop import Search
from netwright.methods.bayesian_optimisation import bayesian_optimisation
from netwright.methods.brp_nas import brp_nas
from netwright.methods.weak_nas import weak_nas
from netwright.predictors import MlpEnsemble, OneHot, Ridge
from netwright.predictors.proxies import Proxies
from netwright.strategies import BayesianOptimisation
from netwright.testing import check_strategy

FLAT = Space({f"c{i}": choice(list(range(4))) for i in range(5)}, name="flat")
LARGE = Space({f"c{i}": choice(list(range(9))) for i in range(9)}, name="large")
CELL = Space(cell({"none": None, "skip": nn.Identity(), "relu": nn.ReLU(), "gelu": nn.GELU()}, 4, label="c"))


def _loss(arch):
    return float(sum((value - i % 4) ** 2 for i, value in enumerate(arch.values())))


def near(arch):
    """Most of what counts."""
    return {"three": -float(sum((arch[f"c{i}"] - i % 4) ** 2 for i in range(3))), "last": -float(arch["c4"] ** 2)}


def far(arch):
    """The wrong way round."""
    return {name: -value for name, value in near(arch).items()}


def _search(strategy, space=FLAT, n=12, seed=0):
    search = Search(space, strategy, lambda c, _: {"loss": _loss(c.arch)}, budget=f"{n} candidates", seed=seed)
    return search.run().records


def _best(strategy, space=FLAT, n=12):
    return np.mean([min(record.loss for record in _search(strategy, space, n, seed)) for seed in range(4)])


@pytest.mark.parametrize("space", [FLAT, LARGE], ids=lambda space: space.name)
def test_a_prior_makes_a_search_faster(space):
    alone = _best(bayesian_optimisation(space).strategy, space, 8)
    informed = _best(bayesian_optimisation(space, prior=Proxies(near, samples=100)).strategy, space, 8)
    assert informed < alone


def test_a_wrong_prior_is_found_out():
    assert _best(bayesian_optimisation(FLAT, prior=far).strategy, n=30) <= 1


def test_the_first_arch_is_good_by_the_prior_and_the_second_is_random():
    firsts, seconds = [], []
    for seed in range(5):
        records = _search(BayesianOptimisation(prior=Proxies(near), n_initial=2), n=2, seed=seed)
        firsts.append(sum(near(records[0].arch).values()))
        seconds.append(sum(near(records[1].arch).values()))
    assert min(firsts) > max(-4.0, np.mean(seconds))
    assert len(set(firsts)) + len(set(seconds)) > 2  # another one for each seed


def test_contract_with_a_prior():
    check_strategy(BayesianOptimisation(prior=Proxies(near), n_initial=2), FLAT, n_candidates=7)
    check_strategy(BayesianOptimisation(Ridge(OneHot()), prior=Proxies(near), n_initial=2), FLAT, n_candidates=7)


def test_a_prior_must_be_of_use_to_the_predictor():
    class Own:
        def fit(self, space, arches, losses, rng):
            raise NotImplementedError

    with pytest.raises(InvalidInput, match="takes proxies by a field"):
        BayesianOptimisation(Own(), prior=Proxies(near))


def test_weak_nas_learns_anew_every_few_records_and_stays_among_the_best():
    method = weak_nas(FLAT, predictor=MlpEnsemble(OneHot(), steps=60, members=2), n_initial=10, every=5)
    losses = [record.loss for record in _search(method.strategy, n=40)]
    assert np.mean(losses[25:]) < 0.6 * np.mean(losses[:10])


@pytest.mark.slow
def test_brp_nas_reads_graphs():
    def loss(candidate, context):
        return {"loss": -float(CELL.graph(candidate.arch).labels.count("relu"))}

    method = brp_nas(CELL, n_initial=10, every=10, steps=50, members=2)
    records = Search(CELL, method.strategy, loss, budget="40 candidates", seed=0).run().records
    assert np.mean([r.loss for r in records[20:]]) < np.mean([r.loss for r in records[:10]]) - 1
    check_strategy(brp_nas(CELL, n_initial=3, every=4, steps=5, members=2).strategy, CELL, n_candidates=7)


def test_a_prior_goes_into_these_too():
    for method in (weak_nas, brp_nas):
        assert method(FLAT, prior=Proxies(near)).strategy.informed() != method(FLAT).strategy.informed()
