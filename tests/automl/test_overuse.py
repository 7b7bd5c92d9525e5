"""The winner's selection score against a fresh one."""

from __future__ import annotations

import json

import numpy as np
import pytest

import netwright
from netwright import Space, integer, n_outputs, nn
from netwright.automl.overuse import FreshScore, fresh_score
from netwright.core import Arch, Candidate, Context, Record
from netwright.evaluators import Training, TrainingPlan
from netwright.tasks import load, task_from

PLAN = TrainingPlan(epochs=2, batch_size=32, optimizer="adamw", lr=0.02)
SPACE = Space(nn.Sequential(nn.LazyLinear(integer(4, 8, label="width")), nn.ReLU(), nn.LazyLinear(n_outputs)))
ARCH = Arch({"width": 8})


@pytest.fixture
def trained(tmp_path):
    """A task, a record and its checkpoint."""
    task = load("blobs")
    metrics = Training(SPACE, task, PLAN)(Candidate(0, ARCH), Context(checkpoints=tmp_path))
    return task, Record(0, ARCH, metrics=metrics, losses=(-metrics["accuracy"],)), tmp_path / f"{ARCH.digest}.pt"


def test_both_scores_are_of_the_same_weights(trained):
    task, record, file = trained
    found = fresh_score(SPACE, task, PLAN, record, file, n_candidates=7, device="cpu")
    assert found.selection == record.metrics["accuracy"]
    assert 0.5 < found.fresh <= 1.0
    assert (found.n_selection, found.n_fresh, found.n_candidates) == (len(task.validation), len(task.test), 7)


def test_without_the_winners_own_weights_nothing_is_said(trained, tmp_path):
    task, record, file = trained
    assert fresh_score(SPACE, task, PLAN, record, tmp_path / "none.pt", n_candidates=7, device="cpu") is None
    other = Record(0, ARCH, metrics={**record.metrics, "epochs": 1.0}, losses=record.losses)
    assert fresh_score(SPACE, task, PLAN, other, file, n_candidates=7, device="cpu") is None
    file.write_bytes(b"")
    assert fresh_score(SPACE, task, PLAN, record, file, n_candidates=7, device="cpu") is None


@pytest.mark.parametrize(
    ("selection", "n_selection", "fresh", "n_fresh", "warned"),
    [(0.95, 1000, 0.90, 1000, True), (0.95, 1000, 0.945, 1000, False), (0.95, 50, 0.60, 1000, False),
     (0.90, 1000, 0.95, 1000, False), (1.0, 300, 1.0, 300, False)],
)  # fmt: skip
def test_only_more_than_chance_is_a_warning(selection, n_selection, fresh, n_fresh, warned):
    found = FreshScore("accuracy", selection, n_selection, fresh, n_fresh, 100)
    assert bool(found.warning) == warned


def test_where_there_is_only_noise_the_search_says_that_it_chose_by_chance(tmp_path):
    """Labels without meaning: whatever is best on the validation part is so by chance."""
    rng = np.random.default_rng(0)
    task = task_from(rng.normal(size=(1000, 4)).astype(np.float32), rng.integers(0, 2, 1000), name="noise")
    result = netwright.search(SPACE, task, method="random", plan=PLAN, budget="5 candidates", out=tmp_path / "run")
    final = json.loads((tmp_path / "run" / "final.json").read_text(encoding="utf-8"))
    assert final["fresh"]["n_candidates"] == 5
    assert final["fresh"]["selection"] == result.best.record.metrics["accuracy"]
    assert 0.3 < final["fresh"]["fresh"] < 0.7
