"""What training takes by an arch's costs, and how many examples an arch sees by that."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from netwright import Arch
from netwright.core.errors import InvalidInput
from netwright.evaluators import AtPace, Pace
from netwright.evaluators.pace import FALL

COSTS = [{"flops": 1e6 * f, "activation_mb": m} for f, m in ((20, 0.5), (80, 0.6), (5, 2.0), (300, 1.0), (1, 0.1))]


def of_flops(arch):
    return {"flops": arch["flops"], "activation_mb": 0.0}


@pytest.mark.parametrize("true", [Pace(0.01, 0.0003, 0.0002), Pace(0.01, 0.0, 0.0), Pace(0.0, 0.0, 0.003)])
def test_a_pace_is_found_again(true):
    found = Pace.fitted(COSTS, [true.seconds(costs) for costs in COSTS])
    assert asdict(found) == pytest.approx(asdict(true), rel=1e-6, abs=1e-12)


def test_a_pace_is_right_in_relative_terms_and_never_negative():
    rng, true = np.random.default_rng(0), Pace(0.01, 0.0003, 0.0001)
    for _ in range(20):
        seconds = [true.seconds(costs) * rng.uniform(0.8, 1.25) for costs in COSTS]
        found = Pace.fitted(COSTS, seconds)
        assert min(asdict(found).values()) >= 0
        ratios = [found.seconds(costs) / true.seconds(costs) for costs in COSTS]
        assert max(*ratios, *(1 / ratio for ratio in ratios)) < 1.5


def test_one_measurement_is_met():
    assert Pace.fitted(COSTS[:1], [0.004]).seconds(COSTS[0]) == pytest.approx(0.004)


@pytest.mark.parametrize("seconds", [[], [0.0], [0.1, -1.0], [float("nan")]])
def test_nothing_to_go_by(seconds):
    with pytest.raises(InvalidInput, match="at least one arch whose training takes some time"):
        Pace.fitted(COSTS[: len(seconds)], seconds)


def at_pace(power, *, n=1_000, seconds=1e-3):
    return AtPace(Pace(1.0, 0.0, 0.0), of_flops, n, seconds, power, 100, 5_000)


@pytest.mark.parametrize("power", [0.0, 0.4, 1.0])
def test_examples_fall_as_a_power_of_the_time(power):
    given = at_pace(power)
    assert given(Arch({"flops": 1e6})) == 1_000
    assert given(Arch({"flops": 4e6})) == pytest.approx(1_000 / 4**power, abs=0.5)
    assert given(Arch({"flops": 0.5e6})) == pytest.approx(1_000 * 2**power, abs=0.5)


def test_at_the_power_of_one_all_take_the_same_time():
    given = at_pace(1.0)
    for flops in (3e5, 1e6, 7e6):
        seconds = given(Arch({"flops": flops})) * given.pace.seconds({"flops": flops, "activation_mb": 0.0})
        assert seconds == pytest.approx(1.0, rel=0.01)


def test_neither_too_few_nor_more_than_there_are():
    assert at_pace(1.0)(Arch({"flops": 10.0})) == 5_000
    assert at_pace(1.0)(Arch({"flops": 0.0})) == 5_000
    assert at_pace(1.0)(Arch({"flops": 1e12})) == 100


def test_short_and_long_trainings_agree_on_the_best_size():
    """Errors that fall as powers of the size and of the examples; what an example takes is as the size."""

    def error(size, examples):
        return 3.0 / size**0.3 + 20.0 / examples**FALL

    sizes, seconds = np.geomspace(0.01, 100.0, 400) * 1e6, 1e13
    final = [error(size, seconds / size) for size in sizes]
    best = sizes[int(np.argmin(final))]
    n = int(seconds / best / 50)  # a candidate of the best size sees a fiftieth of what the winner will
    found = {}
    for power in (0.0, (1 / 50) ** FALL, 1.0):
        given = AtPace(Pace(1.0, 0.0, 0.0), of_flops, n, best / 1e9, power, 1, 10**9)
        short = [error(size, given(Arch({"flops": size}))) for size in sizes]
        found[power] = sizes[int(np.argmin(short))] / best
    assert found[(1 / 50) ** FALL] == pytest.approx(1, rel=0.1)
    assert found[0.0] > 10  # as many examples for all: the larger, the better
    assert found[1.0] < 0.5  # as much time for all: too small


def test_a_pace_goes_through_json():
    pace = Pace(0.1, 1 / 3, 1e-7)
    assert Pace(**json.loads(json.dumps(asdict(pace)))) == pace
