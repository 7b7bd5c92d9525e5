"""Whether the reinforcement-learning methods learn and find: 1,000 queries of NAS-Bench-201, against random search.

    python benchmarks/controller_learns.py [--seeds 40] [--queries 1000] [--benchmark nb201-cifar10] [--quick] [--json]

Each method runs as its recipe through the usual search, distinct networks only, and so does random search with the
same seed. On a seed the bar is met if the mean accuracy of the last 100 queries is above that of the first 100, and the
incumbent at the end is better than random search's. Where both are the table's optimum nothing can be better: that
counts as met, and is shown beside the seeds that are strictly better. The bar: 95 % of the seeds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from netwright.benchmarks import Benchmark
from netwright.core import Budget
from netwright.core.registry import benchmarks, methods
from netwright.loop import Search

METHODS = ("reinforce", "ppo")
BAR = 0.95
BLOCK = 100


@dataclass(frozen=True)
class Found:
    """What came of one search."""

    first: float  # mean accuracy of the first hundred queries
    last: float
    incumbent: float
    at: int  # the query that found it
    milliseconds: float  # of the processor for each query, the loop included


def searched(benchmark: Benchmark, method: str, seed: int, queries: int) -> Found:
    """One search by a method's recipe."""
    strategy = methods[method](benchmark.space).strategy
    search = Search(
        benchmark.space,
        strategy,
        benchmark.evaluator,
        objectives=benchmark.objective,
        budget=Budget(candidates=queries),
        seed=seed,
    )
    start = time.process_time()
    history = search.run()
    milliseconds = (time.process_time() - start) / queries * 1e3
    accuracies = -np.array([record.loss for record in history.records])
    return Found(
        float(accuracies[:BLOCK].mean()),
        float(accuracies[-BLOCK:].mean()),
        float(accuracies.max()),
        int(accuracies.argmax()) + 1,
        milliseconds,
    )


def compared(benchmark: Benchmark, method: str, baselines: list[Found], queries: int) -> dict[str, Any]:
    """A method on all seeds."""
    optimum = benchmark.optimum()
    found = [searched(benchmark, method, seed, queries) for seed in range(len(baselines))]
    pairs = list(zip(found, baselines, strict=True))
    learned = [one.last > one.first for one in found]
    better = [one.incumbent > other.incumbent for one, other in pairs]
    tied = [one.incumbent == other.incumbent == optimum for one, other in pairs]
    met = [a and (b or c) for a, b, c in zip(learned, better, tied, strict=True)]
    return {
        "first_100": statistics.median(one.first for one in found),
        "last_100": statistics.median(one.last for one in found),
        "incumbent": statistics.median(one.incumbent for one in found),
        "learned": statistics.mean(learned),
        "better": statistics.mean(better),
        "tied_at_the_optimum": statistics.mean(tied),
        "met": statistics.mean(met),
        "at_the_optimum": statistics.mean(one.incumbent == optimum for one in found),
        "incumbent_found_at": statistics.median(one.at for one in found),
        "milliseconds_a_query": statistics.median(one.milliseconds for one in found),
    }


def measure(name: str, seeds: int, queries: int) -> dict[str, Any]:
    """All figures."""
    benchmark = benchmarks[name]()
    searched(benchmark, "random", 0, BLOCK)  # what is computed once, such as the table of canonical arches
    baselines = [searched(benchmark, "random", seed, queries) for seed in range(seeds)]
    optimum = benchmark.optimum()
    return {
        "benchmark": name,
        "seeds": seeds,
        "queries": queries,
        "optimum": optimum,
        "random": {
            "first_100": statistics.median(one.first for one in baselines),
            "last_100": statistics.median(one.last for one in baselines),
            "incumbent": statistics.median(one.incumbent for one in baselines),
            "at_the_optimum": statistics.mean(one.incumbent == optimum for one in baselines),
            "incumbent_found_at": statistics.median(one.at for one in baselines),
            "milliseconds_a_query": statistics.median(one.milliseconds for one in baselines),
        },
        "methods": {method: compared(benchmark, method, baselines, queries) for method in METHODS},
    }


def report(found: dict[str, Any]) -> None:
    """A table for people."""
    print(
        f"{found['benchmark']}, {found['queries']} distinct queries, {found['seeds']} seeds, medians over seeds; "
        f"the optimum is {found['optimum']:.2f} %"
    )
    print(f"{'':10}{'first 100':>11}{'last 100':>10}{'incumbent':>11}{'found at':>10}{'optimum':>9}{'ms/query':>10}")
    for method, row in {"random": found["random"], **found["methods"]}.items():
        print(
            f"{method:10}{row['first_100']:>11.2f}{row['last_100']:>10.2f}{row['incumbent']:>11.3f}"
            f"{row['incumbent_found_at']:>10.0f}{row['at_the_optimum']:>9.0%}{row['milliseconds_a_query']:>10.2f}"
        )
    print(f"\n{'share of seeds':16}{'learned':>9}{'better':>9}{'tied':>7}{'met':>7}   bar {BAR:.0%}")
    for method, row in found["methods"].items():
        verdict = "met" if row["met"] >= BAR else "NOT met"
        print(
            f"{method:16}{row['learned']:>9.1%}{row['better']:>9.1%}{row['tied_at_the_optimum']:>7.1%}"
            f"{row['met']:>7.1%}   {verdict}"
        )


def main() -> None:
    """Measure, print tables and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--queries", type=int, default=1000, help="at least 200")
    parser.add_argument("--benchmark", default="nb201-cifar10")
    parser.add_argument("--quick", action="store_true", help="2 seeds, 300 queries: a smoke test")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    seeds, queries = (2, 300) if options.quick else (options.seeds, options.queries)
    found = measure(options.benchmark, seeds, queries)
    report(found)
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
