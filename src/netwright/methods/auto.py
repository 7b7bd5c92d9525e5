"""The default method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.strategies import Deduplicated, LocalSearch, RegularizedEvolution, StartingWith

__all__ = ["auto"]

_MANY = 200  # candidates from which on a population pays


@methods.register
def auto(space: SearchSpace, *, expected_candidates: int | None = None) -> Recipe:
    """Starts from the space's default arch; local search, or evolution where hundreds of candidates are expected.

    Few evaluations are best spent near a good start: a population of random arches would use them all up.

    Example:
        >>> from netwright import Space, choice
        >>> auto(Space({"x": choice([1, 2])}), expected_candidates=1000).strategy.strategy.strategy
        RegularizedEvolution(population=50, tournament=10)
    """
    if expected_candidates is not None and expected_candidates >= _MANY:
        return Recipe(StartingWith(Deduplicated(RegularizedEvolution(50, 10))))
    return Recipe(StartingWith(Deduplicated(LocalSearch())))
