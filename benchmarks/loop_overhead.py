"""What the loop itself costs for each candidate: a free objective, six choices of five, 1,000 candidates.

    python benchmarks/loop_overhead.py [--repeats 7] [--seeds 1] [--quick] [--json]

Random search and regularized evolution (population 50, tournament 10), with the records in memory and in an SQLite
store in a temporary folder; beside them Optuna's random sampler, in memory, in the same run. The repeats of all
alternate, so that a busy machine slows all alike, and medians of the wall time are compared. Then a search of 20,000
records: the cost of its last 1,000 candidates against its first 1,000. The bars: 0.03 ms in memory, 0.3 ms with
SQLite, and less than twice the cost at 20,000 records.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from netwright import Budget, Candidate, History, Record, Space, choice
from netwright.core import Context, Strategy
from netwright.loop import Search
from netwright.runtime import SqliteStore
from netwright.strategies import Random, RegularizedEvolution

MEMORY_BAR_MS = 0.03
SQLITE_BAR_MS = 0.3
GROWTH_BAR = 2.0
N_CHOICES, N_OPTIONS = 6, 5
BLOCK = 1000

STRATEGIES: dict[str, Strategy] = {"random": Random(), "evolution": RegularizedEvolution(population=50, tournament=10)}


def space() -> Space:
    """Six choices of five."""
    return Space({f"c{i}": choice(list(range(N_OPTIONS))) for i in range(N_CHOICES)})


def free(candidate: Candidate, context: Context) -> dict[str, float]:  # noqa: ARG001  # an evaluator
    """The objective: as cheap as one that depends on the arch can be."""
    arch = candidate.arch
    return {"loss": arch["c0"] + arch["c1"]}  # type: ignore[operator]  # whole numbers


def one_search(strategy: Strategy, n_candidates: int, seed: int, store: SqliteStore | None = None) -> float:
    """Milliseconds for each candidate of a search."""
    search = Search(space(), strategy, free, budget=Budget(candidates=n_candidates), seed=seed, store=store)
    gc.collect()
    start = time.perf_counter()
    search.run()
    return (time.perf_counter() - start) / n_candidates * 1e3


def blocks(strategy: Strategy, n_candidates: int, seed: int, store: SqliteStore | None = None) -> list[float]:
    """Milliseconds for each candidate, block by block of a thousand."""
    moments: list[float] = []

    def note(record: Record, history: History) -> None:  # noqa: ARG001  # a listener
        if len(history) % BLOCK == 0:
            moments.append(time.perf_counter())

    budget = Budget(candidates=n_candidates)
    search = Search(space(), strategy, free, budget=budget, seed=seed, store=store, on_record=note)
    gc.collect()
    moments.append(time.perf_counter())
    search.run()
    return [(after - before) / BLOCK * 1e3 for before, after in itertools.pairwise(moments)]


def optuna_search(n_candidates: int, seed: int) -> float:
    """The same with Optuna's random sampler, its records in memory, its log silent."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))

    def objective(asked: Any) -> float:
        values = [asked.suggest_categorical(f"c{i}", list(range(N_OPTIONS))) for i in range(N_CHOICES)]
        return float(values[0] + values[1])

    gc.collect()
    start = time.perf_counter()
    study.optimize(objective, n_trials=n_candidates)
    return (time.perf_counter() - start) / n_candidates * 1e3


def contenders(folder: Path, n_candidates: int) -> dict[str, Callable[[int], float]]:
    """What is measured, by name: functions of the seed."""
    numbers = iter(range(10**6))

    def in_file(strategy: Strategy, seed: int) -> float:
        store = SqliteStore(folder / f"{next(numbers)}.sqlite")
        milliseconds = one_search(strategy, n_candidates, seed, store)
        store.close()
        return milliseconds

    found: dict[str, Callable[[int], float]] = {}
    for name, strategy in STRATEGIES.items():
        found[f"{name}, memory"] = lambda seed, s=strategy: one_search(s, n_candidates, seed)  # type: ignore[misc]
        found[f"{name}, sqlite"] = lambda seed, s=strategy: in_file(s, seed)  # type: ignore[misc]
    try:
        import optuna  # noqa: F401
    except ImportError:
        print("Optuna is not installed, so it isn't compared: pip install 'netwright[optuna]'")
    else:
        found["optuna random, memory"] = lambda seed: optuna_search(n_candidates, seed)
    return found


