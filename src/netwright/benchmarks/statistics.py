"""What is said of several runs: quartiles, ranks, and whether two methods differ by more than chance.

Losses come in (smaller is better), infinite where a run has found nothing: that is worse than anything found.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

__all__ = ["holm", "quartiles", "ranks", "signed_rank"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

_EXACT = 100  # differences up to which the exact distribution is used


def quartiles(losses: Numbers, axis: int = 0) -> Numbers:
    """The first quartile, the median and the third quartile along an axis, shape (3, …).

    They are interpolated; infinite where one of the two neighbours is.

    Example:
        >>> quartiles(np.array([1.0, 2.0, 3.0, 4.0, np.inf])).tolist()
        [2.0, 3.0, 4.0]
    """
    ordered = np.sort(np.moveaxis(np.asarray(losses, dtype=np.float64), axis, 0), axis=0)
    found = []
    for share in (0.25, 0.5, 0.75):
        place = share * (len(ordered) - 1)
        low, part = int(place), place - int(place)
        if part == 0:
            found.append(ordered[low])
        else:
            with np.errstate(invalid="ignore"):  # infinite minus infinite
                between = ordered[low] + part * (ordered[low + 1] - ordered[low])
            found.append(np.where(np.isinf(ordered[low + 1]), ordered[low + 1], between))
    return np.stack(found)


def ranks(losses: Numbers) -> Numbers:
    """The rank of each method in each block, from 1 (the least loss); equal losses share the mean of their ranks.

    Args:
        losses: shape (methods, …): a block is one seed, or one seed at one number of queries.

    Example:
        >>> ranks(np.array([[0.1, 0.3], [0.2, 0.3], [0.5, 0.1]])).tolist()
        [[1.0, 2.5], [2.0, 2.5], [3.0, 1.0]]
    """
    given = np.asarray(losses, dtype=np.float64)
    found = np.empty_like(given)
    for i, row in enumerate(given):
        found[i] = 0.5 + (given < row).sum(axis=0) + 0.5 * (given == row).sum(axis=0)
    return found


def signed_rank(first: Numbers, second: Numbers) -> float:
    """The two-sided p of the Wilcoxon signed-rank test (Wilcoxon 1945) on pairs.

    Pairs of equal losses are left out, as Wilcoxon did; if all are equal, p is 1. Exact for up to 100 differences, ties
    among them included (each sign is a coin's toss, the ranks stay as they are); for more by the normal approximation.

    Example:
        >>> signed_rank(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([1.5, 3.0, 4.5, 6.0, 7.5]))
        0.0625
    """
    with np.errstate(invalid="ignore"):  # two runs that found nothing are equal
        differences = np.where(first == second, 0.0, np.asarray(first) - np.asarray(second))
    differences = differences[differences != 0]
    if not len(differences):
        return 1.0
    distances = np.abs(differences)
    places = ranks(distances[:, None])[:, 0]
    if len(differences) <= _EXACT:
        return _exact(places, differences > 0)
    from scipy.stats import wilcoxon

    return float(wilcoxon(np.sign(differences) * places, method="approx").pvalue)  # no infinity: only ranks count


def _exact(places: Numbers, positive: np.ndarray[Any, np.dtype[np.bool_]]) -> float:
    """How likely a sum of the positive ranks as far out as this one is, over all ways to choose the signs."""
    doubled = np.rint(2 * places).astype(np.int64)  # shared ranks are halves
    chances = np.zeros(int(doubled.sum()) + 1)
    chances[0] = 1.0
    for place in doubled.tolist():
        moved = np.zeros_like(chances)
        moved[place:] = chances[: len(chances) - place]
        chances = 0.5 * (chances + moved)
    found = int(doubled[positive].sum())
    return float(min(1.0, 2 * min(chances[: found + 1].sum(), chances[found:].sum())))


def holm(p_values: Numbers) -> Numbers:
    """The p values, corrected for how many there are (Holm 1979, https://www.jstor.org/stable/4615733).

    Example:
        >>> holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
        [0.03, 0.06, 0.06]
    """
    given = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(given, kind="stable")
    scaled = given[order] * np.arange(len(given), 0, -1)
    found = np.empty_like(given)
    found[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return found
