"""`netwright bench`: compare methods on tabular benchmarks, and say which benchmarks are there."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from netwright.cli.given import whole_number
from netwright.cli.output import complain, json_text, one_line, stdout_for_the_end
from netwright.cli.proxy_ranks import show_proxy_ranks
from netwright.core import registry
from netwright.core.errors import InvalidInput, NetwrightError

if TYPE_CHECKING:
    from netwright.benchmarks import Comparison
    from netwright.benchmarks.running import Start

__all__ = ["bench"]

_WIDEST = 10_000  # characters of a line in a pipe, where nothing is left out


def bench(
    names: Sequence[str] | None,
    *,
    methods: Sequence[str] | None,
    seeds: str,
    queries: str,
    workers: str,
    start: str,
    vs: str | None,
    jobs: str,
    out: str | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Compare methods on benchmarks; without a benchmark, say which ones there are; `proxies`: compare those.

    Returns:
        The exit code: 0; 1 where no method could be used; 130 after Ctrl-C.
    """
    if not names:
        return _say_what_is_there(as_json=as_json)
    if list(names) == ["proxies"]:
        return show_proxy_ranks(as_json=as_json)
    if "proxies" in names:
        raise InvalidInput("`netwright bench proxies` is a comparison of its own: name no benchmark beside it.")
    n_seeds = whole_number("--seeds", seeds, least=1)
    n_queries = whole_number("--queries", queries, least=1)
    n_workers = whole_number("--workers", workers, least=1)
    n_jobs = whole_number("--jobs", jobs, least=1)
    if start not in ("random", "default"):
        raise InvalidInput(f"`--start` must be random or default, but got {start!r}.")
    from netwright.benchmarks import compare
    from netwright.benchmarks.contenders import benchmarks_from, methods_from

    chosen = ",".join(methods) if methods else "all"
    found = benchmarks_from(names)
    methods_from(chosen, vs=vs)  # complains now, before anything is shown
    folder = Path(out) if out is not None else Path("runs") / _folder_name(list(found))
    try:
        with contextlib.ExitStack() as stack:
            if as_json:
                stack.enter_context(stdout_for_the_end())
            view = None
            if not as_json and not quiet and sys.stdout.isatty():
                from rich.console import Console

                from netwright.cli.comparison_view import ComparisonView

                view = stack.enter_context(ComparisonView(Console()))
            comparison = compare(
                found.values(),
                chosen,
                seeds=n_seeds,
                queries=n_queries,
                workers=n_workers,
                start=cast("Start", start),
                vs=vs,
                jobs=n_jobs,
                journal=folder / "runs.jsonl",
                on_run=view,
            )
    except KeyboardInterrupt:
        kept = (folder / "runs.jsonl").exists()
        go_on = f"what is done is kept in {shlex.quote(str(folder))}: the same command goes on."
        complain(f"stopped; {go_on if kept else 'no run was done yet.'}", kind="")
        return 130
    from netwright.reports import write_comparison

    files = [comparison.save(folder / "comparison.json.gz"), write_comparison(comparison, folder / "report.html")]
    if as_json:
        print(json_text({**_facts(comparison), "folder": str(folder), "files": [str(file) for file in files]}))
    else:
        _print(comparison, files)
    return 0 if comparison.runs else 1


def _folder_name(names: Sequence[str]) -> str:
    """The same for the same benchmarks: a comparison that was stopped goes on."""
    shown = names if len(names) <= 3 else [names[0], "and", str(len(names) - 1), "more"]
    return "-".join(["bench", *shown])


def _say_what_is_there(*, as_json: bool) -> int:
    """List all benchmarks; for one that can't be used, what is missing and what to do."""
    found = []
    for name in registry.benchmarks:
        missing: str | None = None
        try:
            registry.benchmarks[name]()
        except NetwrightError as error:
            missing = one_line(str(error))
        found.append((name.replace("_", "-"), registry.benchmarks.summary(name), missing))
    if as_json:
        print(json_text({name: {"summary": summary, "missing": missing} for name, summary, missing in found}))
        return 0
    column = max((len(name) for name, _, _ in found), default=0)
    print("benchmarks that are here:")
    for name, summary, missing in found:
        if missing is None:
            print(f"  {name:<{column}}  {summary}")
    print("\ncompare methods on one of them, or several: netwright bench NAME --methods all --seeds 20 --queries 100")
    print("how well zero-cost proxies rank trained networks: netwright bench proxies")
    reasons: dict[str, list[str]] = {}
    for name, _, missing in found:
        if missing is not None:
            reasons.setdefault(missing, []).append(name)
    if reasons:
        print("\nnot here:")
    for reason, missed in reasons.items():
        print(f"  {', '.join(missed)}\n    {reason}")
    return 0


def _facts(comparison: Comparison) -> dict[str, Any]:
    """The comparison for programs."""
    return {
        "benchmarks": [
            {
                "name": facts.name,
                "objective": facts.objective,
                "optimum": facts.optimum,
                "methods": [asdict(row) for row in comparison.table(facts.name)],
                "differences": [asdict(pair) for pair in comparison.significance(facts.name)],
            }
            for facts in comparison.benchmarks
        ],
        "ranks": comparison.ranks(),
        "seeds": list(comparison.seeds),
        "queries": comparison.queries,
        "workers": comparison.workers,
        "start": comparison.start,
    }


def _print(comparison: Comparison, files: Sequence[Path]) -> None:
    from rich.console import Console

    from netwright.reports import comparison_headline, comparison_tables, left_out_lines

    terminal = sys.stdout.isatty()
    console = Console() if terminal else Console(width=_WIDEST, color_system=None)
    for table in comparison_tables(comparison, width=console.width if terminal else None):
        with console.capture() as captured:
            console.print(table)
        print("\n".join(line.rstrip() for line in captured.get().splitlines()))
        print()
    for line in left_out_lines(comparison):
        print(line)
    print(comparison_headline(comparison))
    for file in files:
        print(f"  {file}")
