"""What worker processes gain: the digits search with one worker against two.

    python benchmarks/workers_speedup.py [--candidates 16] [--repeats 3] [--quick] [--json]

The same random candidates of the `cnn` space are trained on the digits (12 epochs each) in three ways, in turn:
one candidate at a time with one thread; one at a time with two threads; two workers with one thread each. The start of
the workers (a fresh Python that imports torch, and the data that are sent once) is part of their time, and is shown
by itself too. Two workers gain most where a model is too small to keep two threads busy.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from typing import Any

import torch

from netwright.core import Executor, registry
from netwright.evaluators import Training, TrainingPlan
from netwright.loop import Search
from netwright.runtime import InlineExecutor, ProcessPool
from netwright.strategies import Random
from netwright.tasks import load


def search(candidates: int, executor: Executor, seed: int) -> tuple[float, float, float]:
    """Seconds of the whole search, until its first record, and the best accuracy."""
    task = load("digits")
    space = registry.spaces["cnn"](input_shape=task.input_shape)
    evaluator = Training(space, task, TrainingPlan.for_task(task, epochs=12))
    start = time.perf_counter()
    run = Search(
        space,
        Random(),
        evaluator,
        objectives="accuracy",
        budget=f"{candidates} candidates",
        executor=executor,
        seed=seed,
    )
    history = run.run()
    seconds = time.perf_counter() - start
    first = history.records[0]
    best = max(record.metrics.get("accuracy", 0.0) for record in history.records)
    return seconds, first.elapsed_seconds - first.wall_seconds, best


def measure(candidates: int, repeats: int) -> dict[str, Any]:
    """Medians in seconds, and ratios within each repeat."""
    ways = {"one_thread": (1, 1), "two_threads": (1, 2), "two_workers": (2, 1)}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    starts: list[float] = []
    for seed in range(repeats):
        for name, (workers, threads) in ways.items():
            torch.set_num_threads(threads)
            executor: Executor = InlineExecutor() if workers == 1 else ProcessPool(workers, threads=threads)
            took, before_first, _ = search(candidates, executor, seed)
            seconds[name].append(took)
            if workers > 1:
                starts.append(before_first)
    return {
        "candidates": candidates,
        "repeats": repeats,
        **{f"{name}_seconds": statistics.median(values) for name, values in seconds.items()},
        "workers_start_seconds": statistics.median(starts),
        "speedup_over_one_thread": statistics.median(
            a / b for a, b in zip(seconds["one_thread"], seconds["two_workers"], strict=True)
        ),
        "speedup_over_two_threads": statistics.median(
            a / b for a, b in zip(seconds["two_threads"], seconds["two_workers"], strict=True)
        ),
    }


def main() -> None:
    """Measure, print a table and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--candidates", type=int, default=16)
    parser.add_argument("--repeats", "--seeds", type=int, default=3, help="searches of each kind, each with its seed")
    parser.add_argument("--quick", action="store_true", help="4 candidates, once")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    found = measure(4, 1) if options.quick else measure(options.candidates, options.repeats)
    for title, key in (
        ("one worker, one thread", "one_thread_seconds"),
        ("one worker, two threads", "two_threads_seconds"),
        ("two workers, one thread each", "two_workers_seconds"),
        ("  of it until the first result", "workers_start_seconds"),
    ):
        print(f"{title:<34}{found[key]:>8.1f} s")
    print(f"{'two workers over one thread':<34}{found['speedup_over_one_thread']:>8.2f} x")
    print(f"{'two workers over two threads':<34}{found['speedup_over_two_threads']:>8.2f} x")
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
