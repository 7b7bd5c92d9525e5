"""From whatever a user hands over as a method to a recipe."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from netwright.core import Recipe, SearchSpace
from netwright.core.errors import InvalidInput
from netwright.core.registry import methods

__all__ = ["asks_for", "recipe_from"]


def recipe_from(
    given: Any,
    space: SearchSpace,
    *,
    expected_candidates: int | None,
    n_objectives: int = 1,
    fidelities: Sequence[float] | None = None,
    foreseen: Sequence[float] | None = None,
) -> tuple[Recipe, str]:
    """A recipe and its name from a method's name, a recipe or a strategy.

    Args:
        given: the name of a registered method; a function that returns a recipe; a recipe; or a strategy.
        space: what is to be searched.
        expected_candidates: how many evaluations there will be, about, for methods that ask.
        n_objectives: how many objectives there are, for methods that ask.
        fidelities: those that candidates can be evaluated at, ascending, for methods that ask; None: any.
        foreseen: those that the plan of a search has foreseen, for methods that ask: the last one alone where it
            foresees that every candidate is trained fully.

    Example:
        >>> from netwright import Space, choice
        >>> recipe_from("random", Space({"x": choice([1, 2])}), expected_candidates=10)
        (Recipe(strategy=Deduplicated(strategy=Random(), tries=20), ...), 'random')

    Raises:
        NotFound: for an unknown method.
        InvalidInput: if it is none of these.
    """
    if isinstance(given, Recipe):
        return given, type(given.strategy).__name__
    if isinstance(given, str):
        maker = methods[given]
        name = given.replace("-", "_")
    elif isinstance(given, type) and hasattr(given, "propose"):
        raise InvalidInput(f"`method` must be a strategy, not its class: say {given.__name__}().")
    elif hasattr(given, "propose"):
        return Recipe(given), type(given).__name__
    elif callable(given):
        maker, name = given, getattr(given, "__name__", "method")
    else:
        raise InvalidInput(
            f"`method` must be a name, a Recipe or a strategy (with `propose`), but got a {type(given).__name__}."
        )
    takes = inspect.signature(maker).parameters
    known = {
        "expected_candidates": expected_candidates,
        "n_objectives": n_objectives,
        "fidelities": fidelities,
        "foreseen": foreseen,
    }
    given_to = {name: value for name, value in known.items() if name in takes}
    recipe = maker(space, **given_to) if _takes_space(takes) else maker(**given_to)
    if not isinstance(recipe, Recipe):
        raise InvalidInput(f"the method {name!r} must return a Recipe, but returned a {type(recipe).__name__}.")
    return recipe, name


def _takes_space(takes: Any) -> bool:
    first = next(iter(takes.values()), None)
    return first is not None and first.kind in (first.POSITIONAL_ONLY, first.POSITIONAL_OR_KEYWORD)


def asks_for(given: Any, what: str) -> bool:
    """Whether a method takes an argument of this name, so that `recipe_from` tells it.

    Example:
        >>> asks_for("auto", "n_objectives"), asks_for("random", "n_objectives")
        (True, False)
    """
    maker = methods[given] if isinstance(given, str) else given
    if isinstance(maker, Recipe) or hasattr(maker, "propose") or not callable(maker):
        return False
    return what in inspect.signature(maker).parameters
