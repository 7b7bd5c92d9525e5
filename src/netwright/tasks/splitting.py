"""Dividing rows once: stratified by class, the same for the same seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from netwright.core.errors import InvalidInput

__all__ = ["pick", "room", "shares"]

Array = npt.NDArray[Any]


def room(counts: Array, *, keep: int = 0) -> int:
    """How many can be taken at most if `keep` of each class must stay."""
    return int(np.maximum(counts - keep, 0).sum())


def shares(counts: Array, n: int, *, keep: int = 0) -> Array:
    """How many of each class to take so that `n` are taken and each class keeps its share (largest remainder).

    Each class gives at least one if `n` allows, and `keep` of each stay.

    Raises:
        InvalidInput: if there are not so many to be taken.

    Example:
        >>> shares(np.array([60, 30, 10]), 10)
        array([6, 3, 1])
        >>> shares(np.array([97, 3]), 10, keep=1)
        array([9, 1])
    """
    counts = np.asarray(counts, dtype=np.int64)
    high = np.maximum(counts - keep, 0)
    if not 0 <= n <= high.sum():
        raise InvalidInput(f"`n` must be in 0..{int(high.sum())}, but got {n}.")
    low = np.minimum(high, 1) if n >= (high > 0).sum() else np.zeros_like(high)
    exact = counts * n / max(int(counts.sum()), 1)
    taken = np.clip(np.floor(exact).astype(np.int64), low, high)
    while short := n - int(taken.sum()):  # a few steps: off by less than one for each class, and what was clipped
        step = 1 if short > 0 else -1
        possible = taken < high if short > 0 else taken > low
        taken[int(np.where(possible, (exact - taken) * step, -np.inf).argmax())] += step
    return taken


def pick(n_rows: int, n: int, strata: Array | None, rng: np.random.Generator, *, keep: int = 0) -> Array:
    """`n` of `n_rows` rows in ascending order, drawn by `rng`; stratified if class indices are given.

    Example:
        >>> rows = pick(6, 2, np.array([0, 0, 0, 1, 1, 1]), np.random.default_rng(0))
        >>> bool(rows[0] < 3 <= rows[1])
        True
    """
    if strata is None:
        return np.sort(rng.permutation(n_rows)[:n])
    _, inverse, counts = np.unique(strata, return_inverse=True, return_counts=True)
    taken = shares(counts, n, keep=keep)
    parts = [rng.permutation(np.flatnonzero(inverse == index))[: taken[index]] for index in range(len(counts))]
    return np.sort(np.concatenate(parts))
