"""A comparison in words and as tables: the headline, the cells of a method's row, tables for a terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwright.core.quantity import seconds_text
from netwright.reports.compared import Compared, ComparedBenchmark, ComparedMethod, ComparedPair
from netwright.reports.wording import is_share, plural

if TYPE_CHECKING:
    from rich.table import Table

__all__ = [
    "Column",
    "columns_of",
    "comparison_headline",
    "comparison_tables",
    "left_out_lines",
    "p_text",
    "precise",
    "rank_rows",
    "span_text",
    "verdicts",
]

_NAMED = 6  # methods in a sentence


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table of methods.

    Attributes:
        title: what stands above it.
        text: what stands in a row.
        meaning: what that is.
        worth: where there isn't room for all, those of little worth go first.
    """

    title: str
    text: Callable[[ComparedMethod], str]
    meaning: str = ""
    worth: int = 5


def columns_of(compared: Compared, benchmark: ComparedBenchmark) -> list[Column]:
    """The columns that say something on this benchmark."""
    rows = [row for row in compared.table(benchmark.name) if not math.isnan(row.mean_rank)]
    metric, test = benchmark.goal.metric, benchmark.test_metric
    number = precise(metric, [row.median for row in rows])
    found = verdicts(rows, compared.significance(benchmark.name))
    test_number = precise(test or "", [row.test_median for row in rows])
    every = [
        (True, Column("mean rank", lambda row: f"{row.mean_rank:.2f}", "by the last incumbent; 1 is the best", 9)),
        (True, Column("on the way", lambda row: f"{row.anytime_rank:.2f}", "mean rank after each of the queries", 3)),
        (True, Column(metric, lambda row: number(row.median), "median over the seeds, after the last query", 10)),
        (
            True,
            Column("quartiles", lambda row: " to ".join(map(number, (row.worse_quartile, row.better_quartile))), "", 4),
        ),
        (test is not None, Column(test or "", lambda row: test_number(row.test_median), "of the last incumbents", 7)),
        (
            benchmark.optimum is not None,
            Column("at the optimum", lambda row: _share(row.optimum_share), "seeds that found the best arch", 5),
        ),
        (
            benchmark.optimum is not None,
            Column("queries to it", lambda row: _count(row.queries_to_optimum), "median; -: not half the seeds", 6),
        ),
        (True, Column("against the best", lambda row: found[row.method], "≈: not clearly different", 8)),
        (
            any(row.n_queries < compared.queries for row in rows),
            Column("queries", lambda row: _count(row.n_queries), "evaluations made, median", 5),
        ),
        (
            any(row.distinct_share < 1 for row in rows),
            Column("distinct", lambda row: _share(row.distinct_share), "evaluations of a new network", 5),
        ),
        (
            any(row.failed_share > 0 for row in rows),
            Column("failed", lambda row: _share(row.failed_share), "evaluations that gave nothing", 5),
        ),
        (
            benchmark.seconds_metric is not None,
            Column("simulated time", lambda row: span_text(row.simulated_seconds), "of a run, median", 2),
        ),
        (True, Column("ms a query", lambda row: _milliseconds(row.query_ms), "real time of the method itself", 1)),
    ]
    return [column for wanted, column in every if wanted]


def verdicts(rows: Sequence[ComparedMethod], pairs: Sequence[ComparedPair]) -> dict[str, str]:
    """What the tests say of each method against the best one: worse, or not clearly different (≈)."""
    if not rows:
        return {}
    best = rows[0].method
    found = {best: "best"}
    for pair in pairs:
        if best in (pair.better, pair.worse):
            other = pair.worse if pair.better == best else pair.better
            if not pair.significant:
                found[other] = f"≈, {p_text(pair.p_corrected)}"
            else:
                found[other] = f"{'worse' if pair.better == best else 'better'}, {p_text(pair.p_corrected)}"
    return found


def comparison_headline(compared: Compared) -> str:
    """Who is best, in a sentence or two."""
    seeds, queries = plural(len(compared.seeds), "seed"), plural(compared.queries, "query", "queries")
    if len(compared.benchmarks) == 1:
        facts = compared.benchmarks[0]
        rows = [row for row in compared.table(facts.name) if not math.isnan(row.mean_rank)]
        if not rows:
            return "No method could be used on this benchmark."
        best = rows[0]
        number = precise(facts.goal.metric, [row.median for row in rows])
        text = (
            f"{best.method} has the best mean rank of {plural(len(rows), 'method')} over {seeds}: "
            f"{facts.goal.metric} {number(best.median)} (median) after {queries}"
        )
        if best.optimum_share > 0:
            text += f"; {_share(best.optimum_share)} of the seeds have found the best arch of the table"
        order = [row.method for row in rows]
    else:
        order = list(compared.ranks())
        if not order:
            return "No method could be used on all of these benchmarks."
        text = (
            f"{order[0]} has the best mean rank of {plural(len(order), 'method')} over "
            f"{plural(len(compared.benchmarks), 'benchmark')} and {seeds} after {queries}: "
            f"{compared.ranks()[order[0]]:.2f}"
        )
    equal = _no_clear_difference(order, compared.significance())
    if len(order) == 1:
        return f"{text}."
    if not equal:
        return f"{text}. Every other method is worse by more than chance."
    if len(equal) > _NAMED:
        equal = [*equal[: _NAMED - 1], f"and {len(equal) - _NAMED + 1} more"]
    return f"{text}. Not clearly different from it: {', '.join(equal)}."


