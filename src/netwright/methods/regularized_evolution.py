"""Regularized evolution as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.strategies import Deduplicated, RegularizedEvolution

__all__ = ["regularized_evolution"]


@methods.register
def regularized_evolution(space: SearchSpace, *, population: int = 50, tournament: int = 10) -> Recipe:
    """Mutate the best of a tournament, let the oldest die, none twice (Real et al. 2019, arXiv:1802.01548).

    Example:
        >>> from netwright import Space, choice
        >>> regularized_evolution(Space({"x": choice([1, 2])}), population=20).strategy.strategy
        RegularizedEvolution(population=20, tournament=10)
    """
    return Recipe(Deduplicated(RegularizedEvolution(population, tournament)))
