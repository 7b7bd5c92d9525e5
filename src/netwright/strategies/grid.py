"""Grid search: every arch, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from netwright.core import Arch, Candidate, History, Record, SearchSpace
from netwright.core.errors import InvalidInput, SpaceExhausted
from netwright.strategies.numbers import check_numbers

__all__ = ["Grid"]


@dataclass(slots=True)
class _Walk:
    """Where the walk through the space stands."""

    rest: Iterator[Arch]
    at: Arch | None


@dataclass(frozen=True, slots=True)
class Grid:
    """Goes through the space in the fixed order of `space.enumerate`; what is known already is left out.

    Attributes:
        resolution: how many values a real takes.
    """

    resolution: int = 5

    def __post_init__(self) -> None:
        check_numbers(self)
        if self.resolution < 1:
            raise InvalidInput(f"`resolution` of Grid must be at least 1, but got {self.resolution!r}.")

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """The first arch that isn't known.

        Raises:
            SpaceExhausted: after the last one.
        """

        def init() -> _Walk:
            rest = space.enumerate(self.resolution)
            return _Walk(rest, next(rest, None))

        walk = history.fold((self, "walk"), _unchanged, init)
        while walk.at is not None and history.seen(walk.at):
            walk.at = next(walk.rest, None)
        if walk.at is None:
            raise SpaceExhausted("all points of the grid are done.")
        return history.candidate(walk.at)


def _unchanged(state: _Walk, _: Record) -> _Walk:
    return state
