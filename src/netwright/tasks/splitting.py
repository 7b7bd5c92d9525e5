"""Dividing rows once: stratified by class, the same for the same seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["pick", "shares"]

Array = npt.NDArray[Any]


def shares(counts: Array, n: int) -> Array:
    """How many of each class to take so that `n` are taken and each class keeps its share (largest remainder).

    Each class gives at least one while `n` allows, and keeps at least one where it has two or more.

    Example:
        >>> shares(np.array([60, 30, 10]), 10)
        array([6, 3, 1])
    """
    exact = counts * n / max(int(counts.sum()), 1)
    taken = np.floor(exact).astype(np.int64)
    if n >= len(counts):
        taken = np.maximum(taken, np.minimum(counts, 1))
    if counts.sum() - n >= len(counts):
        taken = np.minimum(taken, np.maximum(counts - 1, 1))
    while taken.sum() != n:  # a few steps: rounding is off by less than one per class
        short = taken.sum() < n
        room = counts - taken if short else taken
        wish = np.where(room > (0 if short else 1), (exact - taken) if short else (taken - exact), -np.inf)
        if not np.isfinite(wish).any():
            wish = np.where(room > 0, 0.0, -np.inf)
        taken[int(wish.argmax())] += 1 if short else -1
    return taken


def pick(n_rows: int, n: int, strata: Array | None, rng: np.random.Generator) -> Array:
    """`n` of `n_rows` rows in ascending order, drawn by `rng`; stratified if class indices are given.

    Example:
        >>> rows = pick(6, 2, np.array([0, 0, 0, 1, 1, 1]), np.random.default_rng(0))
        >>> bool(rows[0] < 3 <= rows[1])
        True
    """
    if strata is None:
        return np.sort(rng.permutation(n_rows)[:n])
    _, inverse, counts = np.unique(strata, return_inverse=True, return_counts=True)
    taken = shares(counts, n)
    parts = [rng.permutation(np.flatnonzero(inverse == index))[: taken[index]] for index in range(len(counts))]
    return np.sort(np.concatenate(parts))
