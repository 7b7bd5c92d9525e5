"""A made-up search, rich enough to fill every section of a report."""

from __future__ import annotations

import math

import numpy as np
import pytest

from netwright.core import Arch, Constraint, History, Objective, Record
from netwright.reports import Drawing, DrawnLayer, FinalTraining, ReportData, TaskFacts

ACCURACY = (Objective("accuracy", "max"),)


def make_records(n: int = 60, *, seed: int = 0, objectives: int = 1, size_limit: float = 100_000) -> list[Record]:
    """Records with curves, two kinds of failures, infeasible and partial ones, and a few that diverged."""
    rng = np.random.default_rng(seed)
    records = []
    elapsed = 0.0
    for i in range(n):
        blocks, width = int(rng.integers(1, 4)), int(rng.choice([16, 16, 32, 32, 64, 128]))
        decisions = {
            "blocks": blocks,
            "width": width,
            "kernel": int(rng.choice([3, 5])),
            "act": str(rng.choice(["ReLU", "SiLU"])),
            "head.hidden": int(rng.choice([64, 128, 256])),
            "train.lr": float(10 ** rng.uniform(-3.5, -0.5)),
            "train.optimizer": str(rng.choice(["sgd", "adamw"])),
        }
        if blocks == 3:
            decisions["skip"] = bool(rng.integers(2))
        arch = Arch(decisions)
        params = float(width**2 * 9 * blocks + 10 * decisions["head.hidden"])
        seconds = 0.4 + 2e-5 * params * rng.uniform(0.8, 1.2)
        parent = int(rng.integers(0, i)) if i > 10 else None
        common = {"id": i, "arch": arch, "parent": parent}
        if params > size_limit:
            elapsed += 0.01
            times = {"wall_seconds": 0.01, "elapsed_seconds": elapsed}
            violation = params / size_limit - 1
            records.append(
                Record(**common, metrics={"params": params}, violation=violation, status="infeasible", **times)
            )
            continue
        elapsed += seconds
        times = {"wall_seconds": seconds, "elapsed_seconds": elapsed}
        if i in (7, 23, 31):
            reason = f"RuntimeError: out of memory: tried to allocate {i}.5 GiB\n  at forward"
            records.append(Record(**common, status="failed", error=reason, **times))
            continue
        if i == 12:
            records.append(Record(**common, status="failed", error="the loss is not a number after epoch 2", **times))
            continue
        lr_off = abs(math.log10(decisions["train.lr"]) + 2)
        top = 0.985 - 0.02 * lr_off**2 - 0.012 * (3 - blocks) - 0.1 / math.sqrt(width) + rng.normal(0, 0.004)
        if i in (4, 40):
            top = 0.11
        epochs = np.arange(1, 13)
        curve = top * (1 - np.exp(-epochs / 2.2)) + rng.normal(0, 0.004, 12)
        loss = 2.3 * np.exp(-epochs / 2.5) + (1 - top) + rng.normal(0, 0.01, 12)
        accuracy = float(np.clip(curve[-1], 0, 1))
        losses = (-accuracy, params)[:objectives]
        metrics = {"accuracy": accuracy, "loss": float(loss[-1]), "params": params, "flops": 90 * params}
        status, error = ("partial", "stopped at its deadline") if i == 50 else ("ok", None)
        curves = {"val_accuracy": tuple(map(float, curve)), "train_loss": tuple(map(float, loss))}
        records.append(
            Record(**common, metrics=metrics, losses=losses, status=status, error=error, curves=curves, **times)
        )
    return records


def make_drawing(blocks: int = 3, width: int = 32) -> Drawing:
    """A small residual network with a shortcut around every block, two branches in the stem, and a head."""
    layers = [DrawnLayer("stem.conv", "Conv2d", (width, 8, 8), 9 * width, "3x3, 32")]
    edges: list[tuple[int, int]] = []

    def add(layer: DrawnLayer, *sources: int) -> int:
        layers.append(layer)
        edges.extend((source, len(layers) - 1) for source in sources)
        return len(layers) - 1

    shape = (width, 8, 8)
    left = add(DrawnLayer("stem.branch.0", "Conv2d", shape, 9 * width**2, "3x3"), 0)
    right = add(DrawnLayer("stem.branch.1", "Conv2d", shape, 25 * width**2, "5x5"), 0)
    pool = add(DrawnLayer("stem.branch.2", "AvgPool2d", shape, 0, "3x3"), 0)
    last = add(DrawnLayer("stem.cat", "Concat", (3 * width, 8, 8)), left, right, pool)
    shape = (3 * width, 8, 8)
    for b in range(blocks):
        first = last
        for k in range(2):
            last = add(DrawnLayer(f"blocks.{b}.{k}.conv", "Conv2d", shape, 81 * width**2, "3x3, 96"), last)
            last = add(DrawnLayer(f"blocks.{b}.{k}.norm", "BatchNorm2d", shape, 6 * width), last)
            if k == 0:
                last = add(DrawnLayer(f"blocks.{b}.act", "ReLU", shape), last)
        last = add(DrawnLayer(f"blocks.{b}.add", "Add", shape), first, last)
    last = add(DrawnLayer("pool", "AdaptiveAvgPool2d", (96, 1, 1)), last)
    last = add(DrawnLayer("flatten", "Flatten", (96,)), last)
    add(DrawnLayer("head", "Linear", (10,), 970, "96 to 10"), last)
    return Drawing(tuple(layers), tuple(edges), (1, 8, 8))


def make_data(**changes: object) -> ReportData:
    """The data of a finished search with everything that a report can show."""
    records = make_records()
    history = History(ACCURACY)
    for record in records:
        history.add(record)
    given: dict[str, object] = {
        "history": history,
        "constraints": (Constraint("params", 100_000),),
        "name": "digits",
        "task": TaskFacts(
            "digits",
            "classification",
            {"train": 1078, "validation": 359, "test": 360},
            (1, 8, 8),
            10,
            ("Images of one channel, values 0 to 16.", "Mirroring is left out: it would change a digit."),
        ),
        "space_text": "cnn: 1 to 3 blocks\n  width   16 | 32 | 64 | 128\n  kernel  3 | 5\n",
        "method": "regularized_evolution",
        "method_text": "Keeps a population; the best of a random few is mutated, the oldest dies.",
        "seed": 0,
        "budget": "60s",
        "workers": 1,
        "baseline": next(record for record in records if record.scored),
        "final": FinalTraining(
            {"accuracy": 0.9861, "loss": 0.0561},
            360,
            14.2,
            0.24,
            "train and validation",
            curves={"train_loss": tuple(2.0 * 0.8**epoch for epoch in range(20))},
        ),
        "drawing": make_drawing(),
        "source": "import torch\nfrom torch import nn\n\n\nclass Model(nn.Module):\n    ...\n",
        "environment": {
            "netwright": "0.1.0",
            "torch": "2.13.0",
            "Python": "3.11.2",
            "processor": "A processor",
            "cores": "2",
        },
    }
    return ReportData(**(given | changes))  # type: ignore[arg-type]  # fields by name, of the right types


@pytest.fixture
def data() -> ReportData:
    return make_data()


@pytest.fixture(scope="session")
def make():
    """The makers above, for tests that want their own."""

    class Makers:
        records = staticmethod(make_records)
        drawing = staticmethod(make_drawing)
        data = staticmethod(make_data)

    return Makers
