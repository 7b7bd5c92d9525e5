"""The default method on NAS-Bench-101 against random search, regularized evolution and Optuna's TPE.

    python benchmarks/nb101_ranking.py [--seeds 100] [--queries 150] [--jobs 1] [--journal FILE] [--quick] [--json]

The space is 20,000 cells of NAS-Bench-101; the validation accuracy after 108 epochs is maximised. Each method makes 150
queries with each seed; the methods are ranked by what they have found, seed by seed. None of them begins with the
space's default arch. The table is looked for in the folder of NETWRIGHT_DATA, or in ../shared/data beside the
repository. Nearly all of the time goes to Optuna. The bar: `auto` has the best mean rank.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from typing import Any

from netwright.benchmarks import Comparison, Run, compare
from netwright.cli.output import json_text
from netwright.core.errors import NetwrightError
from netwright.reports import left_out_lines

BENCHMARK = "nb101-20k-cifar10"
METHODS = ("auto", "random", "regularized_evolution", "optuna_tpe")


def measure(seeds: int, queries: int, jobs: int, journal: str | None) -> Comparison:
    """The comparison; how far it is goes to stderr."""

    def told(run: Run | None, done: int, total: int) -> None:
        if run is None or done % len(METHODS) == 0:
            print(f"\r{done} of {total} runs", end="", file=sys.stderr, flush=True)

    found = compare(BENCHMARK, METHODS, seeds=seeds, queries=queries, jobs=jobs, journal=journal, on_run=told)
    print(file=sys.stderr)
    return found


def facts_of(found: Comparison) -> dict[str, Any]:
    """What was measured, for programs."""
    rows = found.table(BENCHMARK)
    return {
        "benchmark": BENCHMARK,
        "seeds": len(found.seeds),
        "queries": found.queries,
        "optimum": found.facts(BENCHMARK).optimum,
        "methods": {row.method: asdict(row) for row in rows},
        "differences": [asdict(pair) for pair in found.significance(BENCHMARK)],
        "met": rows[0].method == "auto" and rows[0].mean_rank < rows[1].mean_rank,
    }


def main() -> None:
    """Measure, print a table and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=100, help="runs of each method")
    parser.add_argument("--queries", type=int, default=150, help="evaluations in each run")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--journal", help="a file that keeps the runs: what is in it is not run again")
    parser.add_argument("--quick", action="store_true", help="three seeds: to see that it works")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    try:
        found = measure(3 if options.quick else options.seeds, options.queries, options.jobs, options.journal)
    except NetwrightError as error:
        sys.exit(f"error: {error}")
    facts = facts_of(found)
    print(
        f"{BENCHMARK}, {facts['queries']} queries, {facts['seeds']} seeds; the best there is: {facts['optimum']:.3f} %"
    )
    print(f"{'method':<24}{'mean rank':>10}{'val. %':>9}{'quartiles':>18}{'at optimum':>12}{'ms a query':>12}")
    for row in found.table(BENCHMARK):
        quartiles = f"{row.worse_quartile:.3f}–{row.better_quartile:.3f}"
        print(
            f"{row.method:<24}{row.mean_rank:>10.2f}{row.median:>9.3f}{quartiles:>18}"
            f"{100 * row.optimum_share:>10.0f} %{row.query_ms:>12.2f}"
        )
    for pair in found.significance(BENCHMARK):
        clear = "clear" if pair.significant else "not clear"
        print(
            f"{pair.better} over {pair.worse}: better on {pair.wins}, equal on {pair.draws}, worse on {pair.losses} "
            f"seeds; {clear} (p {pair.p_corrected:.2g})"
        )
    for line in left_out_lines(found):
        print(line)
    print(f"auto has the best mean rank: {'yes' if facts['met'] else 'no'}")
    if options.json:
        print(json_text(facts))


if __name__ == "__main__":
    main()
