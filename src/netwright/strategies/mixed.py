"""A wrapper that lets another strategy have a share of the candidates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netwright.core import Candidate, History, SearchSpace, Strategy
from netwright.core.errors import InvalidInput, SpaceExhausted
from netwright.strategies.inner import check_inner
from netwright.strategies.numbers import check_numbers

__all__ = ["Mixed"]


@dataclass(frozen=True, slots=True)
class Mixed:
    """One strategy, and by chance another one now and then: random arches, say, so that a model is never locked in.

    Both see all records. Where one has nothing new, the other is asked.

    Attributes:
        strategy: what proposes most candidates.
        other: what proposes the rest.
        share: how many, in (0, 1).

    Example:
        >>> from netwright.strategies import Random, RegularizedEvolution
        >>> Mixed(RegularizedEvolution(), Random(), share=0.2).share
        0.2
    """

    strategy: Strategy
    other: Strategy
    share: float = 1 / 3

    def __post_init__(self) -> None:
        check_numbers(self)
        check_inner("Mixed", strategy=self.strategy, other=self.other)
        if not 0 < self.share < 1:
            raise InvalidInput(f"`share` of Mixed must be between 0 and 1, but got {self.share!r}.")

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """What one of the two proposes."""
        first, second = (self.other, self.strategy) if rng.random() < self.share else (self.strategy, self.other)
        try:
            return first.propose(space, history, rng)
        except SpaceExhausted:
            return second.propose(space, history, rng)
