"""The genetic algorithm as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.spaces.crossovers import Crossover
from netwright.strategies import Deduplicated, Genetic
from netwright.strategies.generations import population_for
from netwright.strategies.selection import Selection

__all__ = ["genetic"]


@methods.register
def genetic(
    space: SearchSpace,
    *,
    population: int | None = None,
    selection: str | Selection = "tournament",
    crossover: str | Crossover = "uniform",
    expected_candidates: int | None = None,
) -> Recipe:
    """Generations made by selection, crossover and mutation, the best live on (Holland 1975; Goldberg 1989).

    A quarter of a generation is its elite. Where no population is given, it grows with the candidates expected.

    Example:
        >>> from netwright import Space, choice
        >>> genetic(Space({"x": choice([1, 2])}), selection="rank").strategy.strategy.selection
        'rank'
    """
    size = population_for(expected_candidates) if population is None else population
    return Recipe(Deduplicated(Genetic(size, elite=size // 4, selection=selection, crossover=crossover)))
