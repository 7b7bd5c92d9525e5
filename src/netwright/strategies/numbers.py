"""Numbers of the right kind, checked when a strategy is made, before their ranges are."""

from __future__ import annotations

from dataclasses import fields
from numbers import Integral, Real
from typing import Any

import numpy as np

from netwright.core.errors import InvalidInput, problems

__all__ = ["check_numbers"]

_KINDS = {"int": (Integral, "a whole number"), "float": (Real, "a number")}


def check_numbers(strategy: Any) -> None:
    """Check that the fields of a dataclass that are declared as numbers hold such; `True` is none.

    NumPy's numbers become Python's.

    Example:
        >>> from netwright.strategies import RegularizedEvolution
        >>> RegularizedEvolution("10", 2)
        Traceback (most recent call last):
        netwright.core.errors.InvalidInput: `population` of RegularizedEvolution must be a whole number, but got '10'.

    Args:
        strategy: whose annotations are `int`, `float`, or one of them or None.

    Raises:
        InvalidInput: naming each one that doesn't.
    """
    owner, wrong = type(strategy).__name__, []
    for field in fields(strategy):
        declared, _, rest = str(field.type).partition(" | ")
        if declared not in _KINDS or rest not in ("", "None"):
            continue
        (kind, words), value = _KINDS[declared], getattr(strategy, field.name)
        if isinstance(value, np.generic) and isinstance(value, kind):
            object.__setattr__(strategy, field.name, value.item())
        elif isinstance(value, bool) or not (isinstance(value, kind) or (rest and value is None)):
            wrong.append(f"`{field.name}` of {owner} must be {words}{' or None' if rest else ''}, but got {value!r}.")
    if len(wrong) == 1:
        raise InvalidInput(wrong[0])
    if wrong:
        raise InvalidInput(problems(f"these numbers of {owner} are of the wrong kind", wrong))
