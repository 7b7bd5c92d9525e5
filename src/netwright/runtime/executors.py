"""Executors: the inline one, which is the default and the reference for all others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from netwright.core.protocols import PendingResult

__all__ = ["Done", "InlineExecutor"]


class Done:
    """A result that is there already: what a `concurrent.futures.Future` costs, at a tenth of the price."""

    __slots__ = ("_error", "_value")

    def __init__(self, value: Any = None, error: BaseException | None = None) -> None:
        self._value = value
        self._error = error

    def done(self) -> bool:
        """Always true."""
        return True

    def result(self, timeout: float | None = None) -> Any:
        """The value, or raises the error."""
        if self._error is not None:
            raise self._error
        return self._value


class InlineExecutor:
    """Runs each call at once, in this process. A call can't be ended from outside, so `timeout` has no effect.

    Example:
        >>> InlineExecutor().submit(max, 2, 3).result()
        3
    """

    workers = 1

    def submit(self, fn: Callable[..., Any], /, *args: Any, timeout: float | None = None) -> Done:
        """Call it now."""
        try:
            return Done(fn(*args))
        except Exception as error:  # noqa: BLE001  # raised again by `result`
            return Done(error=error)

    def wait(self, pending: Iterable[PendingResult], timeout: float | None = None) -> list[PendingResult]:
        """All of them: they are done."""
        return list(pending)

    def close(self) -> None:
        """Nothing to end."""
