"""`Logged`: the progress of a search as log lines; `heard` makes them visible where nobody listens."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from netwright.core import History, Record
from netwright.core.quantity import seconds_text

__all__ = ["Logged", "heard"]

_log = logging.getLogger(__name__)
_ROOT = logging.getLogger("netwright")


class Logged:
    """Says each step of a search at level INFO.

    Example:
        >>> with heard():
        ...     Logged().stage("search", "searching with random")  # on stderr, unless the program logs elsewhere
    """

    def started(self, facts: Mapping[str, Any]) -> None:
        """The space, the method and the budget."""
        _log.info("space %s, method %s, budget %s", facts["space"], facts["method"], facts["budget"])

    def stage(self, name: str, text: str) -> None:
        """What happens next."""
        _log.info("%s", text)

    def record(self, record: Record, history: History, elapsed: float, limit: float | None) -> None:
        """The candidate's metrics, or why it failed, and the best one so far."""
        said = ", ".join(f"{name} {value:.4g}" for name, value in record.metrics.items())
        outcome = said if record.scored else f"{record.status}: {record.error}"
        used = seconds_text(elapsed) if limit is None else f"{seconds_text(elapsed)} of {seconds_text(limit)}"
        best = "none yet" if history.best is None else f"candidate {history.best.id}"
        _log.info("candidate %d: %s (best: %s; %s)", record.id, outcome, best, used)

    def epoch(self, done: int, total: int, values: Mapping[str, float]) -> None:
        """An epoch of the final training."""
        _log.debug("epoch %d of about %d: %s", done, total, dict(values))

    def finished(self, result: Any) -> None:
        """The outcome in a few lines."""
        for line in result.summary().splitlines():
            _log.info("%s", line)


@contextlib.contextmanager
def heard() -> Iterator[None]:
    """Show netwright's log lines on stderr; a program that has set up logging itself is left as it is."""
    if _ROOT.hasHandlers():
        yield
        return
    shown, level = logging.StreamHandler(), _ROOT.level
    shown.setFormatter(logging.Formatter("%(message)s"))
    _ROOT.addHandler(shown)
    _ROOT.setLevel(logging.INFO)
    try:
        yield
    finally:
        _ROOT.removeHandler(shown)
        _ROOT.setLevel(level)
