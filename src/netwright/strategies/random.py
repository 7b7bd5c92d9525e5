"""Random search (Bergstra & Bengio 2012, https://jmlr.org/papers/v13/bergstra12a.html)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netwright.core import Candidate, History, SearchSpace

__all__ = ["Random"]


@dataclass(frozen=True, slots=True)
class Random:
    """Every candidate is an independent random arch: the baseline that any strategy has to beat."""

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """A random arch."""
        return history.candidate(space.sample(rng))
