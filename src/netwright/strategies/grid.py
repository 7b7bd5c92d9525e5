"""Grid search: every arch, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from netwright.core import Arch, Candidate, History, Record, SearchSpace
from netwright.core.errors import InvalidInput, SpaceExhausted

__all__ = ["Grid"]


@dataclass(slots=True)
class _Listed:
    """The part of an enumeration that was asked for so far."""

    rest: Iterator[Arch]
    arches: list[Arch]


@dataclass(frozen=True, slots=True)
class Grid:
    """Goes through the space in the fixed order of `space.enumerate`.

    Attributes:
        resolution: how many values a real takes.
    """

    resolution: int = 5

    def __post_init__(self) -> None:
        if self.resolution < 1:
            raise InvalidInput(f"`resolution` of Grid must be at least 1, but got {self.resolution}.")

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """The arch of this candidate's number.

        Raises:
            SpaceExhausted: after the last one.
        """

        def init() -> _Listed:
            return _Listed(space.enumerate(self.resolution), [])

        listed = history.fold((self, "listed"), _unchanged, init)
        while len(listed.arches) <= history.next_id:
            arch = next(listed.rest, None)
            if arch is None:
                raise SpaceExhausted(f"all {len(listed.arches)} points of the grid are done.")
            listed.arches.append(arch)
        return history.candidate(listed.arches[history.next_id])


def _unchanged(state: _Listed, _: Record) -> _Listed:
    return state
