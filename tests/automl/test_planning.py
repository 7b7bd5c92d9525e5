"""How the budget is used: over a table of budgets, sizes of data and speeds, all of the time is accounted for."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from netwright.automl.planning import (
    FINAL_SHARE,
    SearchPlan,
    plan_for_candidates,
    plan_for_seconds,
    plan_under,
    speed_text,
)
from netwright.core import Budget
from netwright.evaluators import Speed, TrainingPlan
from netwright.tasks import Split, Task


def task_of(n_train, n_validation=None, classes=2):
    """A task of so many (tiny) examples."""
    sizes = (n_train, n_validation or max(1, n_train // 4), 10)
    parts = [Split(np.zeros((n, 1), np.float32), np.arange(n) % classes) for n in sizes]
    one = np.ones(1)
    return Task("made up", "classification", "tabular", *parts, one, one, classes=tuple(range(classes)))


def speed_of(seconds, precision="float32"):
    return Speed(precision, seconds, {"float32": seconds})


BUDGETS = [0.5, 2.0, 8.0, 19.9, 20.0, 60.0, 600.0, 86_400.0]
SIZES = [2, 50, 1_150, 48_000, 1_000_000]
SPEEDS = [1e-7, 1e-5, 1e-3, 1e-1, 10.0]
CASES = list(itertools.product(BUDGETS, SIZES, SPEEDS))


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("used", [0.0, 3.0, 30.0])
def test_all_of_the_time_is_accounted_for_and_nothing_is_zero(workers, fixed, used):
    tasks = {n: task_of(n) for n in SIZES}
    for seconds, n, each in CASES:
        for candidates in (None, 1, 1_000):
            plan = plan_for_seconds(
                tasks[n], TrainingPlan(epochs=7), Budget(seconds, candidates), speed_of(each), flops=1e6,
                used_seconds=used, workers=workers, fixed=fixed,
            )  # fmt: skip
            case = (seconds, n, each, candidates)
            assert 1 <= plan.n_train <= n, case
            assert 1 <= plan.training.epochs <= 40, case
            assert 1 <= plan.final.epochs <= 80, case
            assert plan.expected_candidates >= 1, case
            assert plan.search_seconds > 0, case
            assert plan.final_seconds > 0, case
            margin = min(2.0, 0.1 * seconds)
            assert plan.search_seconds + plan.final_seconds + margin <= seconds, case
            if used < 0.8 * seconds:
                assert plan.final_seconds <= FINAL_SHARE * (seconds - used), case
                assert plan.search_seconds - used >= 0.05 * seconds, case  # what is left for the search itself
            assert plan.flops_limit is None or plan.flops_limit >= 1.25 * 1e6, case
            assert plan.training == replace(TrainingPlan(), epochs=plan.training.epochs), case
            if fixed:
                assert (plan.n_train, plan.training.epochs, plan.flops_limit) == (n, 7, None), case
                assert plan.final.epochs <= 7, case
            assert SearchPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan, case


def planned(seconds=600.0, n=48_000, each=1e-4, *, flops=1e6, used=5.0, **given):
    candidates = given.pop("candidates", None)
    return plan_for_seconds(
        task_of(n), TrainingPlan(), Budget(seconds, candidates), speed_of(each), flops=flops, used_seconds=used, **given
    )


def test_more_time_never_means_less_training():
    plans = [planned(seconds) for seconds in (30, 60, 120, 300, 600, 1_800, 3_600, 36_000)]
    for name in ("final_seconds", "search_seconds", "expected_candidates"):
        values = [getattr(plan, name) for plan in plans]
        assert values == sorted(values), name
    examples = [plan.n_train * plan.training.epochs for plan in plans]
    assert examples == sorted(examples)


def test_a_candidate_takes_about_its_share_of_the_search():
    for seconds in (60, 600, 3_600):
        plan = planned(seconds, each=1e-4)
        one = plan.n_train * plan.training.epochs * 1e-4
        share = (plan.search_seconds - 5.0) / plan.expected_candidates
        assert 0.4 * share < one <= 1.01 * share


def test_where_little_data_are_learned_quickly_the_search_gets_the_rest():
    plan = planned(600.0, n=200, each=1e-5)  # 80 epochs of the winner take a quarter of a second
    assert plan.final_seconds < 1.0
    assert plan.search_seconds > 550


def test_where_data_are_many_candidates_see_a_part():
    plan = planned(60.0, n=1_000_000, each=1e-3)
    assert 500 <= plan.n_train < 1_000_000
    assert plan.training.epochs == 3
    assert plan.flops_limit == 1.25e6
    assert "arches of more than 1.25M FLOPs are left out" in plan.notes[-1]


def test_small_data_give_more_candidates():
    few, many = planned(60.0, n=1_000, each=1e-4), planned(60.0, n=100, each=1e-6)
    assert few.expected_candidates < 12
    assert many.expected_candidates > 100
    assert many.training.epochs == 40
    assert planned(60.0, n=100, each=1e-6, candidates=5).expected_candidates == 5


def test_few_candidates_get_more_each():
    few, usual = planned(600.0, candidates=2), planned(600.0)
    assert few.expected_candidates == 2
    assert few.n_train * few.training.epochs > usual.n_train * usual.training.epochs


def test_every_class_is_in_the_part_of_the_data():
    task = task_of(100_000, classes=2_000)
    plan = plan_for_seconds(task, TrainingPlan(), Budget(10), speed_of(1e-2), flops=1e6, used_seconds=0.0)
    assert plan.n_train >= 2_000
    assert len(task.subset(plan.n_train).train) == plan.n_train


def test_a_model_without_flops_gives_no_limit():
    assert planned(20.0, n=1_000_000, each=1e-2, flops=0.0).flops_limit is None


def test_the_faster_precision_is_taken():
    speed = Speed("bfloat16", 1e-4, {"float32": 3e-4, "bfloat16": 1e-4})
    plan = plan_for_seconds(task_of(1_000), TrainingPlan(), Budget(60), speed, flops=1.0, used_seconds=1.0)
    assert plan.training.precision == plan.final.precision == "bfloat16"
    assert plan.notes[0] == ("bfloat16 trains fastest here: float32 3,333 examples/s, bfloat16 10,000 examples/s.")
    assert speed_text(speed) in plan.notes[0]


@pytest.mark.parametrize("n", [1, 192, 1_150, 48_000, 10_000_000])
def test_without_a_time_epochs_depend_on_the_size_alone(n):
    plan = plan_for_candidates(task_of(n), TrainingPlan(epochs=3), 20)
    assert 6 <= plan.training.epochs <= 40
    assert plan.training.epochs <= plan.final.epochs <= 80
    assert plan.n_train == n
    assert (plan.search_seconds, plan.final_seconds, plan.flops_limit) == (None, None, None)
    assert plan.expected_candidates == 20
    assert plan == plan_for_candidates(task_of(n), TrainingPlan(epochs=3), 20)


def test_without_a_time_the_plan_of_the_user_is_kept():
    plan = plan_for_candidates(task_of(100), TrainingPlan(epochs=3), 20, fixed=True)
    assert plan.training == plan.final == TrainingPlan(epochs=3)


def test_images_are_shifted_less_in_short_trainings():
    base, speed = TrainingPlan(crop=2), speed_of(1e-3)

    def crops(seconds, **options):
        plan = plan_for_seconds(task_of(20_000), base, Budget(seconds), speed, flops=1.0, used_seconds=0.0, **options)
        return plan.training.crop, plan.final.crop

    assert crops(300) == (1, 1)  # ten passes for the winner
    assert crops(3_000) == (1, 2)
    assert crops(300, fixed=True) == (2, 2)
    few = plan_for_candidates(task_of(48_000), base, 20)
    assert (few.training.crop, few.final.crop) == (1, 1)
    assert plan_for_candidates(task_of(1_150), base, 20).final.crop == 2


# Going on under another budget ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "now"), [(60.0, 120.0), (600.0, 60.0), (10.0, 10.0), (7.0, 3_600.0)])
def test_another_time_moves_the_end(before, now):
    plan = planned(before, used=1.0)
    moved = plan_under(plan, before, Budget(now))
    assert moved.search_seconds / plan.search_seconds == pytest.approx(now / before)
    assert moved.search_seconds + moved.final_seconds < now
    assert (moved.training, moved.final, moved.n_train) == (plan.training, plan.final, plan.n_train)
    assert plan_under(moved, now, Budget(before)).search_seconds == pytest.approx(plan.search_seconds)


def test_from_candidates_to_a_time_and_back():
    plan = plan_for_candidates(task_of(100), TrainingPlan(), 20)
    timed = plan_under(plan, None, Budget(60.0))
    assert timed.final_seconds == FINAL_SHARE * 60
    assert 0 < timed.search_seconds + timed.final_seconds <= 0.95 * 60
    assert plan_under(timed, 60.0, Budget(None, 30)) == plan
    assert plan_under(plan, None, Budget(None, 30)) == plan


def test_a_time_beside_the_candidates():
    plan = planned(60.0, candidates=5)
    assert plan_under(plan, 60.0, Budget(120.0, 50)).search_seconds == pytest.approx(2 * plan.search_seconds)
    assert math.isfinite(plan_under(plan, 60.0, Budget(1e6)).final_seconds)
