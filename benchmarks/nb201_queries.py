"""How many distinct queries strategies need on NAS-Bench-201: to the optimum, and to within 0.3 points of it.

    python benchmarks/nb201_queries.py [--seeds 200] [--methods bayesian_optimisation ...] [--quick] [--json]

What is maximised is the mean validation accuracy (over the runs that there are) after 200 epochs. Every strategy runs
in a real `Search`, and starts with random arches: never with the space's default, which is the published best cell.
A query counts once for each arch; the strategies here propose none twice.

Random search is a check of the script. All arches count as different for it, so that what it should find is known
exactly: the optimum after (n + 1) / 2 queries in the mean, and a regret that follows from the table by the
hypergeometric distribution. The others know which arches compute the same (`space.canonical`).

The bars: regularized evolution (population 30, tournament 10) reaches the optimum in at most 150 queries (median over
seeds), local search in 65; Bayesian optimisation in 30, to within 0.3 points in 15, and with every seed by 200; the
same method on CIFAR-100 in 40.

"Proxies": the same with the stored scores of six zero-cost proxies (nwot, jacov, synflow, zen, FLOPs, parameters; on
CIFAR-10, one batch of an untrained network) as a prior. Nothing in them comes from a trained network. The bars: 20 to
the optimum, 8 to within 0.3 points.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from netwright import Space
from netwright.benchmarks.stored_proxies import StoredProxies
from netwright.core import SearchSpace, Strategy
from netwright.core.errors import SpaceExhausted
from netwright.core.registry import benchmarks, methods
from netwright.loop import Search
from netwright.predictors.proxies import Proxies
from netwright.strategies import Deduplicated, LocalSearch, Random, RegularizedEvolution

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

NEAR = 0.3  # points of accuracy
BY = 200  # queries by which every seed should be at the optimum
REGRET_AT = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """A strategy on a table.

    Attributes:
        table: the benchmark's name.
        strategy: makes it for the space.
        most: queries after which a run that hasn't found the optimum is given up; None: none.
        bars: the most queries in the median to the `optimum` and to `near` it, and the least `share` of seeds by 200.
        distinct: whether arches that compute the same count as different ones for it.
    """

    table: str
    strategy: Callable[[SearchSpace], Strategy]
    most: int | None
    bars: dict[str, float]
    distinct: bool = False


def _bayesian(space: SearchSpace) -> Strategy:
    return methods["bayesian_optimisation"](space).strategy


def _with_proxies(space: SearchSpace) -> Strategy:
    # Scores are judged by all of the space: they are stored.
    return methods["bayesian_optimisation"](space, prior=Proxies(StoredProxies(), samples=20_000)).strategy


ENTRIES: dict[str, Entry] = {
    "random": Entry("nb201_cifar10", lambda _: Deduplicated(Random()), None, {}, distinct=True),
    "regularized_evolution": Entry(
        "nb201_cifar10",
        lambda _: Deduplicated(RegularizedEvolution(population=30, tournament=10)),
        1_000,
        {"optimum": 150},
    ),
    "local_search": Entry("nb201_cifar10", lambda _: Deduplicated(LocalSearch()), 1_000, {"optimum": 65}),
    "bayesian_optimisation": Entry("nb201_cifar10", _bayesian, BY, {"optimum": 30, "near": 15, "share": 1.0}),
    "bayesian_optimisation_cifar100": Entry("nb201_cifar100", _bayesian, BY, {"optimum": 40}),
    "proxies": Entry("nb201_cifar10", _with_proxies, BY, {"optimum": 20, "near": 8}),
    "proxies_cifar100": Entry("nb201_cifar100", _with_proxies, BY, {"optimum": 40}),
}


def expected_regret(values: Numbers, n_queries: int) -> float:
    """The regret of the best of some arches that are drawn without replacement: exact."""
    ordered = np.sort(values)[::-1]
    total = len(ordered)
    left = 1.0  # the probability that none of the better ones was drawn
    regret = 0.0
    for place, value in enumerate(ordered):
        if place > total - n_queries:
            break
        drawn = n_queries / (total - place)  # that this one is among the draws, given that no better one is
        regret += left * drawn * float(ordered[0] - value)
        left *= 1 - drawn
    return regret


def one_search(entry: Entry, space: SearchSpace, metrics: Any, optimum: float, seed: int) -> dict[str, float]:
    """Queries to the optimum and near it (infinite where it is not reached), regret at 100, milliseconds a proposal."""
    search = Search(space, entry.strategy(space), objectives="max:val_accuracy", seed=seed)
    found = {"optimum": float("inf"), "near": float("inf"), "regret": float("nan")}
    best, asking, n_queries = -float("inf"), 0.0, 0
    seen = set()
    while entry.most is None or n_queries < entry.most:
        start = time.perf_counter()
        try:
            candidate = search.ask()
        except SpaceExhausted:
            break
        asking += time.perf_counter() - start
        accuracy = metrics(candidate.arch)["val_accuracy"]
        search.tell(candidate, {"val_accuracy": accuracy})
        if candidate.arch in seen:
            continue
        seen.add(candidate.arch)
        n_queries += 1
        best = max(best, accuracy)
        if n_queries == REGRET_AT:
            found["regret"] = optimum - best
        if best >= optimum - NEAR:
            found["near"] = min(found["near"], n_queries)
        if best >= optimum:
            found["optimum"] = n_queries
            if n_queries < REGRET_AT:
                found["regret"] = 0.0
            break
    return {**found, "ms": 1e3 * asking / max(n_queries, 1)}


def measure(name: str, seeds: int) -> dict[str, Any]:
    """All figures of one entry, over seeds."""
    entry = ENTRIES[name]
    benchmark = benchmarks[entry.table]()
    space: Any = benchmark.space
    if entry.distinct:
        space = Space(space.tree, name="nb201")
    table = benchmark.evaluator.table  # type: ignore[attr-defined]  # of a `Lookup`
    values = benchmark.values("val_accuracy")
    runs = [one_search(entry, space, table.metrics, benchmark.optimum(), seed) for seed in range(seeds)]
    to_optimum = [run["optimum"] for run in runs]
    found: dict[str, Any] = {
        "table": entry.table,
        "seeds": seeds,
        "optimum_median": statistics.median(to_optimum),
        "optimum_quartiles": _quartiles(to_optimum),
        "near_median": statistics.median(run["near"] for run in runs),
        "near_quartiles": _quartiles([run["near"] for run in runs]),
        "share_by_200": sum(queries <= BY for queries in to_optimum) / seeds,
        "slowest": max(to_optimum),
        "proposal_ms": statistics.median(run["ms"] for run in runs),
        "bars": entry.bars,
    }
    if name == "random":
        regrets = [run["regret"] for run in runs]
        found |= {
            "optimum_mean": statistics.mean(to_optimum),
            "optimum_expected": (len(values) + 1) / 2,
            "regret_mean": statistics.mean(regrets),
            "regret_expected": expected_regret(values, REGRET_AT),
            "regret_standard_error": statistics.stdev(regrets) / seeds**0.5,
        }
        found["met"] = abs(found["regret_mean"] - found["regret_expected"]) < 3 * found["regret_standard_error"]
    else:
        found["met"] = (
            found["optimum_median"] <= entry.bars["optimum"]
            and found["near_median"] <= entry.bars.get("near", float("inf"))
            and found["share_by_200"] >= entry.bars.get("share", 0.0)
        )
    return found


def _quartiles(queries: list[float]) -> list[float]:
    """Of whole numbers, some infinite: no interpolation."""
    ordered = sorted(queries)
    return [ordered[round(share * (len(ordered) - 1))] for share in (0.25, 0.75)]


def show(name: str, found: dict[str, Any]) -> None:
    """One line of the table, and what random search should have found."""
    bars = " ".join(f"{key} {value:g}" for key, value in found["bars"].items()) or "-"
    low, high = found["optimum_quartiles"]
    print(
        f"{name:<32}{found['optimum_median']:>9g}{f'{low:g} to {high:g}':>16}{found['near_median']:>11g}"
        f"{found['share_by_200']:>11.1%}{found['slowest']:>9g}{found['proposal_ms']:>10.2f}   "
        f"{'yes' if found['met'] else 'no':<5}{bars}",
        flush=True,
    )
    if name == "random":
        print(
            f"  random, mean queries to the optimum: {found['optimum_mean']:,.0f}, expected "
            f"{found['optimum_expected']:,.0f}; regret at {REGRET_AT}: {found['regret_mean']:.4f} "
            f"± {found['regret_standard_error']:.4f}, expected {found['regret_expected']:.4f}",
            flush=True,
        )


def main() -> None:
    """Measure, print a table and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=200, help="searches of each method")
    parser.add_argument("--methods", nargs="+", choices=list(ENTRIES), default=list(ENTRIES), help="which to run")
    parser.add_argument("--quick", action="store_true", help="five seeds: to see that it works")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    seeds = 5 if options.quick else options.seeds
    print(f"NAS-Bench-201, {seeds} seeds: queries to the optimum and to within {NEAR} points (medians)")
    print(f"{'':<32}{'optimum':>9}{'quartiles':>16}{'near':>11}{'by 200':>11}{'slowest':>9}{'ms':>10}   {'met':<5}bars")
    found = {}
    for name in options.methods:
        found[name] = measure(name, seeds)
        show(name, found[name])
    if options.json:
        print(json.dumps({"seeds": seeds, "near_points": NEAR, "methods": found}))


if __name__ == "__main__":
    main()
