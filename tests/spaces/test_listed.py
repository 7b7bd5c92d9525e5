"""The part of a space that is listed arch by arch."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from netwright import Arch, Space, choice, integer, nn
from netwright.core.errors import InvalidSpace, SpaceExhausted
from netwright.spaces.domains import IntegerRange
from netwright.spaces.listed import ListedSpace
from netwright.strategies import Deduplicated, Grid, LocalSearch, RegularizedEvolution
from netwright.testing import check_strategy

WHOLE = Space({"x": integer(0, 29), "y": integer(0, 29)}, name="square")
ARCHES = [Arch({"x": i, "y": 29 - i}) for i in range(30)]


def _listed(**options):
    return ListedSpace(WHOLE, ARCHES, **{"n_neighbours": 4, **options})


def test_only_what_is_listed_is_there():
    space, rng = _listed(), np.random.default_rng(0)
    assert (space.size(), list(space.enumerate())) == (30, ARCHES)
    assert {space.sample(rng) for _ in range(500)} == set(ARCHES)
    space.validate(ARCHES[3])
    assert space.allowed(ARCHES[3])
    with pytest.raises(InvalidSpace, match="the constraint 'listed' doesn't hold"):
        space.validate(Arch({"x": 1, "y": 1}))
    with pytest.raises(InvalidSpace, match="'y' is missing"):
        space.validate(Arch({"x": 1}))


def test_neighbours_are_the_nearest():
    space, rng = _listed(), np.random.default_rng(0)
    assert {arch["x"] for arch in space.neighbours(ARCHES[10])} == {8, 9, 11, 12}
    assert [arch["x"] for arch in space.neighbours(ARCHES[0])] == [1, 2, 3, 4]
    assert {space.mutate(ARCHES[10], rng)["x"] for _ in range(100)} == {8, 9, 11, 12}
    foreign = Arch({"x": 10, "y": 21})
    assert space.inside(foreign) == space.nearest_allowed(foreign)
    assert space.inside(foreign)["x"] in (9, 10)
    assert space.inside(ARCHES[7]) is ARCHES[7]


def test_a_child_is_near_its_crossover():
    space, rng = _listed(), np.random.default_rng(0)
    children = {space.crossover(ARCHES[4], ARCHES[24], rng)["x"] for _ in range(60)}
    assert children <= {4, 24, 14, 15}  # one of the parents, or halfway between
    assert len(children) > 2


def test_few_arches():
    assert len(list(ListedSpace(WHOLE, ARCHES[:3], n_neighbours=10).neighbours(ARCHES[0]))) == 2
    alone, rng = ListedSpace(WHOLE, ARCHES[:1]), np.random.default_rng(0)
    assert alone.sample(rng) == alone.default() == ARCHES[0]
    with pytest.raises(SpaceExhausted, match="there is one arch only in 'square'"):
        alone.mutate(ARCHES[0], rng)


def test_features_of_ones_own():
    def only_x_modulo(space, arches):
        return np.array([[arch["x"] % 5] for arch in arches])

    space = ListedSpace(WHOLE, ARCHES, n_neighbours=5, features=only_x_modulo)
    assert [arch["x"] for arch in space.neighbours(ARCHES[12])] == [2, 7, 17, 22, 27]


def test_the_default_is_the_nearest_to_the_space_s_own():
    space = _listed()
    assert space.default() == space.inside(WHOLE.default())
    moved = space.starting_at(ARCHES[5])
    assert (moved.default(), moved.size()) == (ARCHES[5], 30)
    with pytest.raises(InvalidSpace, match="the constraint 'listed' doesn't hold"):
        space.starting_at(Arch({"x": 1, "y": 1}))


def test_it_travels():
    space = _listed().starting_at(ARCHES[5])
    again = pickle.loads(pickle.dumps(space))
    assert list(again.enumerate()) == ARCHES
    assert again.default() == ARCHES[5]
    assert list(again.neighbours(ARCHES[9])) == list(space.neighbours(ARCHES[9]))
    assert again.digest == space.digest != ListedSpace(WHOLE, ARCHES[1:]).starting_at(ARCHES[5]).digest
    assert repr(again) == "<ListedSpace square: 30 arches>"


def test_a_part_of_the_list():
    space = _listed().starting_at(ARCHES[5])
    part = space.narrowed({"x": IntegerRange(10, 14)})
    assert [arch["x"] for arch in part.enumerate()] == [10, 11, 12, 13, 14]
    assert part.default() in set(part.enumerate())
    assert (part.encode(ARCHES[11]) == space.encode(ARCHES[11])).all()
    smaller = part.narrowed({"y": IntegerRange(15, 17)})
    assert [arch["x"] for arch in smaller.enumerate()] == [12, 13, 14]
    with pytest.raises(InvalidSpace, match="no listed arch of 'square' has only values of 'x', 'y'"):
        space.narrowed({"x": IntegerRange(0, 3), "y": IntegerRange(0, 3)})
    assert space.without_constraints().size() == 900


def test_canonical_and_graph_are_the_whole_space_s():
    def to_even(arch):
        return Arch({"w": 2 * (arch["w"] // 2)})

    whole = Space(nn.Sequential(nn.LazyLinear(integer(0, 9, label="w")), nn.ReLU()), canonical=to_even)
    space = ListedSpace(whole, [Arch({"w": w}) for w in (2, 5, 8)])
    assert space.canonical(Arch({"w": 5})) == Arch({"w": 5})  # the list tells it apart
    assert space.canonical(Arch({"w": 7})) == Arch({"w": 6})
    assert space.graph(Arch({"w": 5})) == whole.graph(Arch({"w": 5}))
    assert space.build(Arch({"w": 5}), input_shape=(3,))[0].out_features == 5


@pytest.mark.parametrize(
    ("arches", "n", "said"),
    [
        ([], 4, "needs at least one arch, none twice, .* but got 0 arches, 0 different ones"),
        ([ARCHES[0], ARCHES[0]], 4, "but got 2 arches, 1 different ones"),
        (ARCHES, 0, "and n_neighbours=0"),
        ([Arch({"x": 1})], 4, "'y' is missing"),
    ],
)
def test_wrong_lists(arches, n, said):
    with pytest.raises(InvalidSpace, match=said):
        ListedSpace(WHOLE, arches, n_neighbours=n)


@pytest.mark.parametrize(
    "strategy",
    [Deduplicated(RegularizedEvolution(population=6, tournament=2)), LocalSearch(), Grid()],
    ids=repr,
)
def test_strategies_keep_their_contract_on_it(strategy):
    whole = Space({f"c{i}": choice([0, 1, 2]) for i in range(5)})
    check_strategy(strategy, ListedSpace(whole, list(whole.enumerate())[::3]), n_candidates=40)
