"""From a deferred call's target to the class or function itself."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

from netwright.core.errors import InvalidSpace
from netwright.spaces import Call
from netwright.spaces.mirror import Deferred

__all__ = ["target_of"]


def target_of(call: Call | Deferred) -> Callable[..., Any]:
    """What a deferred call calls.

    Raises:
        InvalidSpace: if it can't be imported.
    """
    return _imported(call.target) if isinstance(call.target, str) else call.target


@cache
def _imported(target: str) -> Callable[..., Any]:
    module, _, name = target.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise InvalidSpace(f"{target!r} can't be imported: {error}") from error
    if not callable(found):
        raise InvalidSpace(f"{target!r} must be a class or a function, but is a {type(found).__name__}.")
    return found
