"""The table of all candidates: complete without scripts; a small script sorts and filters it."""

from __future__ import annotations

from collections.abc import Sequence

from netwright.core.history import History
from netwright.core.quantity import seconds_text
from netwright.core.record import Record
from netwright.reports.findings import best_first
from netwright.reports.markup import Markup, element, joined
from netwright.reports.report_data import ReportData
from netwright.reports.tables import metric_columns
from netwright.reports.wording import decisions_text, metric_text, plural

__all__ = ["MOST_ROWS", "candidates"]

MOST_ROWS = 600
"""Rows that the page holds at most: the best ones; it says how many are left out."""
_LONG = 96


def candidates(data: ReportData) -> Markup:
    """The table with its tools; the best rows first."""
    if not data.records:
        return element("p", "There are no candidates yet.", class_="card empty")
    history = History(data.objectives)
    for record in data.records:
        history.add(record)
    metrics = metric_columns(history)
    several = len({record.fidelity for record in data.records}) > 1
    shown = best_first(data.records)[:MOST_ROWS]
    lowest_first = {objective.metric for objective in data.objectives if objective.direction == "min"} | {"params"}
    heads = [_head("#", number=True), _head("status")]
    heads += [_head(name, number=True, first="ascending" if name in lowest_first else "descending") for name in metrics]
    heads += [_head("fidelity", number=True, first="descending")] if several else []
    heads += [_head("time", number=True), _head("parent", number=True), _head("decisions, or why not")]
    body = [_row(data, record, metrics, several=several) for record in shown]
    table = element("table", element("thead", element("tr", *heads)), element("tbody", *body), class_="candidates")
    left_out = len(data.records) - len(shown)
    about = "Best first; a click on a column's name sorts by it."
    if left_out:
        about += f" The best {len(shown)} are listed; {plural(left_out, 'candidate')} more are in the run's records."
    scroll = element("div", table, class_="candidates-scroll", tabindex=0)
    return joined([element("p", about, class_="about"), element("div", _tools(shown), scroll, class_="card long")])


def _tools(shown: Sequence[Record]) -> Markup:
    statuses = list(dict.fromkeys(record.status for record in shown))
    options = [element("option", "every status", value=""), *(element("option", s, value=s) for s in statuses)]
    return element(
        "div",
        element("label", "Filter by words", for_="filter-words", class_="sr"),
        element(
            "input", id="filter-words", type="search", placeholder="filter, such as kernel=5 adamw", autocomplete="off"
        ),
        element("label", "Filter by status", for_="filter-status", class_="sr"),
        element("select", *options, id="filter-status", autocomplete="off"),
        element("span", f"{len(shown)} shown", id="filter-count", class_="count", aria_live="polite"),
        class_="tools",
    )


def _head(name: str, *, number: bool = False, first: str = "ascending") -> Markup:
    button = element("button", name, type="button")
    return element("th", button, scope="col", class_="number" if number else None, data_first=first)


def _row(data: ReportData, record: Record, metrics: Sequence[str], *, several: bool) -> Markup:
    winner = data.winner is not None and record.id == data.winner.id
    cells = [
        element("td", f"{record.id}", class_="number", data_v=str(record.id)),
        element("td", element("span", record.status, class_=f"status {record.status}"), " (best)" if winner else ""),
    ]
    for name in metrics:
        value = data.value_of(record, name)
        cells.append(
            element("td", metric_text(name, value), class_="number", data_v="" if value is None else f"{value:.9g}")
        )
    if several:
        cells.append(element("td", f"{record.fidelity:.3g}", class_="number", data_v=f"{record.fidelity:.9g}"))
    cells.append(element("td", seconds_text(record.wall_seconds), class_="number", data_v=f"{record.wall_seconds:.6g}"))
    parent = "" if record.parent is None else str(record.parent)
    cells.append(element("td", f"#{parent}" if parent else "-", class_="number", data_v=parent))
    cells.append(element("td", _said(record), class_="said mono"))
    return element("tr", *cells, class_="winner" if winner else None, data_status=record.status)


def _said(record: Record) -> Markup:
    """The decisions, after the reason where there is one; long texts fold."""
    decisions = decisions_text(record.arch)
    reason = (record.error or "").strip()
    first = reason.partition("\n")[0]
    text = f"{reason}\n{decisions}" if reason else decisions
    if len(text) <= _LONG and "\n" not in text:
        return joined([text])
    short = first or decisions
    if len(short) > _LONG:
        short = short[: _LONG - 1].rsplit(" ", 1)[0] + " …"
    return element("details", element("summary", short), element("div", text, style="white-space:pre-wrap"))
