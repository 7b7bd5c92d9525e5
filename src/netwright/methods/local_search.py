"""Local search as a method."""

from __future__ import annotations

from typing import Literal

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.strategies import Deduplicated, LocalSearch, StartingWith

__all__ = ["local_search"]


@methods.register
def local_search(space: SearchSpace, *, improvement: Literal["first", "best"] = "first") -> Recipe:
    """From the space's default to better neighbours, with restarts (White et al. 2021, arXiv:2005.02960).

    Example:
        >>> from netwright import Space, choice
        >>> local_search(Space({"x": choice([1, 2])}), improvement="best").strategy.strategy
        Deduplicated(strategy=LocalSearch(improvement='best'), tries=20)
    """
    return Recipe(StartingWith(Deduplicated(LocalSearch(improvement))))
