"""The strategy of another method, to be put inside of one of these."""

from __future__ import annotations

from netwright.core import SearchSpace, Strategy
from netwright.core.errors import InvalidInput
from netwright.methods.recipes import recipe_from

__all__ = ["strategy_inside"]


def strategy_inside(outer: str, of: str, space: SearchSpace, *, expected_candidates: int | None = None) -> Strategy:
    """The strategy of a method by its name.

    Args:
        outer: the method that it is put into, for the error.
        of: its name.
        space: what is to be searched.
        expected_candidates: passed on if it asks.

    Example:
        >>> from netwright import Space, choice
        >>> strategy_inside("asha", "random", Space({"x": choice([1, 2])}))
        Deduplicated(strategy=Random(), tries=20)

    Raises:
        InvalidInput: if the method scores candidates in its own way, or trains something first.
    """
    recipe, name = recipe_from(of, space, expected_candidates=expected_candidates)
    if recipe.evaluator is not None or recipe.prepare is not None:
        raise InvalidInput(f"`{outer}` can't be put around {name!r}, which scores candidates in its own way.")
    return recipe.strategy
