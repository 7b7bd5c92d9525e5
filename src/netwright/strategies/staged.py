"""One strategy for the first candidates, another one for the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netwright.core import Candidate, History, SearchSpace, Strategy
from netwright.core.errors import InvalidInput
from netwright.strategies.inner import check_inner
from netwright.strategies.numbers import check_numbers

__all__ = ["Staged"]


@dataclass(frozen=True, slots=True)
class Staged:
    """Hands over from a strategy to another after so many candidates.

    What learns most from few records is too slow for many: a model that is fitted to all of them comes first, then a
    population that starts from what the model has found.

    Attributes:
        strategy: what begins.
        then: what goes on. It sees all records, those of the first stage too.
        after: how many candidates the first stage has.

    Example:
        >>> from netwright.strategies import Random, RegularizedEvolution
        >>> Staged(Random(), RegularizedEvolution(), after=100).after
        100
    """

    strategy: Strategy
    then: Strategy
    after: int = 500

    def __post_init__(self) -> None:
        check_numbers(self)
        check_inner("Staged", strategy=self.strategy, then=self.then)
        if self.after < 1:
            raise InvalidInput(f"`after` of Staged must be a whole number of at least 1, but got {self.after!r}.")

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """The candidate of the strategy whose turn it is."""
        strategy = self.strategy if history.next_id < self.after else self.then
        return strategy.propose(space, history, rng)
