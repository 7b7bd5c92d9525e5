"""`Sparingly`: something is done again and again, as long as that takes a small part of the time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Sparingly"]

_SHARE = 0.05


@dataclass(slots=True)
class Sparingly:
    """Does what it is told, unless it did so a moment ago: at most a twentieth of the time goes into it.

    Example:
        >>> done = []
        >>> sparingly = Sparingly()
        >>> for number in range(2):
        ...     sparingly(lambda: (time.sleep(0.01), done.append(1)))
        >>> sparingly(lambda: done.append(2), anyway=True)
        >>> done
        [1, 2]
    """

    _ended: float = -float("inf")  # by the monotonic clock
    _took: float = 0.0

    def __call__(self, action: Callable[[], object], *, anyway: bool = False) -> None:
        """Do it, if its turn has come, or anyway."""
        now = time.monotonic()
        if anyway or now - self._ended >= self._took / _SHARE:
            action()
            self._ended = time.monotonic()
            self._took = self._ended - now
