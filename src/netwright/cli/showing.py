"""`netwright show`: what a search has found, for people and for programs."""

from __future__ import annotations

import csv
import sys
from typing import Any

from netwright.cli.given import whole_number
from netwright.cli.output import json_text
from netwright.core import History, Record
from netwright.core.errors import InvalidInput

__all__ = ["record_facts", "show"]

_WIDEST = 10_000


def show(folder: str, *, top: str | None = None, as_json: bool = False, as_csv: bool = False) -> int:
    """Print the candidates of a search and its best arch.

    Raises:
        RunError: if there is no run in the folder.
        InvalidInput: if two formats are asked for at once.
    """
    if as_json and as_csv:
        raise InvalidInput("choose one of --json and --csv.")
    n_shown = None if top is None else whole_number("--top", top, least=1)
    from netwright.automl import load_result
    from netwright.reports.findings import best_first

    result = load_result(folder)
    history: History = result.history
    records = list(history.records) if n_shown is None else best_first(history.records)[:n_shown]
    if as_json:
        best = None if history.best is None else record_facts(history.best)
        print(json_text({"folder": str(folder), "best": best, "records": [record_facts(record) for record in records]}))
    elif as_csv:
        _print_csv(records)
    else:
        _print_table(result, n_shown or 20)
    return 0


def record_facts(record: Record) -> dict[str, Any]:
    """A record as plain data."""
    return {
        "id": record.id,
        "parent": record.parent,
        "status": record.status,
        "fidelity": record.fidelity,
        "metrics": dict(record.metrics),
        "violation": record.violation,
        "error": record.error,
        "wall_seconds": record.wall_seconds,
        "elapsed_seconds": record.elapsed_seconds,
        "arch": dict(record.arch),
    }


def _print_csv(records: list[Record]) -> None:
    """One row for each record; the columns are those of `history.to_frame()`."""
    rows = []
    for record in records:
        facts = record_facts(record)
        metrics, arch = facts.pop("metrics"), facts.pop("arch")
        tail = {name: facts.pop(name) for name in ("violation", "wall_seconds", "elapsed_seconds", "error")}
        named = {f"metric.{name}" if name in facts or name in tail else name: value for name, value in metrics.items()}
        rows.append(({**facts, **named}, tail, {f"arch.{name}": value for name, value in arch.items()}))
    columns = list(dict.fromkeys(name for place in range(3) for row in rows for name in row[place]))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        values = {**row[0], **row[1], **row[2]}
        writer.writerow([_cell(values.get(name)) for name in columns])


def _cell(value: Any) -> Any:
    """A subset of options in one cell."""
    return " ".join(map(str, value)) if isinstance(value, tuple) else value


def _print_table(result: Any, top: int) -> None:
    from rich.console import Console

    from netwright.reports import arch_text, history_table

    history: History = result.history
    console = Console() if sys.stdout.isatty() else Console(width=_WIDEST, color_system=None)
    table = history_table(history, top)
    # In a pipe nothing is cut off, and no line is filled up with spaces.
    table.expand = console.is_terminal
    if console.is_terminal:
        console.print(table)
    else:
        with console.capture() as captured:
            console.print(table)
        print("\n".join(line.rstrip() for line in captured.get().splitlines()))
    best = history.best
    if best is not None:
        print(f"\nbest arch (#{best.id}):")
        print("\n".join(f"  {line}" for line in arch_text(best.arch).splitlines()))
