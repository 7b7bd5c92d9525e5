"""Whether code leaves the global random generators alone."""

from __future__ import annotations

import contextlib
import importlib
import random
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["unchanged_global_state"]


@contextlib.contextmanager
def unchanged_global_state(what: str) -> Iterator[None]:
    """Fails if what happens inside draws from, or seeds, a global generator of Python, numpy or torch.

    Example:
        >>> with unchanged_global_state("the sum"):
        ...     sum([1, 2])
        3
    """
    importlib.import_module("sklearn.ensemble")  # what it imports draws numbers, once
    before = _states()
    yield
    for name, state in _states().items():
        if name in before and state != before[name]:
            raise AssertionError(
                f"{what} changed the global random state of {name}: use the generator that is passed in."
            )


def _states() -> dict[str, Any]:
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002  # looked at, not used
    states: dict[str, Any] = {"random": random.getstate(), "numpy": (kind, np.asarray(keys).tobytes(), rest)}
    torch = sys.modules.get("torch")
    if torch is not None:
        states["torch"] = torch.get_rng_state().numpy().tobytes()
    return states
