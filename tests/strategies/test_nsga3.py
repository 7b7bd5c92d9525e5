"""NSGA-III: reference directions, niches, many objectives."""

from __future__ import annotations

import math

import numpy as np
import pytest

from netwright import Arch, Space, choice
from netwright.core import History, Objective, Record
from netwright.core.errors import InvalidInput
from netwright.loop import Search
from netwright.strategies import NSGA2, NSGA3, Deduplicated
from netwright.strategies.generations import Generations
from netwright.strategies.reference_directions import das_dennis, reference_directions

ARCH = Arch({"x": 0})


def _members(strategy, rows):
    history = History([Objective(f"o{i}") for i in range(len(rows[0]))])
    for number, row in enumerate(rows):
        history.add(Record(number, ARCH, losses=tuple(map(float, row))))
    return [record.id for record in history.fold(strategy, strategy._step, Generations).members]


# Directions


@pytest.mark.parametrize(("n_objectives", "n_divisions"), [(1, 1), (1, 4), (2, 5), (3, 12), (5, 6), (8, 3)])
def test_directions_are_all_points_of_a_grid_on_the_simplex(n_objectives, n_divisions):
    points = das_dennis(n_objectives, n_divisions)
    assert points.shape == (math.comb(n_objectives + n_divisions - 1, n_divisions), n_objectives)
    assert points.sum(axis=1) == pytest.approx(1)
    assert (points >= 0).all()
    assert len({tuple(point) for point in points.tolist()}) == len(points)
    assert (points * n_divisions).round(9) == pytest.approx((points * n_divisions).round())


@pytest.mark.parametrize(
    ("n_objectives", "most", "n_points"),
    [
        (2, 20, 20), (3, 91, 91), (5, 210, 210), (8, 156, 156), (10, 275, 275), (15, 135, 135),  # table I of the paper
        (3, 92, 91), (1, 50, 1), (4, 2, 4),
    ],
)  # fmt: skip
def test_as_many_directions_as_fit(n_objectives, most, n_points):
    points = reference_directions(n_objectives, most)
    assert points.shape == (n_points, n_objectives)
    assert points.sum(axis=1) == pytest.approx(1)
    assert len({tuple(point) for point in points.round(9).tolist()}) == n_points


def test_with_many_objectives_there_is_a_layer_inside():
    points = reference_directions(8, 156)
    assert (points[:120] == 0).any(axis=1).all()  # three divisions of eight objectives: the border alone
    assert (points[120:] > 0).all()


def test_bad_divisions():
    with pytest.raises(InvalidInput, match="`n_objectives` and `n_divisions` must be at least 1, but got 3 and 0"):
        das_dennis(3, 0)


# Survival


def test_every_direction_keeps_its_nearest():
    """A front on the plane: a point right on each direction, the rest crowded around one corner."""
    directions = das_dennis(3, 4)  # 15
    rng = np.random.default_rng(0)
    crowd = np.abs(np.array([0.9, 0.06, 0.04]) + rng.normal(0, 0.01, (15, 3)))
    crowd /= crowd.sum(axis=1, keepdims=True)
    rows = np.vstack([crowd, directions]).tolist()
    assert set(_members(NSGA3(population=15), rows)) == set(range(15, 30))


@pytest.mark.parametrize("scale", [(1.0, 1.0, 1.0), (1e-3, 1.0, 1e4)])
@pytest.mark.parametrize("shift", [0.0, 50.0])
def test_units_do_not_matter(scale, shift):
    rng = np.random.default_rng(1)
    plane = rng.dirichlet([1, 1, 1], 60)
    expected = _members(NSGA3(population=30), plane.tolist())
    assert _members(NSGA3(population=30), (plane * np.array(scale) + shift).tolist()) == expected


def test_fronts_come_before_niches():
    rows = [(0.5, 0.5), (0.0, 1.0), (1.0, 0.0), (2.0, 2.0), (0.6, 0.6), (3.0, 0.5)]
    assert set(_members(NSGA3(population=3), rows)) == {0, 1, 2}


@pytest.mark.parametrize("row", [(1.0,), (1.0, 1.0), (0.0, 0.0, 0.0, 0.0)])
def test_losses_that_are_all_the_same(row):
    assert len(_members(NSGA3(population=6), [row] * 12)) == 6


def test_fewer_points_than_objectives():
    rows = [tuple(row) for row in np.eye(5).tolist()]
    assert len(_members(NSGA3(population=2), rows[:4])) == 2


def test_of_two_parents_the_less_violating_is_taken():
    history = History([Objective("a"), Objective("b")])
    space = Space({"x": choice(list(range(9)))})
    for number, violation in enumerate([0.0, 0.3, 0.9]):
        history.add(Record(number, Arch({"x": number}), losses=(0.0, 0.0), violation=violation))
    strategy = NSGA3(population=3, crossover_rate=0)
    parents = [strategy.propose(space, history, np.random.default_rng(n)).parent for n in range(900)]
    assert [round(parents.count(i) / 100) for i in range(3)] == [5, 3, 1]


def test_four_objectives_are_spread_better_than_by_crowding():
    """All arches are undominated: the cost of each of four kinds of units, of which there are eight."""
    space = Space({f"x{i}": choice(["a", "b", "c", "d"]) for i in range(8)})

    def gap(kind, seed):
        def losses(candidate, _):
            values = list(candidate.arch.values())
            return {name: float(values.count(name)) for name in "abcd"}

        search = Search(space, Deduplicated(kind(population=35)), losses, objectives=[f"min:{name}" for name in "abcd"],
                        budget="700 candidates", seed=seed)  # fmt: skip
        strategy = search.strategy.strategy
        members = search.run().fold(strategy, strategy._step, Generations).members
        points = np.array([record.losses for record in members]) / 8
        wanted = das_dennis(4, 4)  # mixtures of the four kinds
        return np.abs(wanted[:, None] - points).sum(axis=2).min(axis=1).mean()

    gaps = {kind: np.mean([gap(kind, seed) for seed in range(3)]) for kind in (NSGA2, NSGA3)}
    assert gaps[NSGA3] < gaps[NSGA2]
