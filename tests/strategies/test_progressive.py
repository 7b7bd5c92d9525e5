"""From small arches to large ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from netwright import Space, choice, integer, real, repeat, subset
from netwright.core import Arch, History, Record
from netwright.core.errors import InvalidInput
from netwright.core.registry import methods
from netwright.core.streams import Streams
from netwright.loop import Search
from netwright.predictors import OneHot, Ridge
from netwright.spaces.domains import Categorical, IntegerRange
from netwright.spaces.zoo.nb201 import OPERATIONS, nb201
from netwright.strategies import Bandit, Deduplicated, LocalSearch, Narrowed, Progressive, Random
from netwright.testing import check_strategy

QUICK = Ridge(OneHot())
CELL = Space({f"edge{i}": choice(["none", "skip", "conv", "pool"]) for i in range(5)})


@dataclass(frozen=True)
class Fitted:
    """Knows all losses."""

    def predict(self, arches):
        mean = np.array([_loss(arch) for arch in arches])
        return mean, np.ones_like(mean)


@dataclass(frozen=True)
class Oracle:
    """A predictor that needs no learning, and counts."""

    def fit(self, space, arches, losses, rng):
        assert len(arches) == len(losses) >= 1
        assert np.isfinite(losses).all()
        return Fitted()


def _loss(arch):
    worth = {"none": 0.0, "skip": 1.0, "conv": 3.0, "pool": -1.0}
    return 100.0 - sum(worth[value] * (10 + i) for i, value in enumerate(arch.values()))


def _arches(strategy, n, space=CELL, seed=0, loss=_loss):
    search = Search(
        space, strategy, lambda candidate, _: {"loss": loss(candidate.arch)}, budget=f"{n} candidates", seed=seed
    )
    return [record.arch for record in search.run().records]


def paper(beam):
    """Algorithm 1 of Liu et al. 2018 on this space, with a predictor that is always right."""
    levels = [[Arch({f"edge{i}": "none" for i in range(5)})]]
    for _ in range(5):
        grown = {  # S'_b: expand-by-one-block of the beam
            arch.replace(**{name: value})
            for arch in sorted(levels[-1], key=_loss)[:beam]
            for name in arch
            if arch[name] == "none"
            for value in ("skip", "conv", "pool")
        }
        levels.append(sorted(grown, key=_loss)[:beam])  # S_b: top K by the predictor
    return levels


def test_the_papers_algorithm():
    strategy = Progressive(beam=15, predictor=Oracle())  # level one has 15 arches: all are in the beam
    found = _arches(strategy, 1 + 5 * 15)
    sizes = [strategy.level(CELL, arch) for arch in found]
    assert sizes == [0] + [size for size in range(1, 6) for _ in range(15)]
    for size, level in enumerate(paper(15)):
        own = [_loss(arch) for arch, of in zip(found, sizes, strict=True) if of == size]
        assert sorted(own) == sorted(map(_loss, level))
    assert _loss(found[1 + 4 * 15]) == min(map(_loss, found))  # the most promising of the largest comes first


def test_after_the_largest_it_looks_around_the_best():
    strategy = Progressive(beam=4, predictor=Oracle())
    found = _arches(strategy, 60)
    sizes = [strategy.level(CELL, arch) for arch in found]
    assert sizes[:21] == [0] + [size for size in range(1, 6) for _ in range(4)]
    assert len(set(found)) == 60
    near = {other for arch in sorted(found[:21], key=_loss)[:4] for other in CELL.neighbours(arch)}
    assert set(found[21:25]) <= near


def test_what_is_small():
    space = Space(
        {
            "blocks": repeat({"kernel": choice([5, 3]), "norm": choice(["batch", "layer"], default="layer")}, 1, 3),
            "width": integer(8, 64, step=8),
            "inputs": subset(["x", "y", "z"], 2),
            "bias": choice([True, False]),
            "rate": choice([0.5, 0.1]),
        },
        training={"lr": real(1e-4, 1e-1, log=True)},
    )
    smallest = Progressive().smallest(space)
    assert smallest == Arch(
        {
            "blocks.depth": 1, "blocks[0].kernel": 3, "blocks[0].norm": "layer", "width": 8, "inputs": ("x", "y"),
            "bias": True, "rate": 0.5, "lr": space.default()["lr"],
        }
    )  # fmt: skip
    space.validate(smallest)
    strategy = Progressive(beam=40)
    assert strategy.level(space, smallest) == 0
    # A block more is one step, and its own decisions are small too.
    grown = [arch for arch in _arches(strategy, 40, space, loss=lambda _: 0.0) if arch["blocks.depth"] == 2]
    assert grown[0]["blocks[1].kernel"] == 3
    assert strategy.level(space, grown[0]) == 1
    assert strategy.level(space, grown[0].replace(**{"blocks[1].kernel": 5})) == 2


def test_parts_of_a_narrowed_space():
    part = Space({"width": integer(8, 64), "op": choice(["a", "b", "c"])}).narrowed(
        {"width": IntegerRange(16, 32), "op": Categorical(("b", "c"))}
    )
    assert Progressive().smallest(part) == Arch({"width": 16, "op": "b"})
    for arch in _arches(Progressive(4), 30, part, loss=lambda arch: float(arch["width"])):
        part.validate(arch)


def test_ranges_are_grown_by_a_few_values():
    space = Space({"width": integer(1, 1000, log=True), "lr": real(0.0, 1.0)})
    found = _arches(Progressive(beam=20), 17, space, loss=lambda _: 0.0)
    assert {arch["width"] for arch in found} == {1, 3, 8, 20, 48, 115, 274, 649}
    assert len({arch["lr"] for arch in found}) == 9


def test_a_cell_grows_from_nothing():
    space = nb201()
    strategy = Progressive()
    assert set(strategy.smallest(space).values()) == {"none"}
    found = _arches(strategy, 100, space, loss=lambda arch: -float(sum(map(OPERATIONS.index, arch.values()))))
    levels = [strategy.level(space, arch) for arch in found]
    assert len({space.canonical(arch) for arch in found}) == 100
    first = levels.index(2)
    assert levels[:first] == [0] + [1] * (first - 1)
    assert first < 15  # most single edges lead nowhere: they are the cell of nothing again
    # Two edges that do nothing on their own are found together.
    path = {"cell.1<-0": "skip_connect", "cell.3<-1": "skip_connect"}
    assert any({name for name in arch if arch[name] != "none"} == set(path) for arch in found[first:])


def test_where_constraints_forbid_what_is_small():
    width, depth = integer(1, 8), integer(1, 4)
    space = Space({"width": width, "depth": depth}, constraints=[width * depth >= 10])
    found = _arches(Deduplicated(Progressive(4)), 40, space, loss=lambda arch: float(arch["width"] * arch["depth"]))
    assert set(found) == set(space.enumerate())
    first, second = integer(0, 3), integer(0, 3)
    diagonal = Space({"a": first, "b": second}, constraints=[first <= second, second <= first])
    assert len(_arches(Deduplicated(Progressive(2)), 10, diagonal, loss=lambda _: 0.0)) == 4


def test_failures_are_no_parents_and_stop_nothing():
    def loss(arch):
        if arch["edge0"] == "conv":
            raise ValueError("too wide")
        return _loss(arch)

    strategy = Progressive(beam=6)
    found = _arches(strategy, 60, loss=loss)
    assert strategy.level(CELL, found[-1]) >= 4
    history = History()
    for number in range(30):  # nothing has a loss
        candidate = strategy.propose(CELL, history, Streams(0)(number))
        history.add(Record(number, candidate.arch, status="failed"))


def test_workers_that_would_wait_take_the_next_of_the_ranking():
    search = Search(CELL, Progressive(beam=3, predictor=Oracle()))
    asked = [search.ask() for _ in range(12)]
    assert [Progressive().level(CELL, candidate.arch) for candidate in asked] == [0] + [1] * 11
    assert len({candidate.arch for candidate in asked}) == 12
    for candidate in asked:
        search.tell(candidate, _loss(candidate.arch))
    assert Progressive().level(CELL, search.ask().arch) > 1


def test_parents_are_what_was_grown():
    search = Search(
        CELL, Progressive(beam=4), lambda candidate, _: {"loss": _loss(candidate.arch)}, budget="40 candidates"
    )
    records = search.run().records
    level = Progressive().level
    for record in records[5:21]:
        parent = records[record.parent].arch
        assert level(CELL, parent) == level(CELL, record.arch) - 1
        assert sum(parent[name] != record.arch[name] for name in parent) == 1


def test_equal_networks_are_not_waited_for():
    """With a canonical form, some of a level are never evaluated."""
    space = Space(
        {f"e{i}": choice([0, 1, 2]) for i in range(4)},
        canonical=lambda arch: Arch({f"e{i}": value for i, value in enumerate(sorted(arch.values()))}),
    )
    found = _arches(Deduplicated(Progressive(beam=3)), 30, space, loss=lambda arch: -float(sum(arch.values())))
    assert len(found) == 15
    assert [Progressive().level(space, arch) for arch in found[:12]] == [0, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]


@pytest.mark.parametrize(
    "strategy",
    [
        Progressive(beam=5, predictor=QUICK),
        Narrowed(Progressive(beam=5, predictor=QUICK), every=15),
        Bandit((Progressive(beam=5, predictor=QUICK), LocalSearch())),
    ],
    ids=repr,
)
def test_the_contract(strategy):
    check_strategy(strategy, n_candidates=40)


def test_it_beats_random_search_by_far():
    space = Space({f"x{i}": choice(list(range(6))) for i in range(8)})

    def loss(arch):
        return float(sum((value - i % 6) ** 2 for i, value in enumerate(arch.values())))

    strategy = methods["pnas"](space, expected_candidates=100).strategy
    assert strategy == Deduplicated(Progressive(6))
    best = sorted(min(map(loss, _arches(strategy, 100, space, seed=seed, loss=loss))) for seed in range(5))
    assert best[2] <= 2  # random search: about 12
    at_random = [min(map(loss, _arches(Random(), 100, space, seed=seed, loss=loss))) for seed in range(5)]
    assert best[-1] < min(at_random)


def test_a_space_without_decisions():
    search = Search(Space({"x": 3}), Deduplicated(Progressive()), lambda *_: {"loss": 1.0}, budget="5 candidates")
    assert len(search.run()) == 1


def test_bad_arguments():
    with pytest.raises(InvalidInput, match="`beam` of Progressive must be at least 1, but got 0"):
        Progressive(beam=0)
    with pytest.raises(InvalidInput, match="`predictor` of Progressive must have a method fit, but got 3"):
        Progressive(predictor=3)
    with pytest.raises(InvalidInput, match=r"Progressive needs a netwright\.Space"):
        Progressive().propose(object(), History(), Streams(0)(0))