def growth(folder: Path, n_records: int, seeds: int) -> Iterator[tuple[str, float, float]]:
    """Name, and the cost of the first and of the last thousand candidates."""
    for name, strategy in STRATEGIES.items():
        for where in ("memory", "sqlite"):
            first, last = [], []
            for seed in range(seeds):
                store = SqliteStore(folder / f"long {name} {seed}.sqlite") if where == "sqlite" else None
                costs = blocks(strategy, n_records, seed, store)
                first.append(costs[0])
                last.append(costs[-1])
                if store is not None:
                    store.close()
            yield f"{name}, {where}", statistics.median(first), statistics.median(last)


def measure(repeats: int, seeds: int, n_candidates: int, n_records: int) -> dict[str, Any]:
    """All figures; times in milliseconds for each candidate."""
    with tempfile.TemporaryDirectory() as temporary:
        tried = contenders(Path(temporary), n_candidates)
        times: dict[str, list[float]] = {name: [] for name in tried}
        for name, run in tried.items():
            run(0)  # once to warm up
            times[name].clear()
        for _ in range(repeats):
            for seed in range(seeds):
                for name, run in tried.items():
                    times[name].append(run(seed))
        costs = {name: {"median_ms": statistics.median(t), "least_ms": min(t)} for name, t in times.items()}
        # A whole search takes as long as thirty of the short ones: three of them say enough.
        grown = {
            name: {"first_ms": first, "last_ms": last, "growth": last / first}
            for name, first, last in growth(Path(temporary), n_records, max(3, seeds) if repeats > 1 else 1)
        }
    memory = [cost["median_ms"] for name, cost in costs.items() if name.endswith("memory") and "optuna" not in name]
    sqlite = [cost["median_ms"] for name, cost in costs.items() if name.endswith("sqlite")]
    optuna = costs.get("optuna random, memory")
    return {
        "n_candidates": n_candidates,
        "n_records": n_records,
        "costs": costs,
        "growth": grown,
        "optuna_against_ours": optuna and optuna["median_ms"] / costs["random, memory"]["median_ms"],
        "met": max(memory) <= MEMORY_BAR_MS
        and max(sqlite) <= SQLITE_BAR_MS
        and all(entry["growth"] < GROWTH_BAR for entry in grown.values()),
    }


def main() -> None:
    """Measure, print tables and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=7, help="runs of each, in turn")
    parser.add_argument("--seeds", type=int, default=1, help="different seeds in each repeat")
    parser.add_argument("--quick", action="store_true", help="one repeat, 4,000 records: to see that it works")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    repeats, n_records = (1, 4 * BLOCK) if options.quick else (options.repeats, 20 * BLOCK)
    found = measure(repeats, options.seeds, BLOCK, n_records)
    print(f"{'milliseconds a candidate':<28}{'median':>8}{'least':>8}   bar")
    for name, cost in found["costs"].items():
        bar = "" if "optuna" in name else SQLITE_BAR_MS if "sqlite" in name else MEMORY_BAR_MS
        print(f"{name:<28}{cost['median_ms']:>8.4f}{cost['least_ms']:>8.4f}   {bar}")
    if found["optuna_against_ours"]:
        print(f"Optuna's random sampler takes {found['optuna_against_ours']:.1f} times as long as ours.")
    print(f"\n{f'a search of {n_records:,} records':<28}{'first':>8}{'last':>8}{'growth':>8}   bar: {GROWTH_BAR}")
    for name, entry in found["growth"].items():
        print(f"{name:<28}{entry['first_ms']:>8.4f}{entry['last_ms']:>8.4f}{entry['growth']:>8.2f}")
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
