"""Selections: the chances of records to become parents."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core import Arch, Record
from netwright.core.errors import InvalidInput
from netwright.strategies.selection import SELECTIONS, Rank, Roulette, Tournament

ARCH = Arch({"x": 0})


def _records(*losses):
    return [Record(i, ARCH, losses=(float(loss),)) for i, loss in enumerate(losses)]


def _of_all_kinds():
    return [
        *_records(1.0, 3.0),
        Record(2, ARCH, losses=(0.0,), violation=0.5),
        Record(3, ARCH, status="infeasible", violation=0.2),
        Record(4, ARCH, status="failed"),
    ]


losses = st.lists(st.integers(0, 5), min_size=1, max_size=7)


@given(losses, st.integers(1, 4))
def test_a_tournament_by_playing_all_of_them(values, size):
    records = _records(*values)
    wins = np.zeros(len(records))
    for drawn in itertools.product(range(len(records)), repeat=size):
        least = min(values[i] for i in drawn)
        equal = [i for i in range(len(records)) if values[i] == least]  # of equal ones, each wins as often
        for i in equal:
            wins[i] += 1 / len(equal)
    assert Tournament(size)(records) == pytest.approx(wins / len(records) ** size)


@given(losses, st.floats(1, 2))
def test_ranks_fall_evenly(values, pressure):
    order = sorted(values)
    chances = Rank(pressure)(_records(*values))
    if len(values) > 1:
        line = np.linspace(pressure, 2 - pressure, len(values)) / len(values)
        shared = [np.mean([c for c, other in zip(line, order, strict=True) if other == value]) for value in values]
        assert chances == pytest.approx(np.array(shared))
    assert chances.sum() == pytest.approx(1)


@given(losses, st.sampled_from(sorted(SELECTIONS)))
def test_the_better_the_likelier(values, name):
    chances = SELECTIONS[name](_records(*values))
    assert chances.sum() == pytest.approx(1)
    assert (chances >= 0).all()
    for (a, one), (b, other) in itertools.combinations(zip(values, chances, strict=True), 2):
        if a == b:
            assert one == pytest.approx(other)
        elif name != "tournament" or len(set(values)) < 6:
            assert (one > other) == (a < b)


def test_roulette_is_in_proportion():
    chances = Roulette(least=0.1)(_records(0, 2, 4, 10))
    assert chances / chances[0] == pytest.approx([1.0, 0.82, 0.64, 0.1])
    assert Roulette()(_records(7, 7)) == pytest.approx([0.5, 0.5])


def test_what_breaks_limits_comes_after_what_does_not_and_failures_last():
    for name in ("tournament", "rank"):
        chances = SELECTIONS[name](_of_all_kinds())
        assert list(np.argsort(-chances)) == [0, 1, 2, 3, 4]  # a value, then a violation alone, then nothing
    chances = Roulette(least=0.2)(_of_all_kinds())
    assert chances[0] == pytest.approx(5 * chances[1])
    assert chances[2] <= chances[1]
    # Where nothing is feasible, what breaks the limits least is best.
    chances = Roulette(least=0.2)(_of_all_kinds()[2:])
    assert chances[1] > chances[0] >= chances[2] > 0
    assert Roulette()(_of_all_kinds()[4:]) == pytest.approx([1.0])


@pytest.mark.parametrize("selection", [Tournament(3), Rank(1.5), Roulette(0.2)])
def test_they_travel(selection):
    assert pickle.loads(pickle.dumps(selection)) == selection
    assert hash(pickle.loads(pickle.dumps(selection))) == hash(selection)


def test_bad_numbers():
    with pytest.raises(InvalidInput, match="`size` of Tournament must be a whole number of at least 1, but got 0"):
        Tournament(0)
    with pytest.raises(InvalidInput, match=r"`pressure` of Rank must be in 1 to 2, but got 2\.5"):
        Rank(2.5)
    with pytest.raises(InvalidInput, match="`least` of Roulette must be above 0 and at most 1, but got 0"):
        Roulette(0)
