"""`Progress`: what a search tells while it runs. The command line's live view is one; `Quiet` says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from netwright.core import History, Record

__all__ = ["Progress", "Quiet"]


class Progress(Protocol):
    """Told of each step of a search, in this process."""

    def started(self, facts: Mapping[str, Any]) -> None:
        """Once, before anything is measured: data, space, size, method, budget, objectives, notes, folder, seed."""
        ...

    def stage(self, name: str, text: str) -> None:
        """A new stage begins: `measure`, `prepare`, `search`, `final` or `write`; the text says what it does."""
        ...

    def record(self, record: Record, history: History, elapsed: float, limit: float | None) -> None:
        """A candidate is done. `elapsed` seconds of the search are used, of `limit` (None: no limit in time)."""
        ...

    def epoch(self, done: int, total: int, values: Mapping[str, float]) -> None:
        """An epoch of the final training is done; `total` is an estimate where the time is the limit."""
        ...

    def finished(self, result: Any) -> None:
        """The result is there."""
        ...


class Quiet:
    """Says nothing.

    Example:
        >>> Quiet().stage("search", "…")
    """

    def started(self, facts: Mapping[str, Any]) -> None:
        """Nothing."""

    def stage(self, name: str, text: str) -> None:
        """Nothing."""

    def record(self, record: Record, history: History, elapsed: float, limit: float | None) -> None:
        """Nothing."""

    def epoch(self, done: int, total: int, values: Mapping[str, float]) -> None:
        """Nothing."""

    def finished(self, result: Any) -> None:
        """Nothing."""
