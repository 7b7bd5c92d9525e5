"""Regularized evolution whose children inherit their parents' weights, against training each from scratch.

    python benchmarks/weight_inheritance.py [--data digits fashion-mnist] [--seeds 5] [--journal FILE] [--quick]
        [--json]

The space is `cnn`. Three searches with the same strategy, seed and time: `inherit`, where a child begins with what
fits of its parent's weights; `scratch`, where it begins with fresh ones and trains for as many epochs; and `scratch,
longer`, where each candidate has three times the epochs, and so there are fewer. Time is processor time of the
evaluations, and the three take turns, so that a busy machine disturbs none of them more than another. What counts is
the test accuracy of the best candidate (by validation accuracy) with the weights that it has when the time is up.
Beside it: the same arch trained from scratch for long, which says how good the arch is without its ancestors.

Fashion-MNIST (3,000 images to train, 1,000 to validate, the official 10,000 to test) is the Debian package
dataset-fashion-mnist. With `--journal` a run that was broken off goes on: finished seeds aren't run again.
The bar: `inherit` has a higher mean test accuracy than `scratch` on both data sets, 5 seeds; `scratch, longer` is no
part of the bar, but tells whether more epochs for each candidate would have done as well.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from netwright.core import Arch, Budget, Candidate, Context, Record
from netwright.core.registry import spaces
from netwright.evaluators import Fitting, Training, TrainingPlan, fit, score
from netwright.evaluators.checkpoints import load_checkpoint
from netwright.evaluators.examples_in_memory import in_memory
from netwright.loop import Search
from netwright.strategies import RegularizedEvolution
from netwright.tasks import Task, load

STRATEGY = RegularizedEvolution(population=8, tournament=4)
METHODS = ("inherit", "scratch", "scratch, longer")
LONGER = 3
VALIDATION = 1_000  # examples at most


@dataclass(frozen=True)
class Job:
    """How much each search may use of a data set.

    Attributes:
        seconds: of processor time, for each search.
        epochs: of a candidate.
        final_epochs: of the winner's arch, from scratch.
        n_train, n_test: examples of these parts, at most.
    """

    seconds: float
    epochs: int
    final_epochs: int = 15
    n_train: int = 3_000
    n_test: int = 10_000


JOBS = {"digits": Job(45.0, 2), "fashion-mnist": Job(180.0, 2)}
QUICK = {"digits": Job(3.0, 1, 1), "fashion-mnist": Job(3.0, 1, 1, 300, 300)}


@lru_cache(maxsize=2)
def task_of(data: str, n_train: int) -> Task:
    """The data set; of Fashion-MNIST only a part, so that a candidate takes seconds."""
    task = load(data)
    if len(task.train) > n_train:
        rows = np.random.default_rng(0).permutation(len(task.validation))[:VALIDATION]
        task = replace(task.subset(n_train, seed=0), validation=task.validation.take(np.sort(rows)))
    return task


class Arm:
    """One of the searches that take turns."""

    def __init__(self, method: str, data: str, job: Job, seed: int, folder: Path) -> None:
        task = task_of(data, job.n_train)
        epochs = job.epochs * (LONGER if method == "scratch, longer" else 1)
        plan = TrainingPlan.for_task(task, epochs=epochs)
        space = spaces["cnn"](input_shape=task.input_shape)
        self.training = Training(space, task, plan, inherit=method == "inherit")
        self.folder = folder
        self.used = 0.0
        self.best_after: list[tuple[float, float]] = []
        folder.mkdir()
        self.search = Search(
            space, STRATEGY, self.training, objectives=task.metric, seed=seed, threads=1, checkpoints=folder
        )

    def step(self) -> None:
        """Train one more candidate."""
        self.search.budget = Budget(candidates=len(self.search.history) + 1)
        before = time.process_time()
        self.search.run()
        self.used += time.process_time() - before
        best = self.search.history.best
        if best is not None:
            self.best_after.append((round(self.used, 2), -best.loss))
            if best.id == len(self.search.history) - 1:  # the same arch may come again, with other weights
                shutil.copyfile(self.folder / f"{best.arch.digest}.pt", self.folder / "best")
        kept = {f"{record.arch.digest}.pt" for record in self.search.history.records[-STRATEGY.population :]}
        for file in self.folder.glob("*.pt"):
            if file.name not in kept:
                file.unlink()

    def outcome(self, job: Job) -> dict[str, Any]:
        """What it found in the time."""
        records = self.search.history.records
        best = self.search.history.best
        assert best is not None
        task, training = self.training.task, self.training
        model = training.model(best.arch, seed=0)
        model.load_state_dict(load_checkpoint(self.folder / "best")["model"])
        inherited = [record.metrics["inherited"] for record in records if record.metrics.get("inherited")]
        return {
            "candidates": len(records),
            "seconds": round(self.used, 2),
            "validation": -best.loss,
            "test": tested(model, task, job),
            "test_from_scratch": retrained(training, best.arch, job),
            "inherited": round(statistics.mean(inherited), 3) if inherited else 0.0,
            "best_after": [point for point in self.best_after if point[0] <= job.seconds],
        }


def tested(model: nn.Module, task: Task, job: Job) -> float:
    """Test accuracy."""
    test = task.test.take(np.arange(min(job.n_test, len(task.test))))
    return score(model, in_memory(task, test), task, test)["accuracy"]


def retrained(training: Training, arch: Arch, job: Job) -> float:
    """Test accuracy of an arch that is trained from fresh weights for long."""
    task = training.task
    plan = replace(training.plan_of(arch), epochs=job.final_epochs)
    fitting = Fitting.begin(training.model(arch, seed=1), plan, seed=1)
    fit(fitting, in_memory(task, task.train), task, plan)
    return tested(fitting.model, task, job)


def warm_up(data: str, job: Job, folder: Path) -> None:
    """What is paid for once in a process: data in memory, torch's own first calls, the first checkpoints."""
    task = task_of(data, job.n_train)
    space = spaces["cnn"](input_shape=task.input_shape)
    training = Training(space, task, TrainingPlan.for_task(task, epochs=1), inherit=True)
    parent = Record(0, space.default())
    child = Candidate(1, space.mutate(parent.arch, np.random.default_rng(0)), parent=0)
    folder.mkdir()
    training(parent.candidate, Context(threads=1, checkpoints=folder))
    training(child, Context(threads=1, checkpoints=folder, parent=parent))


