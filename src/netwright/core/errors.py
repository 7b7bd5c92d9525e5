"""The exceptions of netwright: few, under one root, each also a builtin.

Every message states the rule, what came instead and what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "DataError",
    "EvaluationError",
    "InvalidInput",
    "InvalidSpace",
    "MissingDependency",
    "NetwrightError",
    "NotFound",
    "RunError",
    "SpaceExhausted",
    "problems",
    "unknown",
]


class NetwrightError(Exception):
    """The root: `except NetwrightError` catches whatever this library raises on purpose."""


class InvalidInput(NetwrightError, ValueError):
    """A value breaks a rule that the message states."""


class InvalidSpace(InvalidInput):
    """A search space, or an arch of one, breaks a rule of the space language."""


class DataError(InvalidInput):
    """The data can't be read, or can't be learned from as they are."""


class NotFound(NetwrightError, LookupError):
    """A name is not among those known; the message lists the nearest and the available ones."""

    def __str__(self) -> str:  # LookupError's subclasses may quote their argument
        return str(self.args[0]) if self.args else ""


class MissingDependency(NetwrightError, ImportError):
    """An optional package is needed; the message holds the install line."""


class RunError(NetwrightError, RuntimeError):
    """A search can't go on, or its run folder can't be used."""


class EvaluationError(NetwrightError, RuntimeError):
    """An evaluator gave up on a candidate: the search turns this into a failed record."""


class SpaceExhausted(NetwrightError, RuntimeError):
    """A strategy has nothing new left to propose: the search ends here, in good order."""


def unknown(kind: str, name: object, available: Iterable[str]) -> NotFound:
    """The error for an unknown name, with the nearest names first.

    Example:
        >>> print(unknown("method", "randm", ["grid", "random"]))
        unknown method 'randm': did you mean 'random'? Available: grid, random.
    """
    names = sorted(available)
    same = [known for known in names if known.lower() == str(name).lower()]
    near = same or difflib.get_close_matches(str(name), names, n=2, cutoff=0.5)
    hint = f" did you mean {' or '.join(map(repr, near))}?" if near else ""
    return NotFound(f"unknown {kind} {str(name)!r}:{hint} Available: {', '.join(names) or 'none'}.")


def problems(subject: str, found: Iterable[str]) -> str:
    """One message that lists every problem found, not only the first.

    Example:
        >>> print(problems("The arch is not valid", ["a is missing.", "b is 3."]))
        The arch is not valid:
          - a is missing.
          - b is 3.
    """
    items = list(found)
    if len(items) == 1:
        return f"{subject}: {items[0]}"
    return f"{subject}:\n" + "\n".join(f"  - {item}" for item in items)
