"""How well cheap scores rank what dear ones rank: Kendall's tau, the best in common, and how sure both are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from netwright.core.errors import InvalidInput

__all__ = ["Agreement", "agreement", "kendall_tau", "top_overlap"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

_ENOUGH = 5  # pairs, for an interval to say anything


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well one score ranks what another one ranks.

    Attributes:
        n: how many arches have both.
        tau: Kendall's tau-b: 1 the same order, 0 nothing in common, -1 the reverse.
        interval: in which tau lies with 95 %, by a bootstrap over the arches; (-1, 1) for fewer than five, or where one
            of the scores is the same for all.
        k: how many of the best are compared.
        overlap: the share of the best k by the one that are among the best k by the other.
        overlap_interval: the same for that; (0, 1) then.
    """

    n: int
    tau: float
    interval: tuple[float, float]
    k: int
    overlap: float
    overlap_interval: tuple[float, float]


def agreement(
    cheap: Sequence[float], dear: Sequence[float], *, k: int | None = None, resamples: int = 1000, seed: int = 0
) -> Agreement:
    """Compare two scores of the same arches, lower is better in both.

    The interval is the bootstrap's percentiles (Efron 1979, https://doi.org/10.1214/aos/1176344552). A draw takes the
    same arch several times, whose ties with itself tau-b leaves out.

    Args:
        cheap, dear: the scores; a pair with one that is no finite number is left out.
        k: how many of the best to compare; a fifth of all, at least one, if not given.
        resamples: draws of the bootstrap.
        seed: of the draws.

    Example:
        >>> found = agreement([1, 2, 3, 4, 5, 6], [2, 1, 3, 4, 6, 5])
        >>> round(found.tau, 2), found.k, found.overlap
        (0.73, 1, 0.0)

    Raises:
        InvalidInput: if the scores aren't equally many, or `k` is below 1.
    """
    a, b = _pairs(cheap, dear)
    n = len(a)
    k = max(1, round(n / 5)) if k is None else min(k, max(n, 1))
    if k < 1:
        raise InvalidInput(f"`k` of an agreement must be at least 1, but got {k}.")
    tau, overlap = kendall_tau(a, b), top_overlap(a, b, k)
    if n < _ENOUGH or np.ptp(a) == 0 or np.ptp(b) == 0:
        return Agreement(n, tau, (-1.0, 1.0), k, overlap, (0.0, 1.0))
    rng = np.random.default_rng((seed, n))
    rows = rng.integers(n, size=(resamples, n))
    signs_a, signs_b = np.sign(a[:, None] - a[None, :]), np.sign(b[:, None] - b[None, :])
    # An arch that is drawn w times is in w times as many pairs: tau of a draw is a quadratic form of the weights.
    weights = np.apply_along_axis(np.bincount, 1, rows, minlength=n).astype(np.float64)  # (resamples, n)
    both = np.einsum("ri,ij,rj->r", weights, signs_a * signs_b, weights, optimize=True)
    each = [np.einsum("ri,ij,rj->r", weights, signs != 0, weights, optimize=True) for signs in (signs_a, signs_b)]
    with np.errstate(invalid="ignore", divide="ignore"):
        taus = np.where(each[0] * each[1] > 0, both / np.sqrt(each[0] * each[1]), 0.0)
    overlaps = [top_overlap(a[drawn], b[drawn], k) for drawn in rows]
    return Agreement(n, tau, _middle(taus), k, overlap, _middle(np.asarray(overlaps)))


def kendall_tau(first: Sequence[float] | Numbers, second: Sequence[float] | Numbers) -> float:
    """Kendall's tau-b, which makes up for ties; 0 where one of the scores is the same for all.

    Example:
        >>> kendall_tau([1, 2, 3, 4], [10, 20, 40, 30])
        0.6666666666666666

    Raises:
        InvalidInput: if the scores aren't equally many.
    """
    a, b = _pairs(first, second)
    upper = np.triu_indices(len(a), 1)
    signs_a = np.sign(a[:, None] - a[None, :])[upper]
    signs_b = np.sign(b[:, None] - b[None, :])[upper]
    untied = float(np.count_nonzero(signs_a)) * float(np.count_nonzero(signs_b))
    return float(np.sum(signs_a * signs_b)) / math.sqrt(untied) if untied else 0.0


def top_overlap(first: Sequence[float] | Numbers, second: Sequence[float] | Numbers, k: int) -> float:
    """The share of the best `k` by the one score that are among the best `k` by the other; of ties the first.

    Example:
        >>> top_overlap([1, 2, 3, 4], [2, 1, 4, 3], 2)
        1.0
    """
    a, b = _pairs(first, second)
    best = [set(np.argsort(values, kind="stable")[:k].tolist()) for values in (a, b)]
    return len(best[0] & best[1]) / max(1, min(k, len(a)))


def _pairs(first: Sequence[float] | Numbers, second: Sequence[float] | Numbers) -> tuple[Numbers, Numbers]:
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise InvalidInput(f"two scores can be compared if they are equally many, but got {a.shape} and {b.shape}.")
    kept = np.isfinite(a) & np.isfinite(b)
    return a[kept], b[kept]


def _middle(values: Numbers) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975]).tolist()
    return low, high