def run(data: str, job: Job, seed: int) -> dict[str, Any]:
    """The searches of one seed; whoever has used least time has the next turn, until nobody has any left."""
    with tempfile.TemporaryDirectory() as folder:
        warm_up(data, job, Path(folder) / "warm up")
        arms = {method: Arm(method, data, job, seed, Path(folder) / str(place)) for place, method in enumerate(METHODS)}
        while True:
            left = [arm for arm in arms.values() if arm.used < job.seconds]
            if not left:
                break
            min(left, key=lambda arm: arm.used).step()
        return {
            "data": data,
            "seed": seed,
            "job": [job.seconds, job.epochs],
            "methods": {method: arm.outcome(job) for method, arm in arms.items()},
        }


def measured(jobs: dict[str, Job], seeds: int, journal: Path | None) -> list[dict[str, Any]]:
    """All runs; those that the journal has are taken from it."""
    lines = journal.read_text(encoding="utf-8").splitlines() if journal is not None and journal.exists() else []
    known = {(one["data"], one["seed"], tuple(one["job"])): one for one in map(json.loads, lines)}
    found = []
    for seed in range(seeds):  # all data sets of a seed before the next one
        for data, job in jobs.items():
            key = (data, seed, (job.seconds, job.epochs))
            if key not in known:
                known[key] = run(data, job, seed)
                if journal is not None:
                    with journal.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(known[key]) + "\n")
            found.append(known[key])
            tests = ", ".join(f"{name} {100 * one['test']:.2f}" for name, one in known[key]["methods"].items())
            print(f"{data}, seed {seed}: {tests}", file=sys.stderr, flush=True)
    return found


def facts_of(data: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """What is reported of one data set."""
    methods = {}
    for method in METHODS:
        own = [one["methods"][method] for one in runs]
        methods[method] = {
            name: statistics.mean(one[name] for one in own)
            for name in ("test", "validation", "test_from_scratch", "candidates", "inherited")
        } | {"tests": [one["test"] for one in own]}
    ours = methods["inherit"]
    wins = {
        name: sum(a > b for a, b in zip(ours["tests"], methods[name]["tests"], strict=True)) for name in METHODS[1:]
    }
    higher = {name: ours["test"] > methods[name]["test"] for name in METHODS[1:]}
    return {
        "data": data,
        "seeds": len(runs),
        "methods": methods,
        "wins": wins,
        "higher": higher,
        "met": higher["scratch"],
    }


def show(facts: dict[str, Any]) -> None:
    """A table."""
    print(f"\n{facts['data']}, {facts['seeds']} seeds")
    print(f"{'':<18}{'test %':>9}{'validation %':>14}{'arch from scratch %':>21}{'candidates':>12}{'inherited':>11}")
    for method, one in facts["methods"].items():
        shares = [100 * one[name] for name in ("test", "validation", "test_from_scratch")]
        print(
            f"{method:<18}{shares[0]:>9.2f}{shares[1]:>14.2f}{shares[2]:>21.2f}"
            f"{one['candidates']:>12.1f}{100 * one['inherited']:>9.0f} %"
        )
    for name, count in facts["wins"].items():
        print(f"inherit is better than {name} on {count} of {facts['seeds']} seeds")


def main() -> None:
    """Measure, print tables and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", nargs="+", choices=list(JOBS), default=list(JOBS), help="which data sets")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--journal", type=Path, help="a file that keeps the runs: what is in it is not run again")
    parser.add_argument("--quick", action="store_true", help="one seed, a few seconds: to see that it works")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    jobs = {data: (QUICK if options.quick else JOBS)[data] for data in options.data}
    runs = measured(jobs, 1 if options.quick else options.seeds, options.journal)
    found = [facts_of(data, [one for one in runs if one["data"] == data]) for data in jobs]
    for facts in found:
        show(facts)
    met = all(facts["met"] for facts in found)
    longer = all(facts["higher"]["scratch, longer"] for facts in found)
    print(f"\nhigher test accuracy at equal time than from scratch: {'yes' if met else 'no'}")
    print(f"also than from scratch with {LONGER} times the epochs: {'yes' if longer else 'no'}")
    if options.json:
        print(json.dumps({"data": {facts["data"]: facts for facts in found}, "met": met}))


if __name__ == "__main__":
    main()
