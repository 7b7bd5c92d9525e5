"""An ensemble of strategies: whose turn it is, and who gets the credit."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import pytest

from netwright import Space, choice, integer
from netwright.core import History, Record
from netwright.core.errors import InvalidInput, SpaceExhausted
from netwright.core.streams import Streams
from netwright.loop import Search
from netwright.strategies import Bandit, Deduplicated, Grid, LocalSearch, Random, RegularizedEvolution
from netwright.testing import check_strategy

SPACE = Space({"who": integer(0, 2), "what": integer(0, 999)})


@dataclass(frozen=True)
class Signed:
    """Random arches that tell who proposed them."""

    who: int

    def propose(self, space, history, rng):
        return history.candidate(space.sample(rng).replace(who=self.who))


THREE = (Signed(0), Signed(1), Signed(2))


def _loss(arch, luck=(1.0, 0.5, 0.1)):
    return luck[arch["who"]] * arch["what"]


def _search(strategy, workers, n=150, seed=0, loss=_loss):
    """Candidates evaluated several at a time, that come in in any order."""
    search, running, order = Search(SPACE, strategy, seed=seed), [], np.random.default_rng(seed)
    while len(search.history) < n:
        while len(running) < workers:
            running.append(search.ask())
        done = running.pop(int(order.integers(len(running))))
        search.tell(done, {"loss": loss(done.arch)})
    return search.history


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("workers", [1, 3, 8])
def test_the_history_alone_tells_who_proposed_what(workers, seed):
    strategy = Bandit(THREE, workers=8)
    history = _search(strategy, workers, seed=seed)
    assert strategy.turns(history) == [record.arch["who"] for record in history.records]
    again = History()
    for record in history.records:
        again.add(record)
    assert strategy.turns(again) == strategy.turns(history)


def test_with_more_workers_than_that_it_still_goes_on():
    strategy = Bandit(THREE, workers=4)
    history = _search(strategy, 40)
    assert {record.arch["who"] for record in history.records} == {0, 1, 2}
    check_strategy(Bandit(THREE, workers=1), SPACE, n_candidates=40)


def paper(outcomes_of, n_arms, n, *, exploration, window):
    """The selection rule of Ansel et al. 2014, section 3.2.2 (AUC credit assignment), one candidate at a time."""
    history, chosen = [], []
    for number in range(n):
        recent = history[-window:]
        scores = []
        for arm in range(n_arms):
            own = [better for who, better in recent if who == arm]
            uses = len(own)
            if not uses:
                scores.append(math.inf)
                continue
            area = 2 / (uses * (uses + 1)) * sum(i * better for i, better in enumerate(own, start=1))
            scores.append(area + exploration * math.sqrt(2 * math.log2(len(recent)) / uses))
        best = [arm for arm in range(n_arms) if scores[arm] == max(scores)]
        latest = {arm: max((i for i, who in enumerate(chosen) if who == arm), default=-1) for arm in best}
        arm = min(best, key=latest.get)  # there at random; here whose turn is longest ago
        chosen.append(arm)
        history.append((arm, outcomes_of(arm, number)))
    return chosen


@pytest.mark.parametrize(("exploration", "window"), [(0.05, 500), (0.3, 20), (0.0, 5)])
def test_the_papers_rule(exploration, window):
    strategy = Bandit(THREE, exploration=exploration, window=window, workers=1)
    history = _search(strategy, 1)
    arches = [record.arch for record in history.records]
    incumbents, best = [], math.inf
    for arch in arches:
        incumbents.append(_loss(arch) < best)
        best = min(best, _loss(arch))
    chosen = [arch["who"] for arch in arches]
    assert chosen == paper(lambda _, number: incumbents[number], 3, len(chosen), exploration=exploration, window=window)


def test_who_finds_new_incumbents_gets_more_turns():
    better = itertools.count()

    def loss(arch):
        return -float(next(better)) if arch["who"] == 2 else 0.0

    counts = np.bincount([record.arch["who"] for record in _search(Bandit(THREE), 4, loss=loss).records])
    assert counts[2] > 100
    assert min(counts) >= 2  # the others are tried, too


def test_failures_and_broken_limits_earn_nothing():
    history = History()
    for number in range(60):
        losses = (-float(number),) if number % 3 == 1 else ()
        broken = 1.0 if number % 3 == 1 else 0.0
        history.add(
            Record(number, SPACE.default(), losses=losses, violation=broken, status="ok" if losses else "failed")
        )
    turns = [Bandit(THREE, workers=61).turn(history, number) for number in range(61, 121)]
    assert [turns.count(who) for who in range(3)] == [20, 20, 20]


@dataclass(frozen=True)
class Done:
    """Has nothing new."""

    def propose(self, space, history, rng):
        raise SpaceExhausted("done")


def test_a_strategy_with_nothing_new_passes_its_turn_on():
    history = _search(Bandit((Done(), Signed(1), Done())), 2, n=30)
    assert {record.arch["who"] for record in history.records} == {1}
    with pytest.raises(SpaceExhausted, match="done"):
        Bandit((Done(), Done())).propose(SPACE, History(), Streams(0)(0))


@dataclass(frozen=True)
class Witness:
    """Checks that it sees what it should, in every way in which it can look."""

    who: int
    all_of_it: bool = False

    def propose(self, space, history, rng):
        ids = history.fold((self, "ids"), lambda seen, record: [*seen, record.id], list)
        assert ids == [record.id for record in history.records]
        assert len(history) == len(ids)
        best = math.inf
        for record in history.records:
            assert self.all_of_it or record.arch["who"] == self.who or record.loss < best
            best = min(best, record.loss)
        assert history.best is None or history.best.loss == best  # the incumbent is known to all
        assert history.candidate(space.default()).id == history.next_id
        return Signed(self.who).propose(space, history, rng)


def test_what_a_strategy_sees_of_the_others():
    assert len(_search(Bandit(tuple(map(Witness, range(3)))), 4)) == 150
    together = Bandit(tuple(Witness(who, all_of_it=True) for who in range(3)), sharing="all")
    history = _search(together, 1)
    assert len(history) == 150
    assert len(history.fold((Witness(0, all_of_it=True), "ids"), lambda seen, _: seen, list)) > 100


def test_a_climb_is_not_led_astray_by_random_arches():
    space = Space({f"c{i}": choice(list(range(6))) for i in range(10)})
    found = {}
    for sharing in ("incumbents", "all"):
        strategy = Bandit((Deduplicated(LocalSearch()), Deduplicated(Random())), sharing=sharing)
        best = []
        for seed in range(10):
            search = Search(
                space,
                strategy,
                lambda candidate, _: {"loss": float(sum(candidate.arch.values()))},
                budget="120 candidates",
                seed=seed,
            )
            best.append(search.run().best.loss)
        found[sharing] = np.mean(best)
    assert found["incumbents"] < 0.5 * found["all"]


@pytest.mark.parametrize("sharing", ["incumbents", "all"])
def test_the_contract(sharing):
    strategies = (Grid(), Deduplicated(RegularizedEvolution(6, 2)), LocalSearch())
    check_strategy(Bandit(strategies, sharing=sharing, workers=5), n_candidates=60)


def test_bad_arguments():
    for strategies in ((Random(),), [Random(), Grid()], Random()):
        with pytest.raises(InvalidInput, match="Bandit needs a tuple of two or more strategies, but got"):
            Bandit(strategies)
    for options in ({"window": 0}, {"workers": 0}, {"exploration": -1.0}, {"exploration": math.nan}):
        with pytest.raises(InvalidInput, match="`window` and `workers` of Bandit must be at least 1 and `exploration`"):
            Bandit(**options)
    with pytest.raises(InvalidInput, match="`sharing` of Bandit must be 'incumbents' or 'all', but got 'none'"):
        Bandit(sharing="none")
