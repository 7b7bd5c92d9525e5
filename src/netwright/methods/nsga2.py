"""NSGA-II as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.spaces.crossovers import Crossover
from netwright.strategies import NSGA2, Deduplicated
from netwright.strategies.generations import population_for

__all__ = ["nsga2"]


@methods.register
def nsga2(
    space: SearchSpace,
    *,
    population: int | None = None,
    crossover: str | Crossover = "uniform",
    expected_candidates: int | None = None,
) -> Recipe:
    """Evolve a Pareto front by domination and crowding, with constraints (Deb et al. 2002, doi:10.1109/4235.996017).

    For one to three objectives. Where no population is given, it grows with the candidates expected.

    Example:
        >>> from netwright import Space, choice
        >>> nsga2(Space({"x": choice([1, 2])}), expected_candidates=1000).strategy.strategy.population
        32
    """
    size = population_for(expected_candidates) if population is None else population
    return Recipe(Deduplicated(NSGA2(size, crossover=crossover)))
