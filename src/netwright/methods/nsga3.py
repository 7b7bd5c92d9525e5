"""NSGA-III as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.spaces.crossovers import Crossover
from netwright.strategies import NSGA3, Deduplicated
from netwright.strategies.generations import population_for

__all__ = ["nsga3"]


@methods.register
def nsga3(
    space: SearchSpace,
    *,
    population: int | None = None,
    crossover: str | Crossover = "uniform",
    expected_candidates: int | None = None,
) -> Recipe:
    """Evolve a Pareto front of many objectives along directions (Deb & Jain 2014, doi:10.1109/TEVC.2013.2281535).

    For more than three objectives. Where no population is given, it grows with the candidates expected.

    Example:
        >>> from netwright import Space, choice
        >>> nsga3(Space({"x": choice([1, 2])}), population=56).strategy.strategy.population
        56
    """
    size = population_for(expected_candidates) if population is None else population
    return Recipe(Deduplicated(NSGA3(size, crossover=crossover)))
