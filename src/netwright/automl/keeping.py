"""Which checkpoints are kept while a search goes on."""

from __future__ import annotations

from pathlib import Path

from netwright.automl.request import Request
from netwright.automl.shortcuts import may_be_parents
from netwright.core import Arch, History, Record

__all__ = ["Keeper", "may_go_on"]

_MOST_AT_A_FIDELITY = 64  # arches of a low fidelity whose checkpoints are kept: who is behind them won't go on


class Keeper:
    """Keeps the checkpoint of the best arch, and of those that may go on or be inherited from; passes records on.

    Args:
        checkpoints: the folder.
        request: what was asked for; its progress is told of each record.
        limit: when the search ends, in seconds.
    """

    def __init__(self, checkpoints: Path, request: Request, limit: float | None) -> None:
        self.checkpoints = checkpoints
        self.request = request
        self.limit = limit
        for file in checkpoints.glob("*.part"):  # what a killed search was writing
            file.unlink(missing_ok=True)

    def __call__(self, record: Record, history: History) -> None:
        """Told of each record."""
        if self.request.task is not None:
            pending = history.pending.values()
            kept = {candidate.arch.digest for candidate in pending} | may_go_on(history)
            if history.best is not None:
                kept.add(history.best.arch.digest)
            if self.request.shortcuts.inherit:
                kept |= may_be_parents(history, pending)
            for file in self.checkpoints.glob("*.pt"):
                if file.stem not in kept:
                    file.unlink(missing_ok=True)
        self.request.progress.record(record, history, record.elapsed_seconds, self.limit)


def may_go_on(history: History) -> set[str]:
    """Digests of the arches that a multi-fidelity method may yet train further: the best of each low fidelity.

    Example:
        >>> history = History()
        >>> history.add(Record(0, Arch({"x": 1}), 0.25, losses=(0.5,)))
        >>> history.add(Record(1, Arch({"x": 2}), 1.0, losses=(0.5,)))
        >>> may_go_on(history) == {Arch({"x": 1}).digest}
        True
    """
    highest: dict[Arch, Record] = {}
    for record in history.records:
        known = highest.get(record.arch)
        if known is None or record.fidelity >= known.fidelity:
            highest[record.arch] = record
    levels: dict[float, list[Record]] = {}
    for record in highest.values():
        if record.fidelity < 1 and record.losses and record.violation == 0:
            levels.setdefault(record.fidelity, []).append(record)
    return {
        record.arch.digest
        for level in levels.values()
        for record in sorted(level, key=lambda one: one.loss)[:_MOST_AT_A_FIDELITY]
    }
