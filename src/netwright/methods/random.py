"""Random search as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.strategies import Deduplicated, Random

__all__ = ["random"]


@methods.register
def random(space: SearchSpace) -> Recipe:
    """Independent random arches, none twice (Bergstra & Bengio 2012, https://jmlr.org/papers/v13/bergstra12a.html).

    Example:
        >>> from netwright import Space, choice
        >>> random(Space({"x": choice([1, 2])})).strategy
        Deduplicated(strategy=Random(), tries=20)
    """
    return Recipe(Deduplicated(Random()))
