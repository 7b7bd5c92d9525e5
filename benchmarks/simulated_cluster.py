"""Simulated asynchronous searches: 1,000 workers, 20,000 evaluations of regularized evolution, in seconds.

    python benchmarks/simulated_cluster.py [--seeds 5] [--evaluations 20000] [--quick] [--json]

On NAS-Bench-201, CIFAR-10 (NETWRIGHT_DATA, or ../shared/data beside the repository): each evaluation takes the time
that its training took. Plain regularized evolution (population 100, tournament 25), which may propose an arch again:
the space has 15,625, fewer than the evaluations. The bar: 30 s of real time with 1,000 workers. Beside it, what a
proposal and its record cost with 1, 10, 100 and 1,000 workers; and the simulated time until the best arch by validation
accuracy is found, by the same strategy and by random search: what more workers bring.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from typing import Any

from netwright import Budget, History, Record
from netwright.benchmarks import Benchmark
from netwright.core import Strategy
from netwright.core.registry import benchmarks
from netwright.loop import Search
from netwright.runtime import SimulatedCluster
from netwright.strategies import Random, RegularizedEvolution

BAR_SECONDS = 30.0
WORKERS = (1, 10, 100, 1000)
STRATEGIES: dict[str, Strategy] = {
    "regularized evolution": RegularizedEvolution(population=100, tournament=25),
    "random search": Random(),
}


class Watch:
    """Notes when the best arch of the table comes in."""

    def __init__(self, best: float) -> None:
        self.best = best
        self.evaluations: int | None = None
        self.seconds: float | None = None

    def __call__(self, record: Record, history: History) -> None:
        if self.evaluations is None and record.metrics.get("val_accuracy", 0.0) >= self.best:
            self.evaluations, self.seconds = len(history), record.elapsed_seconds


def one_search(table: Benchmark, strategy: Strategy, workers: int, n_evaluations: int, seed: int) -> dict[str, Any]:
    """The times of one search."""
    cluster = SimulatedCluster(workers, seconds=table.seconds_metric or "")
    watch = Watch(table.optimum())
    search = Search(
        table.space,
        strategy,
        table.evaluator,
        objectives=table.objective,
        budget=Budget(candidates=n_evaluations),
        executor=cluster,
        seed=seed,
        on_record=watch,
        clock=cluster.clock,
    )
    start = time.perf_counter()
    history = search.run()
    real = time.perf_counter() - start
    records = history.records
    busy = sum(record.wall_seconds for record in records)
    return {
        "real_seconds": real,
        "simulated_seconds": search.elapsed(),
        "utilisation": busy / (workers * search.elapsed()),
        "distinct": len({record.arch for record in records}),
        "evaluations_to_best": watch.evaluations,
        "seconds_to_best": watch.seconds,
    }


def middle(values: list[float | None]) -> float | None:
    """The median, where a search that didn't get there counts as later than all; None if half of them didn't."""
    found = sorted(float("inf") if value is None else value for value in values)
    median = statistics.median_low(found)
    return None if median == float("inf") else median


def measure(seeds: int, n_evaluations: int) -> dict[str, Any]:
    """Medians over seeds for each strategy and number of workers."""
    table = benchmarks["nb201-cifar10"]()
    table.optimum()  # loads the table: not part of a search
    one_search(table, STRATEGIES["random search"], 10, 200, 0)
    found: list[dict[str, Any]] = []
    for name, strategy in STRATEGIES.items():
        for workers in WORKERS:
            runs = [one_search(table, strategy, workers, n_evaluations, seed) for seed in range(seeds)]
            row = {key: middle([run[key] for run in runs]) for key in runs[0]}
            found.append({"strategy": name, "workers": workers, **row})
    of_bar = [row for row in found if row["strategy"] == "regularized evolution" and row["workers"] == max(WORKERS)]
    return {
        "seeds": seeds,
        "n_evaluations": n_evaluations,
        "rows": found,
        "real_seconds": of_bar[0]["real_seconds"],
        "bar_seconds": BAR_SECONDS,
        "met": of_bar[0]["real_seconds"] <= BAR_SECONDS,
    }


def main() -> None:
    """Measure, print a table and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5, help="searches of each kind")
    parser.add_argument("--evaluations", type=int, default=20_000, help="of each search")
    parser.add_argument("--quick", action="store_true", help="one seed, 2,000 evaluations: to see that it works")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    found = measure(1, 2_000) if options.quick else measure(options.seeds, options.evaluations)
    print(f"{found['n_evaluations']:,} evaluations, medians of {found['seeds']} searches; simulated times in hours")
    titles = {"workers": 8, "real s": 8, "ms each": 9, "hours": 10, "busy": 7, "distinct": 10, "best at": 9, "h": 9}
    print(f"{'':<23}" + "".join(f"{title:>{width}}" for title, width in titles.items()))
    for row in found["rows"]:
        reached = row["evaluations_to_best"]
        print(
            f"{row['strategy']:<23}{row['workers']:>8,}{row['real_seconds']:>8.1f}"
            f"{row['real_seconds'] / found['n_evaluations'] * 1e3:>9.3f}{row['simulated_seconds'] / 3600:>10,.1f}"
            f"{row['utilisation']:>7.1%}{row['distinct']:>10,.0f}"
            + (f"{reached:>9,.0f}{row['seconds_to_best'] / 3600:>9,.2f}" if reached else f"{'—':>9}{'—':>9}")
        )
    print(f"bar: 1,000 workers in {BAR_SECONDS:.0f} s of real time: {found['real_seconds']:.1f} s")
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
