"""Candidates that see fewer examples if they are dear: where that is planned, and what comes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

import netwright
from netwright import Arch, Space, choice, load_result, n_outputs, nn
from netwright.automl.pacing import measured_pace
from netwright.automl.planning import SearchPlan, plan_at_pace, plan_for_candidates
from netwright.evaluators import ModelCost, Pace, TrainingPlan
from netwright.evaluators.pace import FALL
from netwright.tasks import load

PACE = Pace(1.0, 0.0, 1e-6)
WIDTH = choice([4, 16, 64, 256], label="width")
SPACE = Space(nn.Sequential(nn.LazyLinear(WIDTH), nn.ReLU(), nn.LazyLinear(n_outputs)))


def paced(default, *, seconds=60.0):
    task = load("blobs")
    return measured_pace(
        SPACE, task, TrainingPlan.for_task(task), Arch({"width": default}), 1e-4, seed=0, device="cpu", seconds=seconds
    )


def test_measured_on_several_arches():
    task = load("blobs")
    costs = ModelCost(SPACE, task.input_shape, task.n_outputs)
    assert paced(256).seconds(costs(Arch({"width": 256}))) > 0


def test_not_measured_without_time_or_where_all_others_are_much_dearer():
    assert paced(256, seconds=0.0) is None
    assert paced(4) is None


def test_an_arch_that_breaks_is_passed_over(monkeypatch):
    tried = []

    def breaks(model, *_, **__):
        tried.append(model)
        raise RuntimeError("not today")

    monkeypatch.setattr("netwright.automl.pacing.seconds_per_example", breaks)
    assert paced(256) is None
    assert len(tried) > 3


def test_at_a_pace():
    plan = SearchPlan(TrainingPlan(epochs=8), 100, TrainingPlan(), final_seconds=40.0, notes=("one.", "two.", "three."))
    costs = {"flops": 1e6, "activation_mb": 2.0}
    assert plan_at_pace(plan, None, costs) == plan
    assert plan_at_pace(replace(plan, final_seconds=None), Pace(1.0, 0.0, 0.0), costs).pace is None
    paced = plan_at_pace(plan, pace := Pace(1.0, 0.002, 0.0), costs)
    assert (paced.pace, paced.pace_seconds) == (pace, pytest.approx(0.005))
    assert paced.pace_power == pytest.approx((8 * 100 * 0.005 / 40) ** FALL)
    assert plan_at_pace(replace(plan, final_seconds=1.0), pace, costs).pace_power == 1
    assert [note[:3] for note in paced.notes] == ["one", "two", "arc", "thr"]
    assert SearchPlan.from_json(paced.to_json()) == paced
    data = plan.to_json()
    del data["pace"], data["pace_seconds"], data["pace_power"]  # as earlier versions wrote it
    assert SearchPlan.from_json(data) == plan


@pytest.fixture
def at_a_pace(monkeypatch):
    """A plan at a pace for a budget in candidates: what happens doesn't hang on how fast this machine is."""

    def plan(task, base, n_candidates, *, fixed=False):
        usual = plan_for_candidates(task, replace(base, epochs=8), n_candidates, fixed=True)
        return replace(usual, n_train=60, fidelities=(0.125, 1.0), pace=PACE, pace_seconds=5e-6, pace_power=0.5)

    monkeypatch.setattr("netwright.automl.running.plan_for_candidates", plan)
    monkeypatch.setattr("netwright.automl.running.LEAST_EXAMPLES", 20)


@pytest.mark.usefixtures("at_a_pace")
def test_a_search_in_which_the_fast_see_more(tmp_path):
    task = load("blobs")
    result = netwright.search(SPACE, task, budget="10 candidates", seed=1, out=tmp_path / "run")
    costs = ModelCost(SPACE, task.input_shape, task.n_outputs)
    seen = {}
    for record in result.history.records:
        assert seen.setdefault(record.arch["width"], record.metrics["n_train"]) == record.metrics["n_train"]
        n = round(60 * (5e-6 / PACE.seconds(costs(record.arch))) ** 0.5)
        assert record.metrics["n_train"] == max(20, min(len(task.train), n))
    assert len(set(seen.values())) > 2
    assert seen[4] > seen[64]
    default = [r.fidelity for r in result.history.records if r.arch == result.history.records[0].arch]
    assert default == [0.125, 1.0]  # it goes on in any case
    assert result.best.metrics["accuracy"] > 0.8
    again = netwright.search(SPACE, task, budget="12 candidates", seed=1, out=tmp_path / "run")
    assert [r.metrics for r in again.history.records[:10]] == [r.metrics for r in result.history.records]
    assert load_result(tmp_path / "run").best.arch == again.best.arch


@pytest.mark.usefixtures("at_a_pace")
def test_the_same_without_a_stop(tmp_path):
    folders = [tmp_path / name for name in ("whole", "halves")]
    whole = netwright.search(SPACE, "blobs", budget="10 candidates", seed=2, out=folders[0])
    netwright.search(SPACE, "blobs", budget="4 candidates", seed=2, out=folders[1])
    halves = netwright.search(SPACE, "blobs", budget="10 candidates", seed=2, out=folders[1])
    assert [(r.arch, r.metrics) for r in halves.history.records] == [(r.arch, r.metrics) for r in whole.history.records]
