"""A wrapper that proposes given arches first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netwright.core import Arch, Candidate, History, SearchSpace, Strategy
from netwright.core.errors import InvalidInput
from netwright.strategies.inner import check_inner

__all__ = ["StartingWith"]


@dataclass(frozen=True, slots=True)
class StartingWith:
    """The given arches first, then what another strategy proposes.

    Attributes:
        strategy: what goes on.
        arches: what comes first; where there are none, the space's default.
    """

    strategy: Strategy
    arches: tuple[Arch, ...] = ()

    def __post_init__(self) -> None:
        check_inner("StartingWith", strategy=self.strategy)
        if not isinstance(self.arches, Sequence) or not all(isinstance(arch, Arch) for arch in self.arches):
            raise InvalidInput(
                f"`arches` of StartingWith must be a tuple of Arch, as in (space.default(),), but got {self.arches!r}."
            )
        object.__setattr__(self, "arches", tuple(self.arches))

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """The next given arch, or the inner strategy's candidate.

        Raises:
            InvalidSpace: before the first candidate, if a given arch is none of the space's.
        """
        if history.next_id == 0:
            for arch in self.arches:
                space.validate(arch)
        first = self.arches or (space.default(),)
        if history.next_id < len(first):
            return history.candidate(first[history.next_id])
        return self.strategy.propose(space, history, rng)
