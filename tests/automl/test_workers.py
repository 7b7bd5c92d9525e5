"""Candidates in worker processes: the same kind of records, networks and limits; the user's own file reaches them."""

from __future__ import annotations

from netwright.automl import load_result, search
from netwright.core import Candidate, Context
from netwright.evaluators import Training, TrainingPlan

PLAN = TrainingPlan(epochs=2, batch_size=64, optimizer="adamw", lr=0.02)

FILE = """
import torch
from netwright import Space, choice, defer, n_outputs, nn


class Doubled(torch.nn.Module):
    def __init__(self, in_features: int, by: float) -> None:
        super().__init__()
        self.by = by

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if self.by > 5:
            raise ValueError("too much")
        return self.by * inputs


def space(input_shape):
    by = choice([1.0, 2.0, 9.0], label="by")
    width = choice([4, 8, 64], label="width")
    return Space(nn.Sequential(defer(Doubled, by=by), nn.LazyLinear(width), nn.ReLU(), nn.LazyLinear(n_outputs)))
"""


def test_two_workers(tmp_path, told):
    """One search for all of it, as workers take seconds to start."""
    (tmp_path / "space_for_workers.py").write_text(FILE)
    result = search(
        f"{tmp_path}/space_for_workers.py:space", "blobs", method="grid", budget="7 candidates", workers=2, plan=PLAN,
        constraints="params<=100", out=tmp_path / "run", progress=told,
    )  # fmt: skip
    records = sorted(result.history.records, key=lambda record: record.id)
    assert [record.id for record in records] == list(range(9))
    statuses = {(record.arch["by"], record.arch["width"]): record.status for record in records}
    assert statuses == {
        (by, width): "failed" if by == 9 else "infeasible" if width == 64 else "ok"
        for by in (1.0, 2.0, 9.0)
        for width in (4, 8, 64)
    }
    assert all("too much" in record.error for record in records if record.arch["by"] == 9)
    assert result.best.model is not None
    assert [file.stem for file in (tmp_path / "run" / "checkpoints").glob("*.pt")] == [result.best.arch.digest]
    assert load_result(tmp_path / "run").best.metrics == result.best.metrics
    evaluator = Training(result.space, result.task, PLAN)
    for record in records:  # what a worker gives is what would have been given here
        if record.status == "ok":
            here = evaluator(Candidate(record.id, record.arch), Context(seed=record.id, threads=1))
            assert {name: record.metrics[name] for name in here} == here
