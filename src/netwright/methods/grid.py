"""Grid search as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.strategies import Grid

__all__ = ["grid"]


@methods.register
def grid(space: SearchSpace, *, resolution: int = 5) -> Recipe:
    """Every arch in a fixed order; a real takes `resolution` values.

    Example:
        >>> from netwright import Space, choice
        >>> grid(Space({"x": choice([1, 2])})).strategy
        Grid(resolution=5)
    """
    return Recipe(Grid(resolution))
