"""Who dominates whom: non-dominated sorting and crowding, the two ideas of NSGA-II (Deb et al. 2002)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from netwright.core import Record

__all__ = ["crowding_distances", "non_dominated_sort", "sorted_fronts"]

Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"


def non_dominated_sort(losses: Array, violations: Array | None = None) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The front of each row: 0 where no other row dominates it, 1 where only those of front 0 do, and so on.

    A row dominates another if it is nowhere worse and somewhere better. With violations, any feasible row dominates
    any other, and of two infeasible ones the less violating does, whatever their losses (constrained domination).

    Args:
        losses: shape (n, n_objectives), minimised.
        violations: shape (n,), 0 where a row is feasible; None: all are.

    Example:
        >>> non_dominated_sort(np.array([[0.0, 2.0], [1.0, 1.0], [1.0, 2.0], [2.0, 3.0]])).tolist()
        [0, 0, 1, 2]
        >>> non_dominated_sort(np.array([[0.0], [1.0]]), np.array([0.5, 0.0])).tolist()
        [1, 0]
    """
    if violations is None or not violations.any():
        return _sorted(losses)
    fronts = np.empty(len(losses), dtype=np.int64)
    feasible = violations == 0
    fronts[feasible] = _sorted(losses[feasible])
    n_feasible_fronts = fronts[feasible].max() + 1 if feasible.any() else 0
    _, order = np.unique(violations[~feasible], return_inverse=True)
    fronts[~feasible] = n_feasible_fronts + order
    return fronts


def _sorted(losses: Array) -> np.ndarray[Any, np.dtype[np.int64]]:
    total, n_objectives = losses.shape
    if n_objectives == 1:
        return np.unique(losses[:, 0], return_inverse=True)[1].reshape(total)
    nowhere_worse = np.ones((total, total), dtype=bool)
    somewhere_better = np.zeros((total, total), dtype=bool)
    for column in losses.T:  # two-dimensional steps are several times as quick as one in three dimensions
        nowhere_worse &= column[:, None] <= column
        somewhere_better |= column[:, None] < column
    dominates = nowhere_worse & somewhere_better  # (n, n): row i dominates row j
    n_above = dominates.sum(axis=0)
    fronts = np.zeros(total, dtype=np.int64)
    front, current = 0, np.flatnonzero(n_above == 0)
    while len(current):
        fronts[current] = front
        n_above[current] = -1
        n_above -= dominates[current].sum(axis=0)
        front, current = front + 1, np.flatnonzero(n_above == 0)
    return fronts


def crowding_distances(losses: Array) -> Array:
    """How far the neighbours of each row are, along each objective and relative to its span, summed.

    The ends of each objective have an infinite distance.

    Args:
        losses: of the rows of one front, shape (n, n_objectives).

    Example:
        >>> crowding_distances(np.array([[0.0, 4.0], [1.0, 3.0], [4.0, 0.0]])).tolist()
        [inf, 2.0, inf]
    """
    total, n_objectives = losses.shape
    distances = np.zeros(total)
    for column in range(n_objectives):
        order = np.argsort(losses[:, column], kind="stable")
        values = losses[order, column]
        span = values[-1] - values[0]
        distances[order[[0, -1]]] = np.inf
        if span > 0:
            distances[order[1:-1]] += (values[2:] - values[:-2]) / span
    return distances


def sorted_fronts(records: Sequence[Record], n_objectives: int) -> tuple[Array, list[np.ndarray[Any, Any]]]:
    """The losses of records, and the indices of each front, the best first.

    Args:
        records: each with losses, or a violation.
        n_objectives: how many losses a record has; those without have NaN here and stand behind all feasible ones.
    """
    nothing = (np.nan,) * n_objectives
    losses = np.array([record.losses or nothing for record in records]).reshape(len(records), n_objectives)
    fronts = non_dominated_sort(losses, np.array([record.violation for record in records]))
    order = np.argsort(fronts, kind="stable")
    return losses, np.split(order, np.flatnonzero(np.diff(fronts[order])) + 1)
