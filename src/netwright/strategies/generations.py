"""Generations as a fold over the records: how evolution stays pure, and asynchronous."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from netwright.core import Record
from netwright.core.errors import InvalidInput

__all__ = ["Generations", "check_population", "population_for"]


@dataclass(slots=True)
class Generations:
    """Where an evolution stands: the state of its fold.

    A generation ends when enough records have come in, whoever proposed them and whatever is still being evaluated. So
    no worker waits for another: a child that comes in late counts for the generation in which it does. Failed records
    don't count, since they say nothing of where to look; what breaks limits says by how much, and so counts.

    Attributes:
        members: the current population; empty until the first generation is complete.
        incoming: the records of the generation that is under way.
        number: how many generations are complete.
        cumulative: of the chances of the members to become parents, for a strategy that has such.
        ideal: the least value of each objective seen so far, for a strategy that needs it.
    """

    members: list[Record] = field(default_factory=list)
    incoming: list[Record] = field(default_factory=list)
    number: int = 0
    cumulative: np.ndarray[Any, Any] | None = None
    ideal: np.ndarray[Any, Any] | None = None

    def add(
        self, record: Record, first: int, later: int, survive: Callable[[Generations], list[Record]]
    ) -> Generations:
        """Note a record; where it completes a generation, ask who survives.

        Args:
            record: what came in.
            first: how many records the first generation has.
            later: how many any later one has.
            survive: the next population out of `members` and `incoming`.
        """
        if record.losses or record.violation > 0:
            self.incoming.append(record)
            if len(self.incoming) >= (later if self.members else first):
                self.members = survive(self)
                self.incoming = []
                self.number += 1
        return self


def check_population(population: int, offspring: int | None) -> None:
    """Check the sizes of generations when a strategy is made.

    Raises:
        InvalidInput: if one is too small.
    """
    if population < 2 or (offspring is not None and offspring < 1):
        raise InvalidInput(
            f"`population` must be at least 2 and `offspring` at least 1 or None, but got "
            f"population={population}, offspring={offspring}."
        )


def population_for(expected_candidates: int | None) -> int:
    """A population for a search of so many candidates: their square root, within 10 to 100; 20 if they aren't known.

    So there are as many generations as records in one.

    Example:
        >>> population_for(500), population_for(10_000), population_for(None)
        (22, 100, 20)
    """
    return 20 if expected_candidates is None else min(100, max(10, round(expected_candidates**0.5)))
