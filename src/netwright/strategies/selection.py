"""Selections: how likely each record of a population is to become a parent.

A selection is any callable from records to their chances, one number a record that together make one. It is asked once
for a population, so all draws from it cost next to nothing. Only the order of `Record.rank` and the losses count, so
records that break limits come after those that don't, and failed ones last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np

from netwright.core import Record
from netwright.core.errors import InvalidInput
from netwright.strategies.numbers import check_numbers

__all__ = ["SELECTIONS", "Rank", "Roulette", "Selection", "Tournament"]

Selection: TypeAlias = Callable[[Sequence[Record]], np.ndarray[Any, np.dtype[np.float64]]]
"""A callable from n records to their chances, shape (n,)."""


@dataclass(frozen=True, slots=True)
class Tournament:
    """The best of a few records drawn with replacement (Goldberg & Deb 1991), as the chances that this comes to.

    Attributes:
        size: how many are drawn: 1 is no selection at all, more are more selective.

    Example:
        >>> from netwright.core import Arch
        >>> records = [Record(i, Arch({"x": i}), losses=(float(i),)) for i in range(2)]
        >>> Tournament(2)(records)
        array([0.75, 0.25])
    """

    size: int = 5

    def __post_init__(self) -> None:
        check_numbers(self)
        if self.size < 1:
            raise InvalidInput(f"`size` of Tournament must be a whole number of at least 1, but got {self.size!r}.")

    def __call__(self, records: Sequence[Record]) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The chance of each record to win one."""
        better, equal = _places(records)
        total = len(records)
        # That none of the better ones is drawn, less that none of the equal ones is either; they share it.
        return (((total - better) / total) ** self.size - ((total - better - equal) / total) ** self.size) / equal


@dataclass(frozen=True, slots=True)
class Rank:
    """Linear ranking (Baker 1985): the chance falls evenly from the best record to the worst.

    Attributes:
        pressure: in 1 to 2: how many times as likely as an average one the best is.

    Example:
        >>> from netwright.core import Arch
        >>> records = [Record(i, Arch({"x": i}), losses=(float(i),)) for i in range(4)]
        >>> Rank(1.6)(records).round(2).tolist()
        [0.4, 0.3, 0.2, 0.1]
    """

    pressure: float = 1.8

    def __post_init__(self) -> None:
        check_numbers(self)
        if not 1 <= self.pressure <= 2:
            raise InvalidInput(f"`pressure` of Rank must be in 1 to 2, but got {self.pressure!r}.")

    def __call__(self, records: Sequence[Record]) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The chance of each record."""
        better, equal = _places(records)
        total = len(records)
        if total == 1:
            return np.ones(1)
        place = better + (equal - 1) / 2  # equal ones share the mean of their places
        return (self.pressure - 2 * (self.pressure - 1) * place / (total - 1)) / total


@dataclass(frozen=True, slots=True)
class Roulette:
    """In proportion to by how much a record is better than the worst (Holland 1975).

    Among feasible records that is the loss; where none is feasible, the violation.

    Attributes:
        least: the chance of the worst, as a share of the best's: above 0, or the worst would never be a parent.

    Example:
        >>> from netwright.core import Arch
        >>> records = [Record(i, Arch({"x": i}), losses=(loss,)) for i, loss in enumerate([0.0, 5.0, 10.0])]
        >>> Roulette(least=0.2)(records).round(3).tolist()
        [0.556, 0.333, 0.111]
    """

    least: float = 0.1

    def __post_init__(self) -> None:
        check_numbers(self)
        if not 0 < self.least <= 1:
            raise InvalidInput(f"`least` of Roulette must be above 0 and at most 1, but got {self.least!r}.")

    def __call__(self, records: Sequence[Record]) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The chance of each record."""
        values = np.array([record.loss if record.violation == 0 else np.inf for record in records])
        if not np.isfinite(values).any():
            values = np.array([record.violation if record.violation > 0 else np.inf for record in records])
        finite = np.isfinite(values)
        if not finite.any():
            return np.full(len(records), 1 / len(records))
        best, worst = values[finite].min(), values[finite].max()
        fitness = np.zeros(len(records))
        fitness[finite] = 1.0 if worst == best else (worst - values[finite]) / (worst - best)
        weights = self.least + (1 - self.least) * fitness
        return weights / weights.sum()


SELECTIONS: Mapping[str, Selection] = MappingProxyType(
    {"tournament": Tournament(), "rank": Rank(), "roulette": Roulette()}
)
"""The selections by name, as they are by default."""


def _places(records: Sequence[Record]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """For each record, how many are better, and how many are as good (itself among them)."""
    ranks = [record.rank for record in records]
    better: dict[tuple[bool, float, float], int] = {}
    equal: dict[tuple[bool, float, float], int] = {}
    for place, rank in enumerate(sorted(ranks)):
        better.setdefault(rank, place)
        equal[rank] = equal.get(rank, 0) + 1
    return np.array([better[rank] for rank in ranks]), np.array([equal[rank] for rank in ranks])
