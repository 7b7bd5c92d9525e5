"""Simulated annealing as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.strategies import Deduplicated, SimulatedAnnealing, StartingWith

__all__ = ["simulated_annealing"]


@methods.register
def simulated_annealing(space: SearchSpace, *, hot: float = 0.5, cold: float = 0.02, steps: int = 100) -> Recipe:
    """From the space's default to neighbours, worse ones less and less often (Kirkpatrick et al. 1983).

    Example:
        >>> from netwright import Space, choice
        >>> simulated_annealing(Space({"x": choice([1, 2])}), steps=50).strategy.strategy.strategy
        SimulatedAnnealing(hot=0.5, cold=0.02, steps=50)
    """
    return Recipe(StartingWith(Deduplicated(SimulatedAnnealing(hot, cold, steps))))
