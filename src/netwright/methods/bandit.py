"""Several methods at once, chosen between by a bandit."""

from __future__ import annotations

from typing import Literal

from netwright.core import Recipe, SearchSpace
from netwright.core.errors import InvalidInput
from netwright.core.registry import methods
from netwright.methods.recipes import recipe_from
from netwright.strategies import Bandit

__all__ = ["bandit"]


@methods.register
def bandit(
    space: SearchSpace,
    *,
    of: tuple[str, ...] = ("regularized_evolution", "local_search", "genetic"),
    workers: int = 8,
    sharing: Literal["incumbents", "all"] = "incumbents",
    expected_candidates: int | None = None,
) -> Recipe:
    """Several methods at once; those that find new incumbents get more turns (Ansel et al. 2014, OpenTuner).

    Args:
        space: what is to be searched.
        of: the names of the methods.
        workers: how many candidates are evaluated at a time, at most.
        sharing: what a method sees of the others' records; `all` is better where most of them have a predictor.
        expected_candidates: passed on to methods that ask.

    Example:
        >>> from netwright import Space, choice
        >>> bandit(Space({"x": choice([1, 2])}), of=("random", "grid")).strategy.strategies
        (Deduplicated(strategy=Random(), tries=20), Grid(resolution=5))

    Raises:
        InvalidInput: if one of them scores candidates in its own way, or trains shared weights first: then they can't
            be compared.
    """
    recipes = [recipe_from(name, space, expected_candidates=expected_candidates)[0] for name in of]
    own = [name for name, recipe in zip(of, recipes, strict=True) if recipe.evaluator or recipe.prepare]
    if own:
        raise InvalidInput(
            f"`bandit` needs methods that score alike, but {', '.join(own)} brings its own way to score: leave it out."
        )
    return Recipe(Bandit(tuple(recipe.strategy for recipe in recipes), workers=workers, sharing=sharing))
