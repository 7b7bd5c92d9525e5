"""Successive halving (Jamieson & Talwalkar 2016, https://arxiv.org/abs/1502.07943)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from netwright.core import Candidate, History, SearchSpace, Strategy
from netwright.core.errors import InvalidInput
from netwright.strategies.brackets import next_of_halvings, sizes_from
from netwright.strategies.deduplicated import Deduplicated
from netwright.strategies.fidelities import USUAL_FIDELITIES, checked_fidelities, shares_kept
from netwright.strategies.inner import check_inner
from netwright.strategies.numbers import check_numbers
from netwright.strategies.random import Random

__all__ = ["SuccessiveHalving"]


@dataclass(frozen=True, slots=True)
class SuccessiveHalving:
    """Trains a number of arches a little, the best of them longer, the best of those longer still; then begins again.

    New arches come from the strategy inside, which sees each arch once, with one loss (`one_loss_each`).

    Attributes:
        strategy: where new arches come from: random ones in the paper, or any other strategy.
        fidelities: of the rungs, ascending, the last 1: see `rungs`.
        eta: one in so many goes on; fewer where the next rung costs more than so many times as much.
        n_arches: how many begin; None: so many that one is fully trained.

    Differs from the paper in that several workers never wait for a rung: they begin the next halving. Which of two
    halvings an arch belongs to is decided when its record comes in. What is refused before any training doesn't count.

    Example:
        >>> SuccessiveHalving(n_arches=32).sizes
        (32, 8, 2)

    Raises:
        InvalidInput: if an argument isn't what it should be.
    """

    strategy: Strategy = field(default_factory=lambda: Deduplicated(Random()))
    fidelities: tuple[float, ...] = USUAL_FIDELITIES
    eta: float = 4.0
    n_arches: int | None = None

    def __post_init__(self) -> None:
        check_numbers(self)
        check_inner("SuccessiveHalving", strategy=self.strategy)
        object.__setattr__(self, "fidelities", checked_fidelities(self.fidelities))
        shares_kept(self.fidelities, self.eta)
        if self.n_arches is not None and self.n_arches < 1:
            raise InvalidInput(f"`n_arches` of SuccessiveHalving must be at least 1 or None, but got {self.n_arches}.")

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many arches each rung has."""
        return sizes_from(self.n_arches, 0, shares_kept(self.fidelities, self.eta))

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """The next arch of a rung, if one is to be filled; else a new arch of the next halving."""
        return next_of_halvings(self, (self.sizes,), space, history, rng)
