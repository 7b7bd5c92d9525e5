"""The learning rate over a training: its ends, and where it rises and falls."""

from __future__ import annotations

import itertools
import math

import pytest

from netwright.evaluators import TrainingPlan
from netwright.evaluators.schedules import lr_share

GRID = [i / 200 for i in range(201)]


def shares(**plan):
    plan = TrainingPlan(**plan)
    return [lr_share(plan, progress) for progress in GRID]


@pytest.mark.parametrize("warmup", [0.05, 0.2, 0.5])
def test_onecycle_rises_then_falls_to_zero(warmup):
    plan = TrainingPlan(schedule="onecycle", warmup=warmup)
    assert lr_share(plan, 0.0) == pytest.approx(0.04)
    assert lr_share(plan, warmup) == pytest.approx(1.0)
    assert lr_share(plan, 1.0) == pytest.approx(0.0, abs=1e-12)
    values = shares(schedule="onecycle", warmup=warmup)
    rising = [value for value, progress in zip(values, GRID, strict=True) if progress <= warmup]
    falling = [value for value, progress in zip(values, GRID, strict=True) if progress >= warmup]
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)


def test_onecycle_without_warm_up_is_cosine():
    assert shares(schedule="onecycle", warmup=0.0) == shares(schedule="cosine")


def test_cosine_is_half_a_cosine_whatever_the_warm_up():
    expected = [0.5 * (1 + math.cos(math.pi * progress)) for progress in GRID]
    assert shares(schedule="cosine", warmup=0.3) == pytest.approx(expected)


def test_constant():
    assert set(shares(schedule="constant")) == {1.0}


@pytest.mark.parametrize("schedule", ["onecycle", "cosine", "constant"])
def test_shares_are_between_zero_and_one_and_never_jump(schedule):
    values = shares(schedule=schedule)
    assert all(0.0 <= value <= 1.0 for value in values)
    assert max(abs(after - before) for before, after in itertools.pairwise(values)) < 0.03


@pytest.mark.parametrize("schedule", ["onecycle", "cosine", "constant"])
def test_progress_beyond_the_ends_counts_as_the_ends(schedule):
    plan = TrainingPlan(schedule=schedule)
    assert lr_share(plan, -0.5) == lr_share(plan, 0.0)
    assert lr_share(plan, 1.5) == lr_share(plan, 1.0)
