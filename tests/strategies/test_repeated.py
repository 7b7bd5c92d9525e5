"""Leaders are evaluated again before they are believed."""

from __future__ import annotations

import numpy as np
import pytest

from netwright import Space, integer
from netwright.core.errors import InvalidInput
from netwright.loop import Search
from netwright.strategies import ASHA, Deduplicated, Random, RegularizedEvolution, Repeated
from netwright.strategies.repeats import averaged, best_first

SPACE = Space({"x": integer(0, 199)})


def noisy(candidate, context):
    noise = np.random.default_rng(context.seed).normal(scale=0.5)
    return {"loss": abs(candidate.arch["x"] - 100) / 100 + noise}


def test_the_winner_by_means_is_better_than_the_luckiest():
    regret = {"lucky": 0.0, "mean": 0.0}
    for seed in range(20):
        strategy = Repeated(Deduplicated(Random()), best=4, times=5, after=60)
        records = Search(SPACE, strategy, noisy, budget="120 candidates", seed=seed).run().records
        regret["lucky"] += abs(min(records[:60], key=lambda record: record.loss).arch["x"] - 100)
        regret["mean"] += abs(best_first(records)[0].first.arch["x"] - 100)
    assert regret["mean"] < 0.85 * regret["lucky"]


def test_leaders_are_repeated_until_they_hold():
    search = Search(SPACE, Repeated(Random(), best=1, times=3, after=3), objectives="min:loss")
    for loss in (0.5, 0.3, 0.4):
        search.tell(search.ask(), {"loss": loss})
    repeat = search.ask()
    assert (repeat.arch, repeat.parent, repeat.fidelity) == (search.history.records[1].arch, 1, 1.0)
    assert search.ask().arch == repeat.arch  # two at once: three in all
    assert search.ask().parent is None
    search.tell(repeat, {"loss": 0.9})
    following = search.ask()  # the mean is 0.6: another one leads
    assert (following.arch, following.parent) == (search.history.records[2].arch, 2)
    assert [(one.n, round(one.mean.loss, 2)) for one in averaged(search.history.records)] == [
        (1, 0.5), (2, 0.6), (1, 0.4),
    ]  # fmt: skip


def test_the_strategy_inside_sees_means_once():
    seen = []

    class Watching(RegularizedEvolution):
        def propose(self, space, history, rng):
            seen.append([(record.id, record.loss) for record in history.records])
            return super().propose(space, history, rng)

    search = Search(SPACE, Repeated(Watching(5, 2), best=1, times=2, after=2), objectives="min:loss")
    for loss in (0.5, 0.3, 0.7, 0.9):  # the second one leads and is repeated, then the first one
        search.tell(search.ask(), {"loss": loss})
    search.ask()
    assert seen[-1] == [(0, 0.7), (1, 0.5)]


def test_the_best_of_the_highest_fidelity_lead():
    def evaluator(candidate, context):
        return {"loss": candidate.arch["x"] + np.random.default_rng(context.seed).random()}

    strategy = Repeated(ASHA(fidelities=(0.25, 1.0)), best=2, times=3, after=20)
    records = Search(SPACE, strategy, evaluator, budget="80 candidates").run().records
    repeated = [one for one in averaged(records) if one.n > 1]
    assert len(repeated) >= 2
    assert {one.first.fidelity for one in repeated} == {1.0}
    assert max(one.n for one in repeated) == 3


def test_what_is_refused():
    with pytest.raises(InvalidInput, match=r"`times` at least 2 .* but got best=3, times=1, after=30"):
        Repeated(Random(), times=1)
