"""A wrapper that proposes given arches first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netwright.core import Arch, Candidate, History, SearchSpace, Strategy

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

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """The next given arch, or the inner strategy's candidate."""
        first = self.arches or (space.default(),)
        if history.next_id < len(first):
            return history.candidate(first[history.next_id])
        return self.strategy.propose(space, history, rng)
