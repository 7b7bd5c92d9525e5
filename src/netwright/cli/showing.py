"""`netwright show`: what a search has found, for people and for programs. Needs no torch: a search may be running."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from netwright.cli.given import whole_number
from netwright.cli.output import json_text
from netwright.core import History, Record, objectives_from
from netwright.core.errors import InvalidInput

__all__ = ["show"]

_ROWS = 20
_WIDEST = 10_000  # characters of a line in a pipe, where nothing is cut off


def show(folder: str, *, top: str | None = None, as_json: bool = False, as_csv: bool = False) -> int:
    """Print the candidates of a search and its best arch.

    Raises:
        RunError: if there is no run in the folder.
        InvalidInput: if two formats are asked for at once.
    """
    if as_json and as_csv:
        raise InvalidInput("choose one of --json and --csv.")
    n_shown = None if top is None else whole_number("--top", top, least=1)
    from netwright.reports.findings import best_first

    facts, history = _read(Path(folder))
    records = list(history.records) if n_shown is None else best_first(history.records)[:n_shown]
    winner = _winner(Path(folder), history)
    if as_json:
        best = None if winner is None else _record_facts(winner)
        shown = [_record_facts(record) for record in records]
        print(json_text({"folder": folder, **_run_facts(facts), "best": best, "records": shown}))
    elif as_csv:
        _print_csv(records)
    else:
        _print_table(facts, history, winner, n_shown or _ROWS)
    return 0


def _read(folder: Path) -> tuple[dict[str, Any], History]:
    from netwright.runtime import RunFolder

    with RunFolder(folder, read_only=True) as run:
        facts = run.header
        history = History(objectives_from(facts["objectives"]))
        for record in run.store:
            history.add(record)
    return facts, history


def _winner(folder: Path, history: History) -> Record | None:
    """The record that the final training was for; without one, the best so far."""
    file = folder / "final.json"
    final = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if final.get("n_records") != len(history):  # the search went on after it
        return history.best
    return next((record for record in history.records if record.id == final.get("record")), history.best)


def _run_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What was searched, from the header of a run."""
    return {
        "data": facts["name"],
        "space": facts["space"]["name"],
        "method": facts["method"]["name"],
        "budget": facts["budget"],
        "objectives": facts["objectives"],
        "constraints": facts["constraints"],
        "seed": facts["seed"],
    }


def _record_facts(record: Record) -> dict[str, Any]:
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


def _print_csv(records: Sequence[Record]) -> None:
    """One row for each record; the columns are those of `history.to_frame()`."""
    own = ("id", "parent", "status", "fidelity")
    tail = ("violation", "wall_seconds", "elapsed_seconds", "error")
    rows = []
    for record in records:
        facts = _record_facts(record)
        metrics = {f"metric.{k}" if k in (*own, *tail) else k: v for k, v in facts["metrics"].items()}
        arch = {f"arch.{name}": value for name, value in facts["arch"].items()}
        rows.append(({name: facts[name] for name in own}, metrics, {name: facts[name] for name in tail}, arch))
    first: tuple[dict[str, Any], ...] = (dict.fromkeys(own), {}, dict.fromkeys(tail), {})
    columns = list(dict.fromkeys(name for place in range(4) for row in [first, *rows] for name in row[place]))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        values: dict[str, Any] = {name: value for part in row for name, value in part.items()}
        writer.writerow([_cell(values.get(name)) for name in columns])


def _cell(value: Any) -> Any:
    """A subset of options in one cell."""
    return " ".join(map(str, value)) if isinstance(value, tuple) else value


def _print_table(facts: Mapping[str, Any], history: History, winner: Record | None, top: int) -> None:
    from rich.console import Console

    from netwright.cli.live_view import facts_line
    from netwright.reports import arch_text, history_table

    print(facts_line({**_run_facts(facts), "size": facts["space"]["size"]}))
    if not history.records:
        print("no candidate has been evaluated yet.")
        return
    print()
    table = history_table(history, top)
    if sys.stdout.isatty():
        Console().print(table)
    else:
        table.expand = False  # no line is filled up with spaces, either
        table.caption_justify = "left"
        console = Console(width=_WIDEST, color_system=None)
        with console.capture() as captured:
            console.print(table)
        print("\n".join(line.rstrip() for line in captured.get().splitlines()))
    if winner is not None:
        print(f"\nbest arch (#{winner.id}):")
        print("\n".join(f"  {line}" for line in arch_text(winner.arch).splitlines()))
