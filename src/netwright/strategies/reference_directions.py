"""Directions spread evenly over the objectives: what NSGA-III keeps its population along."""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from netwright.core.errors import InvalidInput

__all__ = ["das_dennis", "reference_directions"]

Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"


def das_dennis(n_objectives: int, n_divisions: int) -> Array:
    """All points of the unit simplex whose parts are multiples of 1 / n_divisions (Das & Dennis 1998).

    Example:
        >>> das_dennis(2, 2).tolist()
        [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]

    Returns:
        shape (n_points, n_objectives), each row's sum being 1.
    """
    if n_objectives < 1 or n_divisions < 1:
        raise InvalidInput(
            f"`n_objectives` and `n_divisions` must be at least 1, but got {n_objectives} and {n_divisions}."
        )
    # Where n_objectives - 1 bars stand among n_divisions stars.
    total = n_divisions + n_objectives - 1
    chosen = list(itertools.combinations(range(total), n_objectives - 1))
    bars = np.array(chosen, dtype=np.int64).reshape(len(chosen), n_objectives - 1)
    edges = np.hstack([np.full((len(bars), 1), -1), bars, np.full((len(bars), 1), total)])
    return (np.diff(edges, axis=1) - 1) / n_divisions


@lru_cache(maxsize=32)
def reference_directions(n_objectives: int, most: int) -> Array:
    """As many Das-Dennis points as there may be, for any number of objectives.

    With many objectives a grid that has points inside the simplex, and not on its border alone, would be too large.
    Then there are two layers: one on the border, and one that is drawn half way to the centre (Deb & Jain 2014, V).

    Args:
        n_objectives: how many objectives.
        most: how many points there may be; more only where the corners of the simplex alone are.

    Example:
        >>> len(reference_directions(3, 100)), len(reference_directions(8, 160))
        (91, 156)

    Returns:
        shape (n_points, n_objectives); not to be changed, as it is kept.
    """
    outer = _most_divisions(n_objectives, most)
    points = das_dennis(n_objectives, outer)
    left = most - len(points)
    if outer < n_objectives and left >= n_objectives:
        inner = das_dennis(n_objectives, _most_divisions(n_objectives, left))
        points = np.vstack([points, (inner + 1 / n_objectives) / 2])
    points.setflags(write=False)
    return points


def _most_divisions(n_objectives: int, most: int) -> int:
    if n_objectives == 1:
        return 1
    n_divisions = 1
    while math.comb(n_objectives + n_divisions, n_divisions + 1) <= most:
        n_divisions += 1
    return n_divisions
