"""Random search and grid search."""

from __future__ import annotations

from collections import Counter

import pytest

from netwright import Space, choice, integer, real
from netwright.core.errors import InvalidInput
from netwright.core.streams import Streams
from netwright.loop import Search
from netwright.strategies import Grid, Random, StartingWith


def _all(space, strategy, **options):
    search = Search(space, strategy, lambda *_: {"loss": 0.0}, budget="500 candidates", **options)
    return [record.arch for record in search.run().records]


def test_random_arches_are_samples_of_their_streams():
    space = Space({"x": choice(["a", "b"]), "y": integer(1, 5)})
    assert _all(space, Random(), seed=3)[:20] == [space.sample(Streams(3)(n)) for n in range(20)]


def test_random_arches_are_uniform():
    counts = Counter(arch["x"] for arch in _all(Space({"x": integer(1, 5)}), Random()))
    assert set(counts) == set(range(1, 6))
    assert all(abs(count - 100) < 45 for count in counts.values())


def test_the_grid_is_the_enumeration():
    space = Space({"x": choice(["a", "b"]), "y": integer(1, 3), "z": real(0, 1)})
    assert _all(space, Grid()) == list(space.enumerate(5))
    assert _all(space, Grid(resolution=2)) == list(space.enumerate(2))
    assert _all(space, Grid(), seed=9) == _all(space, Grid(), seed=1)


def test_nested_and_constrained_spaces():
    width, depth = integer(1, 3), integer(1, 3)
    space = Space(
        {"head": choice({"wide": {"width": width}, "deep": {"depth": depth, "act": choice(["relu", "silu"])}})},
        constraints=[lambda arch: arch["head.wide.width"] != 2],
    )
    arches = _all(space, Grid())
    assert arches == list(space.enumerate())
    assert len(arches) == space.size() == 2 + 6


def test_what_is_known_is_left_out():
    space = Space({"x": integer(0, 4)})
    assert [arch["x"] for arch in _all(space, StartingWith(Grid()))] == [2, 0, 1, 3, 4]


def test_several_workers_share_the_grid():
    space = Space({"x": integer(0, 9)})
    search = Search(space, Grid())
    candidates = [search.ask() for _ in range(5)]
    for candidate in reversed(candidates):
        search.tell(candidate, 0.0)
    candidates += [search.ask() for _ in range(5)]
    assert [candidate.arch["x"] for candidate in candidates] == list(range(10))


@pytest.mark.parametrize("resolution", [0, -1, 2.5, None])
def test_bad_resolution(resolution):
    with pytest.raises(InvalidInput, match=r"`resolution` of Grid must be (at least 1|a whole number), but got"):
        Grid(resolution)
