"""Another method in a space that is narrowed as evidence grows."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.errors import InvalidInput
from netwright.core.registry import methods
from netwright.methods.recipes import recipe_from
from netwright.strategies import Narrowed

__all__ = ["narrowed"]


@methods.register
def narrowed(
    space: SearchSpace,
    *,
    method: str = "regularized_evolution",
    every: int = 25,
    deviations: float = 2.0,
    expected_candidates: int | None = None,
) -> Recipe:
    """Another method in a space that loses its worst options with time (after Hu et al. 2020, arXiv:2004.13431).

    Args:
        space: what is to be searched.
        method: the name of the other method; evolution if not given.
        every: records between two looks at the evidence.
        deviations: how sure it must be that an option is worse.
        expected_candidates: passed on to a method that asks.

    Example:
        >>> from netwright import Space, choice
        >>> narrowed(Space({"x": choice([1, 2])}), method="random").strategy.strategy
        Deduplicated(strategy=Random(), tries=20)
    """
    inner, name = recipe_from(method, space, expected_candidates=expected_candidates)
    if inner.prepare is not None:
        raise InvalidInput(f"`narrowed` can't be put around {name!r}, which trains what all its networks share first.")
    return Recipe(Narrowed(inner.strategy, every=every, deviations=deviations), inner.evaluator)
