"""Hyperband (Li et al. 2018, https://arxiv.org/abs/1603.06560)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from netwright.core import Candidate, History, SearchSpace, Strategy
from netwright.strategies.brackets import next_of_halvings, sizes_from
from netwright.strategies.deduplicated import Deduplicated
from netwright.strategies.fidelities import USUAL_FIDELITIES, checked_fidelities, shares_kept
from netwright.strategies.inner import check_inner
from netwright.strategies.numbers import check_numbers
from netwright.strategies.random import Random

__all__ = ["Hyperband"]


@dataclass(frozen=True, slots=True)
class Hyperband:
    """Successive halvings that begin at different fidelities take turns: many short trainings, or few long ones.

    Nobody knows beforehand how far a short training can be trusted. So the first bracket begins at the lowest rung with
    many arches, the next one a rung higher with fewer, and the last trains a few fully at once; each costs about the
    same. Then it begins again. New arches come from the strategy inside, which sees each arch once, with one loss
    (`one_loss_each`); with a model in it this is BOHB (Falkner et al. 2018, https://arxiv.org/abs/1807.01774).

    Attributes:
        strategy: where new arches come from: random ones in the paper, or any other strategy.
        fidelities: of the rungs, ascending, the last 1: see `rungs`.
        eta: one in so many goes on; fewer where the next rung costs more than so many times as much.

    Differs from the paper in that several workers never wait for a rung: they begin the next bracket. Which of two
    brackets an arch belongs to is decided when its record comes in. What is refused before any training doesn't count.

    Example:
        >>> Hyperband(fidelities=(1 / 27, 1 / 9, 1 / 3, 1.0), eta=3.0).sizes  # as in the paper, for R = 27
        ((27, 9, 3, 1), (0, 12, 4, 1), (0, 0, 6, 2), (0, 0, 0, 4))

    Raises:
        InvalidInput: if an argument isn't what it should be.
    """

    strategy: Strategy = field(default_factory=lambda: Deduplicated(Random()))
    fidelities: tuple[float, ...] = USUAL_FIDELITIES
    eta: float = 4.0

    def __post_init__(self) -> None:
        check_numbers(self)
        check_inner("Hyperband", strategy=self.strategy)
        object.__setattr__(self, "fidelities", checked_fidelities(self.fidelities))
        shares_kept(self.fidelities, self.eta)

    @property
    def sizes(self) -> tuple[tuple[int, ...], ...]:
        """How many arches each bracket has on each rung."""
        shares, n_rungs = shares_kept(self.fidelities, self.eta), len(self.fidelities)
        return tuple(sizes_from(None, lowest, shares, least=n_rungs / (n_rungs - lowest)) for lowest in range(n_rungs))

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """The next arch of a rung, if one is to be filled; else a new arch of the next bracket."""
        return next_of_halvings(self, self.sizes, space, history, rng)
