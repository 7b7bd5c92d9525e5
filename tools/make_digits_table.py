"""Make the table of the benchmark `digits-cnn`, which comes with the package.

    python tools/make_digits_table.py WORK.jsonl [--seeds 3] [--check 20]

Trains every arch of `netwright.benchmarks.zoo.digits.digits_space` for nine epochs with the package's own training,
once for each seed, on one thread, and appends a line for each run to the file of work: started again, it goes on where
it stopped. When all runs are there it writes `src/netwright/benchmarks/data/digits_cnn.npz`. Of scikit-learn's 1,797
digits 500 are trained on, 650 are the validation part and 647 the test part. The first `--check` runs are compared with
what the evaluator `Training` itself gives. Times are processor time of the training steps, the median over epochs, so
that other work on the machine matters little.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from netwright.benchmarks.zoo.digits import EPOCHS, arches_digest, digits_space
from netwright.core import Arch, Candidate, Context
from netwright.evaluators import Training, TrainingPlan
from netwright.evaluators.examples_in_memory import in_memory
from netwright.evaluators.fitting import Fitting, fit
from netwright.evaluators.scoring import score
from netwright.models import cost
from netwright.tasks import Task, load
from netwright.tasks.from_data import task_from

OUTPUT = Path(__file__).parents[1] / "src" / "netwright" / "benchmarks" / "data" / "digits_cnn.npz"
PLAN = TrainingPlan(epochs=EPOCHS, batch_size=64, optimizer="sgd", lr=0.1, channels_last=False)


def the_task() -> Task:
    """The digits, cut into 500, 650 and 647."""
    digits = load("digits")
    parts = (digits.train, digits.validation, digits.test)
    inputs = np.concatenate([np.asarray(part.inputs) for part in parts])
    labels = np.concatenate([np.asarray(part.targets) for part in parts])
    return task_from(inputs, labels, test_share=0.36, validation_share=0.5652, seed=0, name="digits")


class Table:
    """Trains arches, as `Training` does, and looks at the validation part after each epoch."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.evaluator = Training(digits_space(), task, PLAN)
        self.parts = {
            part: in_memory(task, getattr(task, part), device="cpu", channels_last=False)
            for part in ("train", "validation", "test")
        }

    def run(self, arch: Arch, seed: int) -> dict[str, Any]:
        """Numbers of right answers, losses and the time of one training."""
        fitting = Fitting.begin(self.evaluator.model(arch, seed=seed), PLAN, seed=seed)
        right, losses, seconds = [], [], []
        for epoch in range(1, EPOCHS + 1):
            start = time.process_time()
            fit(fitting, self.parts["train"], self.task, PLAN, until_epoch=epoch)
            seconds.append(time.process_time() - start)
            found = self.score(fitting, "validation")
            right.append(round(found["accuracy"] * len(self.task.validation)))
            losses.append(found["loss"])
        tested = self.score(fitting, "test")
        return {
            "right": right,
            "loss": losses,
            "test": round(tested["accuracy"] * len(self.task.test)),
            "seconds": statistics.median(seconds) * EPOCHS,
        }

    def score(self, fitting: Fitting, part: str) -> dict[str, float]:
        """Metrics of one part of the data."""
        return score(fitting.model, self.parts[part], self.task, getattr(self.task, part))

    def check(self, arch: Arch, seed: int, found: dict[str, Any]) -> None:
        """The evaluator itself must give the same."""
        for epochs in (EPOCHS // 3, EPOCHS):
            metrics = self.evaluator(Candidate(0, arch, epochs / EPOCHS), Context(seed=seed))
            right = round(metrics["accuracy"] * len(self.task.validation))
            if right != found["right"][epochs - 1]:
                raise SystemExit(
                    f"{dict(arch)}, seed {seed}: {right} by the evaluator, {found['right'][epochs - 1]} here"
                )


def assemble(runs: dict[tuple[int, int], dict[str, Any]], task: Task, n_seeds: int) -> None:
    """Write the table."""
    arches = list(digits_space().enumerate())
    costs = [cost(digits_space(), arch, input_shape=task.input_shape, n_outputs=10) for arch in arches]
    rows = [[runs[row, seed] for seed in range(n_seeds)] for row in range(len(arches))]
    OUTPUT.parent.mkdir(exist_ok=True)
    np.savez_compressed(
        OUTPUT,
        arches=np.array(arches_digest()),
        seeds=np.arange(n_seeds),
        n_validation=np.array(len(task.validation)),
        n_test=np.array(len(task.test)),
        right=np.array([[run["right"] for run in row] for row in rows], dtype=np.uint16),  # (arches, seeds, epochs)
        loss=np.array([[run["loss"] for run in row] for row in rows], dtype=np.float16),
        test_right=np.array([[run["test"] for run in row] for row in rows], dtype=np.uint16),
        seconds=np.array([statistics.median(run["seconds"] for run in row) for row in rows], dtype=np.float32),
        params=np.array([found["params"] for found in costs], dtype=np.int32),
        flops=np.array([found["flops"] for found in costs], dtype=np.int64),
    )
    print(f"{OUTPUT.name}: {len(arches)} arches, {n_seeds} seeds, {OUTPUT.stat().st_size:,} bytes")


def main() -> None:
    """Train what is missing, then write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("work", type=Path, help="the file that keeps finished runs, one a line")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each arch")
    parser.add_argument("--check", type=int, default=20, help="runs that are compared with the evaluator")
    options = parser.parse_args()
    torch.set_num_threads(1)
    task = the_task()
    table = Table(task)
    runs: dict[tuple[int, int], dict[str, Any]] = {}
    if options.work.exists():
        for line in options.work.read_text().splitlines():
            found = json.loads(line)
            runs[found["row"], found["seed"]] = found
    with options.work.open("a") as work:
        for seed in range(options.seeds):
            for row, arch in enumerate(digits_space().enumerate()):
                if (row, seed) in runs:
                    continue
                found = {"row": row, "seed": seed, **table.run(arch, 1000 * seed + row)}
                if row % max(1, 1000 // max(1, options.check)) == 0:
                    table.check(arch, 1000 * seed + row, found)
                work.write(json.dumps(found) + "\n")
                work.flush()
                runs[row, seed] = found
    assemble(runs, task, options.seeds)


if __name__ == "__main__":
    main()
