"""Simulated time to the accuracy of 100 random full trainings: multi-fidelity methods on NAS-Bench-101 and -201.

    python benchmarks/multi_fidelity.py [--seeds 50] [--methods asha ...] [--tables NAME ...] [--quick] [--json]

The goal is what random search reaches with 100 full trainings: the median of the best validation accuracy, and the time
that they take. Then each method runs with its defaults on the simulated clock, one worker, until a full training has
reached that accuracy; one that hasn't after twice the time of random search counts as never. Nothing is continued from
a lower fidelity: in these tables fewer epochs are trainings of their own, and are paid for in full. Bayesian
optimisation with full trainings only is beside them: what of the gain is the model's, and what the fidelities'.

NAS-Bench-101: 20,000 of its cells, after 4, 12, 36 and 108 epochs; NAS-Bench-201: all cells, after 12 and 200. What
random search finds is drawn from the table 2,000 times instead of being run.

The bar: ASHA and BOHB in a fifth of the time, in the median, on each table.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import time
from typing import Any

import numpy as np

from netwright import Budget, History, Record
from netwright.benchmarks import Benchmark
from netwright.core import Objective
from netwright.core.registry import benchmarks
from netwright.loop import Search
from netwright.methods.recipes import recipe_from
from netwright.runtime import SimulatedCluster

TABLES = ("nb101_20k_cifar10", "nb201_cifar10", "nb201_cifar100")
METHODS = ("asha", "bohb", "hyperband", "successive_halving", "bayesian_optimisation")
OF_BAR = ("asha", "bohb")
BAR = 5.0
EVALUATIONS = 100
LONGEST = 2.0  # times random search's time


class Reached(Exception):  # no error: the end of a run
    """A full training has reached the goal."""


class Watch:
    """Ends the search when a full training has reached a loss."""

    def __init__(self, loss: float) -> None:
        self.loss = loss
        self.seconds = float("inf")

    def __call__(self, record: Record, history: History) -> None:
        if record.fidelity == 1 and record.loss <= self.loss + 1e-9:
            self.seconds = record.elapsed_seconds
            raise Reached


def goal_of(table: Benchmark, draws: int = 2_000) -> tuple[float, float]:
    """The median of the best of 100 random arches, as a loss, and the seconds that they take in the mean."""
    objective = Objective.parse(table.objective)
    values = table.values(objective.metric)
    losses = values if objective.direction == "min" else -values
    losses = losses[np.isfinite(losses)]
    rng = np.random.default_rng(0)
    best = [losses[rng.permutation(len(losses))[:EVALUATIONS]].min() for _ in range(draws)]
    return float(np.median(best)), EVALUATIONS * float(np.nanmean(table.values(table.seconds_metric or "")))


def one_search(table: Benchmark, method: str, goal: float, longest: float, seed: int) -> dict[str, float]:
    """Simulated seconds to the goal (infinite where it isn't reached), and how many trainings that took."""
    cluster = SimulatedCluster(1, seconds=table.seconds_metric or "")
    recipe, _ = recipe_from(method, table.space, expected_candidates=EVALUATIONS, fidelities=table.fidelities)
    watch = Watch(goal)
    search = Search(
        table.space,
        recipe.strategy,
        table.evaluator,
        objectives=table.objective,
        budget=Budget(seconds=longest),
        executor=cluster,
        seed=seed,
        on_record=watch,
        clock=cluster.clock,
    )
    with contextlib.suppress(Reached):
        search.run()
    records = search.history.records
    return {"seconds": watch.seconds, "trainings": len(records), "full": sum(r.fidelity == 1 for r in records)}


def measure(table_name: str, method: str, seeds: int) -> dict[str, Any]:
    """Medians over seeds."""
    table = benchmarks[table_name]()
    goal, random_seconds = goal_of(table)
    start = time.perf_counter()
    runs = [one_search(table, method, goal, LONGEST * random_seconds, seed) for seed in range(seeds)]
    ordered = sorted(run["seconds"] for run in runs)
    gains = [random_seconds / ordered[round(share * (seeds - 1))] for share in (0.75, 0.5, 0.25)]
    return {
        "table": table_name,
        "method": method,
        "goal": Objective.parse(table.objective).value(goal),
        "random_hours": random_seconds / 3600,
        "hours": ordered[round(0.5 * (seeds - 1))] / 3600,
        "times_less": gains[1],
        "quartiles": [gains[0], gains[2]],
        "share_reached": sum(run["seconds"] < float("inf") for run in runs) / seeds,
        "trainings": statistics.median(run["trainings"] for run in runs),
        "full_trainings": statistics.median(run["full"] for run in runs),
        "real_seconds": (time.perf_counter() - start) / seeds,
    }


def main() -> None:
    """Measure, print a table and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=50, help="searches of each method on each table")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), help="which to run")
    parser.add_argument("--tables", nargs="+", default=list(TABLES), help="on which tables")
    parser.add_argument("--quick", action="store_true", help="three seeds on one table: to see that it works")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    seeds, tables = (3, ["nb201_cifar10"]) if options.quick else (options.seeds, options.tables)
    print(f"{seeds} seeds: simulated time to the accuracy of {EVALUATIONS} random full trainings (medians)")
    print(
        f"{'':<42}{'goal':>8}{'hours':>9}{'times less':>12}{'quartiles':>16}{'reached':>9}{'trainings':>11}{'full':>6}"
    )
    rows = []
    for table in tables:
        for method in options.methods:
            row = measure(table, method, seeds)
            rows.append(row)
            low, high = row["quartiles"]
            print(
                f"{table:<20}{method:<22}{row['goal']:>8.2f}{row['hours']:>9.2f}{row['times_less']:>12.1f}"
                f"{f'{low:.1f} to {high:.1f}':>16}{row['share_reached']:>9.0%}{row['trainings']:>11g}"
                f"{row['full_trainings']:>6g}",
                flush=True,
            )
    of_bar = [row["times_less"] for row in rows if row["method"] in OF_BAR]
    least = min(of_bar, default=float("nan"))
    print(f"bar: {BAR:g} times less for ASHA and BOHB on each table; the least is {least:.1f}")
    if options.json:
        print(json.dumps({"seeds": seeds, "rows": rows, "least": least, "bar": BAR, "met": least >= BAR}))


if __name__ == "__main__":
    main()
