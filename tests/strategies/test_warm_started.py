"""A search that begins with the records of an earlier one."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace

import numpy as np
import pytest

from netwright import Arch, Space, choice, integer, real, repeat, subset
from netwright.core import History, Objective, Record
from netwright.core.errors import InvalidInput, InvalidSpace
from netwright.core.streams import Streams
from netwright.loop import Search
from netwright.runtime import MemoryStore
from netwright.strategies import (
    Deduplicated,
    Grid,
    LocalSearch,
    OptunaSampler,
    Random,
    RegularizedEvolution,
    WarmStarted,
)
from netwright.strategies.continued import continued
from netwright.strategies.warm_started import carried_over
from netwright.testing import check_strategy
from netwright.testing.strategy_contract import toy_spaces

SPACE = Space({f"c{i}": choice(list(range(5))) for i in range(6)})
HIDDEN = Arch({f"c{i}": (2 * i) % 5 for i in range(6)})


def _loss(candidate, context):
    return {"loss": float(sum((candidate.arch[name] - HIDDEN[name]) ** 2 for name in HIDDEN))}


def _earlier(space=SPACE, strategy=None, evaluate=_loss, n=60, **options):
    strategy = strategy or Deduplicated(Random())
    return tuple(Search(space, strategy, evaluate, budget=f"{n} candidates", seed=9, **options).run().records)


@dataclass(frozen=True)
class Watching:
    """Random, and remembers what it saw."""

    seen: list

    def __hash__(self):
        return 1

    def propose(self, space, history, rng):
        self.seen.append((list(history.records), dict(history.pending), history.next_id))
        return history.candidate(space.sample(rng), parent=history.records[0].id)


# What is gained


@pytest.mark.parametrize(
    "strategy",
    [LocalSearch(), Deduplicated(RegularizedEvolution(20, 5)), Deduplicated(OptunaSampler("tpe"), tries=3)],
    ids=lambda strategy: type(strategy).__name__,
)
def test_a_warm_start_is_better_than_a_cold_one(strategy):
    earlier = _earlier()
    found = {}
    for name, tried in (("cold", strategy), ("warm", WarmStarted(strategy, earlier))):
        runs = [Search(SPACE, tried, _loss, budget="25 candidates", seed=seed).run() for seed in range(5)]
        found[name] = np.mean([run.best.loss for run in runs])
    assert found["warm"] < 0.8 * found["cold"]
    assert found["warm"] <= min(record.loss for record in earlier)


def test_the_best_earlier_arches_come_first():
    earlier = _earlier()
    history = Search(SPACE, WarmStarted(Random(), earlier, first=3), _loss, budget="4 candidates").run()
    best = sorted(earlier, key=lambda record: (record.loss, record.id))[:3]
    assert [record.arch for record in history.records[:3]] == [record.arch for record in best]
    assert [record.parent for record in history.records] == [*(record.id - 60 for record in best), None]


def test_none_first():
    strategy = WarmStarted(Deduplicated(Grid()), _earlier(n=3), first=0)
    candidate = Search(SPACE, strategy).ask()
    assert (candidate.arch, candidate.parent) == (SPACE.default(), None)


def test_of_several_objectives_the_front_comes_first():
    def both(candidate, context):
        loss = _loss(candidate, context)["loss"]
        return {"loss": loss, "size": float(sum(candidate.arch.values()))}

    earlier = _earlier(evaluate=both, objectives=["loss", "min:size"], n=100)
    history = History([Objective("loss"), Objective("size")])
    for record in earlier:
        history.add(record)
    front = [record.arch for record in history.pareto()]
    search = Search(SPACE, WarmStarted(Random(), earlier, first=3), objectives=["loss", "min:size"])
    first = [search.ask().arch for _ in range(3)]
    assert first == [front[0], front[round((len(front) - 1) / 2)], front[-1]]


def test_what_works_the_same_comes_first_once():
    space = Space(
        {"a": choice([0, 1, 2]), "b": choice([0, 1, 2])},
        canonical=lambda arch: Arch({"a": min(arch.values()), "b": max(arch.values())}),
    )
    earlier = [Record(i, arch, losses=(float(sum(arch.values())),)) for i, arch in enumerate(space.enumerate())]
    search = Search(space, WarmStarted(Random(), earlier, first=4))
    first = [search.ask().arch for _ in range(4)]
    assert len({space.canonical(arch) for arch in first}) == 4


# What the strategy sees


def test_earlier_records_are_the_beginning_of_its_history():
    watching = Watching([])
    earlier = _earlier(strategy=LocalSearch(), n=8)
    search = Search(SPACE, WarmStarted(watching, earlier, first=1))
    asked = [search.ask() for _ in range(4)]
    search.tell(asked[1], 3.0)
    last = search.ask()
    records, pending, next_id = watching.seen[-1]
    assert records[:8] == [replace(record, id=i) for i, record in enumerate(earlier)]
    assert [(r.id, r.arch, r.parent) for r in records[8:]] == [(9, asked[1].arch, 0)]
    assert {number: candidate.arch for number, candidate in pending.items()} == {
        8: asked[0].arch, 10: asked[2].arch, 11: asked[3].arch
    }  # fmt: skip
    assert (next_id, last.id, last.parent) == (12, 4, -8)
    assert search.history.records[0].parent == -8


def test_lost_candidates_are_proposed_again_under_their_ids():
    search = Search(SPACE, WarmStarted(Random(), _earlier(n=5), first=2), seed=4)
    asked = [search.ask() for _ in range(5)]
    search._give_back({1, 3})
    assert [search.ask(), search.ask()] == [asked[1], asked[3]]


def test_losses_are_those_of_the_new_objectives():
    arches = [SPACE.sample(np.random.default_rng(i)) for i in range(6)]
    earlier = [
        Record(0, arches[0], metrics={"loss": 1.0, "accuracy": 0.9}, losses=(1.0,)),
        Record(1, arches[1], metrics={"loss": 2.0}, losses=(2.0,)),  # nobody knows its accuracy
        Record(2, arches[2], losses=(-0.5,)),  # made by hand, without metrics
        Record(3, arches[3], status="failed", error="out of memory"),
        Record(4, arches[4], metrics={"params": 9.0}, violation=0.5, status="infeasible"),
        Record(5, arches[5], metrics={"accuracy": float("nan")}, losses=(1.0,)),
    ]
    watching = Watching([])
    Search(SPACE, WarmStarted(watching, earlier, first=0), objectives="accuracy").ask()
    seen = watching.seen[0][0]
    assert [(r.arch, r.losses) for r in seen] == [
        (arches[0], (-0.9,)), (arches[2], (-0.5,)), (arches[3], ()), (arches[4], ()),
    ]  # fmt: skip
    assert [r.id for r in seen] == [0, 1, 2, 3]
    assert seen[3].violation == 0.5


# From one space to another


WIDTH, DEPTH = integer(1, 8), integer(1, 4)


def test_decision_by_decision():
    space = Space(
        {
            "blocks": repeat({"kernel": choice([1, 3, 5])}, 1, 3),
            "width": integer(8, 64, step=8),
            "lr": real(1e-4, 1e-1, log=True),
            "inputs": subset(["x", "y", "z"], 2),
            "act": choice(["relu", "silu"]),
        }
    )
    other = Arch(
        {
            "blocks.depth": 2, "blocks[0].kernel": 5, "blocks[1].kernel": 7, "blocks[2].kernel": 1,
            "width": 101, "lr": 0.5, "inputs": ("x", "w"), "dropout": 0.5,
        }
    )  # fmt: skip
    found = carried_over(space, other)
    space.validate(found)
    assert dict(found) == {
        "blocks.depth": 2, "blocks[0].kernel": 5, "blocks[1].kernel": 1, "width": 64, "lr": 0.1, "inputs": ("x", "y"),
        "act": "relu",
    }  # fmt: skip
    assert carried_over(space, Arch({"width": 27}))["width"] == 24
    assert carried_over(space, Arch({"width": "wide"}))["width"] == space.default()["width"]
    assert carried_over(space, Arch({"width": True}))["width"] == space.default()["width"]
    assert carried_over(space, Arch({"other": 1})) is None


def test_what_the_constraints_rule_out_is_carried_nearby():
    space = Space({"width": WIDTH, "depth": DEPTH}, constraints=[WIDTH * DEPTH <= 12])
    found = carried_over(space, Arch({"width": 8, "depth": 2}))
    assert space.allowed(found)
    assert abs(found["width"] - 8) + abs(found["depth"] - 2) == 1


class Other:
    """A space of another kind, whose arches are numbers."""

    def validate(self, arch):
        if list(arch) != ["number"]:
            raise InvalidSpace("not a number")


def test_a_space_of_another_kind_takes_its_own_arches_only():
    assert carried_over(Other(), Arch({"number": 3})) == Arch({"number": 3})
    assert carried_over(Other(), SPACE.default()) is None


def test_records_of_a_smaller_space():
    small = Space({f"c{i}": choice([0, 1, 2]) for i in range(3)})

    def some(candidate, context):
        return {"loss": float(sum((candidate.arch.get(name, 0) - HIDDEN[name]) ** 2 for name in HIDDEN))}

    earlier = _earlier(space=small, evaluate=some, n=27)
    strategy = WarmStarted(LocalSearch(), earlier)
    history = Search(SPACE, strategy, _loss, budget="30 candidates").run()
    first = history.records[0].arch
    assert [first[f"c{i}"] for i in range(3)] == [0, 2, 2]
    assert history.best.loss < Search(SPACE, LocalSearch(), _loss, budget="30 candidates").run().best.loss


def test_records_that_do_not_hold_give_their_arches_only():
    large = Space({f"c{i}": choice(list(range(7))) for i in range(7)})
    earlier = [
        Record(0, large.default(), losses=(3.0,)),  # has a decision that isn't here
        Record(1, SPACE.default().replace(c0=6), losses=(1.0,)),  # a value that isn't here
        Record(2, SPACE.default().replace(c1=4), losses=(2.0,), parent=0),
        Record(3, SPACE.default().replace(c1=3), losses=(5.0,), parent=2),
    ]
    watching = Watching([])
    search = Search(SPACE, WarmStarted(watching, earlier, first=2))
    asked = [search.ask() for _ in range(3)]
    assert [(c.arch, c.parent) for c in asked[:2]] == [(SPACE.default(), None), (SPACE.default().replace(c1=4), -2)]
    assert [(r.id, r.losses, r.parent) for r in watching.seen[0][0]] == [(0, (2.0,), None), (1, (5.0,), 0)]


# Contract


@pytest.mark.parametrize("space", toy_spaces(), ids=lambda space: space.name)
@pytest.mark.parametrize("inner", [LocalSearch(), Deduplicated(RegularizedEvolution(6, 2))], ids=repr)
def test_the_contract_of_strategies(inner, space):
    def loss(candidate, context):
        return {"loss": float(np.mean(space.encode(candidate.arch)))}

    check_strategy(WarmStarted(inner, _earlier(space, Random(), loss, 12), first=2), space, n_candidates=30)


def test_it_is_what_its_records_are():
    earlier = _earlier(n=5)
    strategy = WarmStarted(Random(), earlier)
    assert pickle.loads(pickle.dumps(strategy)) == strategy == WarmStarted(Random(), list(earlier))
    assert hash(strategy) == hash(WarmStarted(Random(), list(earlier)))
    assert strategy != WarmStarted(Random(), earlier[:4])
    assert repr(strategy) != repr(WarmStarted(Random(), earlier[:4]))
    assert repr(strategy).startswith("WarmStarted(strategy=Random(), records=<5 records, ")


def test_resumed():
    earlier = _earlier(n=20)
    strategy = WarmStarted(Deduplicated(RegularizedEvolution(8, 3)), earlier)
    whole = Search(SPACE, strategy, _loss, budget="20 candidates", seed=2).run().records
    store = MemoryStore()
    for record in whole[:7]:
        store.append(record)
    assert Search(SPACE, strategy, _loss, budget="20 candidates", seed=2, store=store).run().records == whole


def test_nothing_to_start_with():
    assert Search(SPACE, WarmStarted(Random()), seed=3).ask() == Search(SPACE, Random(), seed=3).ask()


def test_continued_histories_are_kept_in_step():
    history = History()
    candidate = history.candidate(SPACE.default())
    history.start(candidate)
    for _ in range(2):
        found = continued("key", SPACE, history)
        assert dict(found.history.pending) == {0: candidate}
    history.drop(0)
    assert not continued("key", SPACE, history).history.pending
    assert found.outside(candidate) is candidate
    assert continued("key", SPACE, history) is found
    assert WarmStarted(Random()).propose(SPACE, history, Streams(0)(0)).id == 0


def test_bad_arguments():
    for given in (3, "runs/numbers", [Arch({})]):
        with pytest.raises(InvalidInput, match=r"`records` of WarmStarted must be the records of a search, such as"):
            WarmStarted(Random(), given)
    with pytest.raises(InvalidInput, match=r"such as history\.records, but got a History\."):
        WarmStarted(Random(), History())
    with pytest.raises(InvalidInput, match="`first` of WarmStarted must be at least 0, but got -1"):
        WarmStarted(Random(), (), first=-1)