def comparison_tables(compared: Compared, *, width: int | None = None) -> list[Table]:
    """A table for each benchmark, and one over all, for a terminal.

    Args:
        compared: the comparison.
        width: of the terminal, in characters: columns that matter less are left out where there isn't room for all.
    """
    from rich.table import Table
    from rich.text import Text

    found = []
    for facts in compared.benchmarks:
        rows = [row for row in compared.table(facts.name) if not math.isnan(row.mean_rank)]
        columns = _fitting(columns_of(compared, facts), rows, width)
        table = Table(title=facts.name, box=None, pad_edge=False, header_style="bold", title_justify="left")
        table.add_column("method", no_wrap=True)
        for column in columns:
            left = column.title == "against the best"
            table.add_column(Text(column.title), justify="left" if left else "right", no_wrap=True)
        for row in rows:
            table.add_row(Text(row.method), *(Text(column.text(row)) for column in columns))
        found.append(table)
    if len(compared.benchmarks) > 1:
        table = Table(title="mean rank", box=None, pad_edge=False, header_style="bold", title_justify="left")
        table.add_column("method", no_wrap=True)
        for head in ("all", *(facts.name for facts in compared.benchmarks)):
            table.add_column(Text(head), justify="right")
        for cells in rank_rows(compared):
            table.add_row(*map(Text, cells))
        found.append(table)
    return found


def left_out_lines(compared: Compared) -> list[str]:
    """Which methods were left out where, and which runs broke off, each in a line."""
    lines = []
    for facts in compared.benchmarks:
        for row in compared.table(facts.name):
            if row.error is not None and math.isnan(row.mean_rank):
                lines.append(f"{row.method} was left out on {facts.name}: {row.error}")
            elif row.error is not None:
                runs = plural(len(compared.seeds), "run")
                lines.append(f"{row.method} broke off in {row.n_broken} of {runs} on {facts.name}: {row.error}")
    return lines


def rank_rows(compared: Compared) -> list[list[str]]:
    """Each method's mean rank over all benchmarks, and on each: `-` where it has none."""
    means = compared.ranks()
    by_benchmark: list[Mapping[str, float]] = [
        {row.method: row.mean_rank for row in compared.table(facts.name)} for facts in compared.benchmarks
    ]
    rest = [name for name in compared.methods if name not in means]
    return [
        [name, _rank(means.get(name, math.nan)), *(_rank(ranks.get(name, math.nan)) for ranks in by_benchmark)]
        for name in [*means, *rest]
    ]


def p_text(p: float) -> str:
    """A p value for people.

    Example:
        >>> p_text(0.0312), p_text(0.00001), p_text(1.0)
        ('p = 0.031', 'p < 0.001', 'p = 1.00')
    """
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def span_text(seconds: float) -> str:
    """A long time for people.

    Example:
        >>> span_text(90.0), span_text(100_000.0), span_text(2_000_000.0)
        ('1m 30s', '27.8h', '23.1d')
    """
    if not math.isfinite(seconds):
        return "-"
    if seconds < 7200:
        return seconds_text(seconds)
    return f"{seconds / 3600:.1f}h" if seconds < 2 * 86400 else f"{seconds / 86400:.1f}d"


def _no_clear_difference(order: Sequence[str], pairs: Sequence[ComparedPair]) -> list[str]:
    """The methods that the tests can't tell from the best one, in their order."""
    equal = {
        name
        for pair in pairs
        if not pair.significant and order[0] in (pair.better, pair.worse)
        for name in (pair.better, pair.worse)
    }
    return [name for name in order[1:] if name in equal]


def precise(metric: str, values: Sequence[float]) -> Callable[[float], str]:
    """Writes a metric with as many digits as tell the values apart.

    Example:
        >>> precise("accuracy", [0.91, 0.92])(0.9123), precise("loss", [0.001, 0.0012])(0.00123)
        ('91.23 %', '0.00123')
    """
    known = [value for value in values if math.isfinite(value)]
    share = is_share(metric) and bool(known) and min(known) >= 0 and max(known) <= 1
    scale = 100.0 if share else 1.0
    spread = scale * (max(known) - min(known)) if known else 0.0
    digits = min(max(math.ceil(2 - math.log10(spread)), 0), 5) if spread > 0 else 2

    def text(value: float) -> str:
        if not math.isfinite(value):
            return "-"
        return f"{scale * value:,.{digits}f}{' %' if share else ''}"

    return text


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.0f} %"


def _fitting(columns: Sequence[Column], rows: Sequence[ComparedMethod], width: int | None) -> list[Column]:
    """The columns that there is room for."""
    gap = 2
    sizes = [max(map(len, [column.title, *map(column.text, rows)])) + gap for column in columns]
    left = math.inf if width is None else width - max(map(len, ["method", *(row.method for row in rows)]))
    kept = set()
    for i in sorted(range(len(columns)), key=lambda i: -columns[i].worth):
        if sizes[i] <= left:
            kept.add(i)
            left -= sizes[i]
    return [column for i, column in enumerate(columns) if i in kept]


def _count(value: float) -> str:
    return f"{value:,.0f}" if math.isfinite(value) else "-"


def _milliseconds(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}" if value < 10 else f"{value:,.0f}"


def _rank(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"
