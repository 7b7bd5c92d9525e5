"""The history as a data frame, and as tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.core.arch import Arch
from netwright.core.errors import InvalidInput, MissingDependency
from netwright.core.history import History
from netwright.core.quantity import seconds_text
from netwright.core.record import Record
from netwright.reports.findings import best_first
from netwright.reports.wording import decided_text, decisions_text, metric_text

if TYPE_CHECKING:
    from pandas import DataFrame
    from rich.table import Table

__all__ = ["arch_text", "history_frame", "history_table", "metric_columns"]

_USUAL = ("params", "flops", "loss", "rmse", "latency_ms")


def history_frame(history: History) -> DataFrame:
    """The records as a pandas data frame, one a row: what `history.to_frame()` gives.

    Example:
        >>> history = History()
        >>> history.add(Record(0, Arch({"width": 8}), metrics={"loss": 0.5}, losses=(0.5,)))
        >>> history_frame(history)[["id", "loss", "arch.width"]].values.tolist()
        [[0.0, 0.5, 8.0]]

    Raises:
        MissingDependency: without pandas.
    """
    return history.to_frame()


def history_table(history: History, top: int = 20) -> Table:
    """The best `top` records as a table for a terminal, the failed ones last; a caption says what is left out.

    Example:
        >>> history = History()
        >>> history.add(Record(0, Arch({"width": 8}), metrics={"loss": 0.5}, losses=(0.5,)))
        >>> [str(column.header) for column in history_table(history).columns]
        ['#', 'loss', 'seconds', 'status', 'decisions']
    """
    if top < 1:
        raise InvalidInput(f"`top` must be at least 1, but got {top}.")
    try:
        from rich.table import Table
        from rich.text import Text
    except ImportError as error:
        raise MissingDependency("tables need rich, which is not installed: pip install rich") from error
    records = history.records
    shown = best_first(records)[:top]
    metrics = metric_columns(history)
    fidelities = len({record.fidelity for record in records}) > 1
    table = Table(
        box=None, pad_edge=False, expand=True, header_style="bold", row_styles=["", "dim"] if len(shown) > 8 else None
    )
    table.add_column("#", justify="right", no_wrap=True)
    for name in metrics:
        table.add_column(Text(name), justify="right", no_wrap=True)
    if fidelities:
        table.add_column("fidelity", justify="right", no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("decisions", overflow="ellipsis", no_wrap=True, ratio=1)
    styles = {"failed": "red", "infeasible": "yellow", "partial": "cyan"}
    for record in shown:
        winner = history.best is not None and record.id == history.best.id
        row = [Text(str(record.id), style="bold green" if winner else "")]
        row += [Text(metric_text(name, _value(history, record, name))) for name in metrics]
        if fidelities:
            row.append(Text(f"{record.fidelity:.3g}"))
        row.append(Text(seconds_text(record.wall_seconds)))
        row.append(Text(record.status, style=styles.get(record.status, "")))
        said = record.error if record.error and not record.scored else decisions_text(record.arch)
        row.append(Text(said.strip().partition("\n")[0]))
        table.add_row(*row)
    if len(records) > len(shown):
        table.caption = f"the best {len(shown)} of {len(records)} candidates"
    return table


def metric_columns(history: History, *, most: int = 4) -> list[str]:
    """The metrics worth a column: the objectives, then those of `_USUAL`, then others by how many records have them."""
    counts: dict[str, int] = {}
    for record in history.records:
        for name in record.metrics:
            counts[name] = counts.get(name, 0) + 1
    wanted = [objective.metric for objective in history.objectives]
    others = sorted(
        (name for name in counts if name not in wanted),
        key=lambda name: (_USUAL.index(name) if name in _USUAL else len(_USUAL), -counts[name], name),
    )
    return [*wanted, *others[: max(0, most - len(wanted))]]


def arch_text(arch: Arch) -> str:
    """The decisions, one a line and aligned.

    Example:
        >>> print(arch_text(Arch({"depth": 2, "blocks.0.act": "ReLU"})))
        depth         2
        blocks.0.act  ReLU
    """
    width = max(map(len, arch), default=0)
    return "\n".join(f"{name:<{width}}  {decided_text(value)}" for name, value in arch.items())


def _value(history: History, record: Record, name: str) -> float | None:
    for objective, loss in zip(history.objectives, record.losses, strict=False):
        if objective.metric == name:
            return objective.value(loss)
    return record.metrics.get(name)
