"""A space that is narrowed as evidence grows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright import Objective, Space, choice, integer, real, subset
from netwright.core import Arch, History, Record
from netwright.core.errors import InvalidInput, SpaceExhausted
from netwright.core.registry import benchmarks
from netwright.core.streams import Streams
from netwright.loop import Search
from netwright.predictors import OneHot, Ridge
from netwright.strategies import (
    NSGA2,
    BayesianOptimisation,
    Deduplicated,
    Genetic,
    Grid,
    LocalSearch,
    Narrowed,
    Random,
    RegularizedEvolution,
    Reinforce,
    SimulatedAnnealing,
)
from netwright.testing import check_strategy

SPACE = Space({f"c{i}": choice(list("abcde")) for i in range(6)})
MIXED = Space(
    {
        "kind": choice({"conv": {"kernel": choice([1, 3, 5])}, "pool": {"size": integer(1, 40)}}),
        "inputs": subset(["w", "x", "y", "z"], 2),
    },
    training={"lr": real(1e-4, 1.0, log=True)},
)


LOSS = (Objective("loss"),)


def _history(space, losses_of, n=80, *, seed=0, objectives=LOSS, **more):
    """Random arches with their losses."""
    history, rng = History(objectives), np.random.default_rng(seed)
    for number in range(n):
        arch = space.sample(rng)
        told = losses_of(arch)
        losses = () if told is None else told if isinstance(told, tuple) else (told,)
        history.add(Record(number, arch, losses=losses, status="ok" if losses else "failed", **more))
    return history


def test_what_is_worse_goes_and_what_makes_no_difference_stays():
    history = _history(SPACE, lambda arch: float("abcde".index(arch["c0"])))
    dropped = Narrowed(Random()).dropped(SPACE, history)
    assert dropped["c0"] == ("b", "c", "d", "e")
    assert sum(map(len, dropped.values())) <= 4 + 3  # of 24 that make no difference, at two deviations


def test_an_option_is_not_blamed_for_what_it_came_with():
    """Where c0 is "a", c1 mostly is too; only c1 matters."""
    history, rng = History(), np.random.default_rng(0)
    for number in range(200):
        arch = SPACE.sample(rng)
        if rng.random() < 0.8:
            arch = arch.replace(c1=arch["c0"])
        history.add(Record(number, arch, losses=(float(arch["c1"] != "a"),)))
    dropped = Narrowed(Random(), deviations=4).dropped(SPACE, history)
    assert dropped == {"c1": ("b", "c", "d", "e")}


def test_ranges_lose_their_ends_and_subsets_keep_enough_members():
    history = _history(MIXED, lambda arch: abs(np.log10(arch["lr"]) + 1.5) + 2.0 * ("x" in arch["inputs"]), n=150)
    strategy = Narrowed(Random())
    dropped = strategy.dropped(MIXED, history)
    assert dropped["inputs"] == ("x",)
    assert (0.0001, 0.001) in dropped["lr"]
    assert (0.01, 0.1) not in dropped["lr"]
    left = strategy.left(MIXED, history)
    drawn = [left.sample(np.random.default_rng(i)) for i in range(30)]
    assert min(arch["lr"] for arch in drawn) >= 0.001
    assert not any("x" in arch["inputs"] for arch in drawn)
    # The worst members go first, and two stay, however bad all are.
    worse = {"w": 0.0, "x": 1.0, "y": 2.0, "z": 3.0}
    history = _history(MIXED, lambda arch: sum(worse[name] for name in arch["inputs"]), n=150)
    assert strategy.dropped(MIXED, history)["inputs"] == ("y", "z")


def test_conditional_options():
    history = _history(MIXED, lambda arch: arch.get("size", 0) / 40 + (arch.get("kind.conv.kernel") == 5), n=150)
    strategy = Narrowed(Random())
    assert strategy.dropped(MIXED, history)["kind.conv.kernel"] == (5,)
    history = _history(MIXED, lambda arch: float(arch["kind"] == "pool"), n=150)
    left = strategy.left(MIXED, history)
    assert all("kind.pool.size" not in left.sample(np.random.default_rng(i)) for i in range(20))


def test_failures_speak_against_an_option():
    history = _history(SPACE, lambda arch: None if arch["c2"] == "d" else 1.0)
    assert Narrowed(Random()).dropped(SPACE, history) == {"c2": ("d",)}
    assert Narrowed(Random()).dropped(SPACE, _history(SPACE, lambda _: None)) == {}


def test_broken_limits_speak_against_an_option():
    history, rng = History(), np.random.default_rng(0)
    for number in range(80):
        arch = SPACE.sample(rng)
        history.add(Record(number, arch, losses=(0.0,), violation=float(arch["c3"] == "b")))
    assert Narrowed(Random()).dropped(SPACE, history) == {"c3": ("b",)}
    history = History()
    for number in range(25):
        history.add(Record(number, SPACE.sample(rng), losses=(0.0,), violation=1.0 + number))
    Narrowed(Random()).dropped(SPACE, history)  # nothing feasible: the least infeasible one is protected


def test_with_several_objectives_only_what_is_worse_in_all_goes():
    def both(arch):
        return float(arch["c0"] == "a") + (arch["c1"] == "a"), float(arch["c0"] == "a") + (arch["c1"] != "a")

    history = _history(SPACE, both, n=150, objectives=(Objective("loss"), Objective("size")))
    dropped = Narrowed(Random(), deviations=3).dropped(SPACE, history)
    assert dropped == {"c0": ("a",)}


def test_losses_of_less_training_are_compared_among_themselves():
    history, rng = History(), np.random.default_rng(0)
    for number in range(150):
        arch = SPACE.sample(rng)
        low = arch["c0"] in "ab"  # these happen to be trained shortly, and look bad
        history.add(Record(number, arch, fidelity=0.1 if low else 1.0, losses=(10.0 * low + (arch["c1"] == "c"),)))
    assert Narrowed(Random(), deviations=4).dropped(SPACE, history) == {"c1": ("c",)}


def test_little_evidence_drops_nothing():
    history = _history(SPACE, lambda arch: float(arch["c0"] == "a"), n=24)
    assert Narrowed(Random()).dropped(SPACE, history) == {}
    # Seen twice is not often enough, however bad it was.
    rare = History()
    for number in range(50):
        arch = Arch({f"c{i}": "e" if i == 0 and number < 2 else "ab"[number % 2] for i in range(6)})
        rare.add(Record(number, arch, losses=(100.0 if number < 2 else number % 7 / 7,)))
    assert "e" not in Narrowed(Random(), every=10).dropped(SPACE, rare).get("c0", ())


@given(st.integers(0, 10**6), st.sampled_from([SPACE, MIXED]), st.floats(0.01, 3))
@settings(max_examples=60, deadline=None)
def test_the_incumbent_stays_and_every_decision_keeps_a_value(seed, space, deviations):
    rng = np.random.default_rng(seed)
    history = _history(space, lambda _: None if rng.random() < 0.1 else float(rng.normal()), n=50, seed=seed)
    left = Narrowed(Random(), deviations=deviations).left(space, history)
    left.validate(history.best.arch)
    assert all(decision.domain.count >= 1 for decision in left.decisions)
    space.validate(left.sample(rng))


def test_an_option_comes_back_when_the_incumbent_has_it():
    history = _history(SPACE, lambda arch: float(arch["c0"] == "a"), n=75)
    strategy = Narrowed(Random())
    assert strategy.dropped(SPACE, history)["c0"] == ("a",)
    for number in range(75, 100):  # a worker was still busy with it
        arch = SPACE.sample(np.random.default_rng(number)).replace(c0="a" if number == 75 else "b")
        history.add(Record(number, arch, losses=(-1.0 if number == 75 else 0.0,)))
    assert "c0" not in strategy.dropped(SPACE, history)


@dataclass(frozen=True)
class Witness:
    """Proposes a fixed arch, and checks what it is shown."""

    arch: Arch

    def propose(self, space, history, rng):
        calls = history.fold("calls", lambda seen, record: [*seen, record.id], list)
        assert calls == [record.id for record in history.records]
        assert len(history) == len(calls)
        return history.candidate(self.arch, parent=0 if len(history) else None)


def test_what_the_inner_strategy_proposes_outside_is_brought_inside():
    history = _history(SPACE, lambda arch: float(arch["c0"] == "a"), n=75)
    arch = Arch({f"c{i}": "a" for i in range(6)})
    inner = Narrowed(Witness(arch), deviations=4)
    found = inner.propose(SPACE, history, Streams(0)(0))
    assert found.arch == arch.replace(c0="b")
    assert found.parent == 0
    assert inner.propose(SPACE, History(), Streams(0)(0)).arch == arch


def test_when_all_that_is_left_is_known_it_goes_on_in_the_whole_space():
    def loss(candidate, context):
        return {"loss": float(sum("abcde".index(value) for value in candidate.arch.values()))}

    strategy = Narrowed(Deduplicated(Random()))
    search = Search(SPACE, strategy, loss, budget="300 candidates", seed=3)
    history = search.run()
    assert len({record.arch for record in history.records}) == 300
    left = strategy.left(SPACE, history)
    assert left.size() < 100
    assert all(history.seen(arch) for arch in left.enumerate())


@dataclass(frozen=True)
class Exhausted:
    """Has nothing to propose in a narrowed space."""

    def propose(self, space, history, rng):
        if space is not SPACE:
            raise SpaceExhausted("nothing here")
        return history.candidate(space.default())


def test_a_strategy_that_is_done_inside_goes_on_outside():
    history = _history(SPACE, lambda arch: float(arch["c0"] == "a"), n=75)
    assert Narrowed(Exhausted()).propose(SPACE, history, Streams(0)(0)).arch == SPACE.default()


INNER = [
    Grid(),
    LocalSearch(),
    Deduplicated(RegularizedEvolution(6, 2)),
    Deduplicated(Genetic(6, crossover="subtree")),
    NSGA2(6),
    SimulatedAnnealing(),
    Reinforce(batch=5),
    Narrowed(Random(), every=20),
    BayesianOptimisation(Ridge(OneHot()), pool=20),
]


@pytest.mark.parametrize("inner", INNER, ids=lambda strategy: type(strategy).__name__)
def test_any_strategy_runs_inside(inner):
    """What strategies remember of a space that had more options must not show, nor after a restart."""
    n_candidates = 25 if isinstance(inner, BayesianOptimisation) else 60
    check_strategy(Narrowed(inner, every=8, deviations=1.0), n_candidates=n_candidates)


def test_bad_arguments():
    for options in ({"every": 0}, {"stretches": 1}, {"deviations": 0.0}, {"deviations": float("nan")}):
        with pytest.raises(InvalidInput, match=r"`every` of Narrowed must be at least 1.*, but got every="):
            Narrowed(Random(), **options)
    with pytest.raises(InvalidInput, match=r"Narrowed needs a netwright\.Space"):
        Narrowed(Random()).propose(object(), History(), Streams(0)(0))


@pytest.mark.shared_data
def test_random_search_in_a_narrowed_space_finds_the_best_cell(shared_data):
    benchmark = benchmarks["nb201-cifar10"]()
    queries = []
    for seed in range(9):
        strategy = Narrowed(Deduplicated(Random()))
        search = Search(
            benchmark.space, strategy, benchmark.evaluator,
            objectives=benchmark.objective, budget="400 candidates", seed=seed,
        )  # fmt: skip
        values = [-record.loss for record in search.run().records]
        best = benchmark.optimum()
        queries.append(values.index(best) if best in values else 10**4)
    assert sorted(queries)[4] < 250  # random search alone: about 7,800 in the mean
