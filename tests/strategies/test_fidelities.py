"""Rungs: which fidelities are asked for, and what goes on."""

from __future__ import annotations

import math

import pytest

from netwright.core.errors import InvalidInput
from netwright.core.registry import benchmarks
from netwright.strategies.fidelities import USUAL_FIDELITIES, checked_fidelities, level_of, rungs, shares_kept


def test_without_anything_said_there_are_the_usual_ones():
    assert rungs() == pytest.approx(USUAL_FIDELITIES)


@pytest.mark.parametrize(
    ("available", "given", "expected"),
    [
        ([4 / 108, 12 / 108, 36 / 108, 1.0], {}, [12, 36, 108]),
        ([4 / 108, 12 / 108, 36 / 108, 1.0], {"eta": 3, "most": 5}, [4, 12, 36, 108]),
        ([12 / 108, 1.0], {}, [12, 108]),
        ([6 / 108, 1.0], {}, [6, 108]),
        ([1.0], {}, [108]),
        ([epoch / 108 for epoch in range(1, 109)], {"eta": 4}, [6, 22, 108]),
        ([epoch / 108 for epoch in range(1, 109)], {"least": 0.2}, [22, 108]),
        ([epoch / 4 for epoch in range(1, 5)], {}, [27, 108]),
        (None, {"most": 2}, [27, 108]),
        (None, {"most": 1}, [108]),
    ],
)
def test_they_are_snapped_to_what_there_is(available, given, expected):
    assert [round(108 * one) for one in rungs(available, **given)] == expected


def test_all_tables_have_rungs():
    found = rungs(benchmarks["digits-cnn"]().fidelities)
    assert [round(9 * one) for one in found] == [1, 2, 9]


def test_level():
    fidelities = (0.1, 0.3, 1.0)
    assert [level_of(one, fidelities) for one in (0.05, 0.1, 0.29, 0.3, 0.9, 1.0)] == [None, 0, 0, 1, 1, 2]
    assert level_of(3 * 0.1, fidelities) == 1  # 0.30000000000000004
    assert level_of(1 / 3 - 1e-12, (1 / 3, 1.0)) == 0


def test_what_is_refused():
    for wrong in ((), (0.5,), (0.5, 0.5, 1.0), (1.0, 0.5), (0.0, 1.0), (0.5, 2.0), (math.nan, 1.0)):
        with pytest.raises(InvalidInput, match="must ascend within \\(0, 1\\] and end with 1, but got"):
            checked_fidelities(wrong)
    with pytest.raises(InvalidInput, match="`eta` must be above 1, but got 1"):
        rungs(eta=1)
    with pytest.raises(InvalidInput, match=r"`eta` must be above 1, but got 0\.5"):
        shares_kept((0.5, 1.0), 0.5)
    with pytest.raises(InvalidInput, match=r"`least` must be in 0\.\.1, but got 2"):
        rungs(least=2)
    with pytest.raises(InvalidInput, match=r"`most` .* must be at least 1, but got 0"):
        rungs(most=0)
    with pytest.raises(InvalidInput, match="`eta` must be a number, but got '3'"):
        rungs(eta="3")
