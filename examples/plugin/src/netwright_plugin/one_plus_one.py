"""The (1+1) evolution strategy: change the best arch a little, keep the better of the two (Rechenberg 1973)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netwright.core import Candidate, History, Recipe, SearchSpace

__all__ = ["OnePlusOne", "one_plus_one"]


@dataclass(frozen=True, slots=True)
class OnePlusOne:
    """Propose a mutation of the best arch so far; until there is one, a random arch."""

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """The next candidate."""
        best = history.best
        arch = space.sample(rng) if best is None else space.mutate(best.arch, rng)
        return history.candidate(arch, parent=None if best is None else best.id)


def one_plus_one() -> Recipe:
    """Mutate the best arch so far: the simplest evolution, an example plug-in."""
    return Recipe(strategy=OnePlusOne())
