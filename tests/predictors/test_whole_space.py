"""What is kept of a small space, for how long, and that it says what the encodings say."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from netwright import Arch, Space, choice, integer, real
from netwright.core.errors import InvalidInput
from netwright.predictors import Extra, OneHot, Standard, WholeSpace, encoded, graphs_of, whole_space


def _space():
    return Space({"width": choice([8, 16]), "act": choice(["relu", "silu", "gelu"])})


def test_rows_are_those_of_the_encoding():
    space = _space()
    whole = whole_space(space)
    assert whole.arches == tuple(space.enumerate())
    assert [whole.index[arch] for arch in whole.arches] == list(range(6))
    np.testing.assert_array_equal(whole.features(Standard()), Standard()(space, whole.arches))
    np.testing.assert_array_equal(
        whole.rows(OneHot(), [4, 1, 4]), OneHot()(space, [whole.arches[i] for i in (4, 1, 4)])
    )
    assert whole.features(OneHot()) is whole.features(OneHot())
    assert encoded(space, OneHot(), whole.arches) is whole.features(OneHot())
    assert whole.rows(OneHot(), []).shape == (0, 5)


def test_each_arch_is_encoded_once_and_only_if_asked_for():
    asked = []

    def width(arch):
        asked.append(arch)
        return float(arch["width"])

    space = _space()
    arches = list(space.enumerate())
    extra = Extra(width)
    for _ in range(3):
        assert encoded(space, extra, [arches[3], arches[0]]).tolist() == [[16], [8]]
    assert sorted(map(arches.index, asked)) == [0, 3]
    whole_space(space).features(extra)
    assert sorted(map(arches.index, asked)) == list(range(6))


def test_graphs_are_drawn_once():
    space = _space()
    first, second = (graphs_of(space, [space.default()])[0] for _ in range(2))
    assert first is second
    large = Space({"lr": real(0.1, 1.0), "act": choice(["relu"])})
    assert graphs_of(large, [large.default()])[0].labels == ("input", "lr=~5/10", "act=relu", "output")


def test_large_and_endless_spaces_are_none():
    assert whole_space(Space({"lr": real(0.1, 1.0)})) is None
    assert whole_space(Space({f"x{i}": integer(0, 9) for i in range(6)})) is None
    assert whole_space(_space(), most=5) is None


def test_a_size_that_is_only_estimated_is_not_trusted():
    numbers = [integer(0, 9) for _ in range(8)]
    space = Space(dict(zip("abcdefgh", numbers, strict=True)), constraints=[sum(numbers) <= 1])
    assert space.size() < 50_000
    assert whole_space(space) is None


def test_arches_that_are_not_of_the_space_are_encoded_all_the_same():
    width = integer(1, 4)
    space = Space({"width": width}, constraints=[width <= 2])
    assert encoded(space, OneHot(), [Arch({"width": 4}), Arch({"width": 1})]).tolist() == [[1.0], [0.0]]


def test_nothing_is_kept_longer_than_the_space():
    space = _space()
    whole = whole_space(space)
    whole.features(Standard())
    gone = weakref.ref(space)
    del space
    gc.collect()
    assert gone() is None
    with pytest.raises(InvalidInput, match="the space of a WholeSpace is gone: keep a reference to it"):
        whole.features(OneHot())


def test_spaces_that_cannot_be_kept():
    class Slotted:
        """Neither hashable nor to be referred to weakly."""

        __slots__ = ()
        __hash__ = None

        def encode(self, arch):
            return np.array([1.0])

    assert whole_space(Slotted()) is None
    assert encoded(Slotted(), OneHot(), [Arch({})]).tolist() == [[1.0]]


def test_a_whole_space_by_hand():
    assert len(WholeSpace(_space())) == 6
