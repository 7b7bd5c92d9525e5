"""How well two scores agree in the order of the same arches: Kendall's tau, and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from netwright.core.errors import InvalidInput

__all__ = ["kendall_interval", "kendall_tau"]

_Z = 1.959963984540054  # the normal distribution's 97.5 % point


def kendall_tau(first: Sequence[float], second: Sequence[float]) -> float:
    """Kendall's tau-b, which makes up for ties; 0 where one of the scores is the same for all.

    Pairs with a score that is no number are left out.

    Example:
        >>> kendall_tau([1, 2, 3, 4], [10, 20, 40, 30])
        0.6666666666666666

    Raises:
        InvalidInput: if the scores aren't equally many.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise InvalidInput(f"Kendall's tau needs as many scores on both sides, but got {a.shape} and {b.shape}.")
    kept = np.isfinite(a) & np.isfinite(b)
    a, b = a[kept], b[kept]
    upper = np.triu_indices(len(a), 1)
    signs_a = np.sign(a[:, None] - a[None, :])[upper]
    signs_b = np.sign(b[:, None] - b[None, :])[upper]
    untied = float(np.count_nonzero(signs_a)) * float(np.count_nonzero(signs_b))
    return float(np.sum(signs_a * signs_b)) / math.sqrt(untied) if untied else 0.0


def kendall_interval(tau: float, n: int) -> tuple[float, float]:
    """About the 95 % interval of Kendall's tau of `n` arches (Fieller et al. 1957, https://doi.org/10.2307/2332878).

    Example:
        >>> low, high = kendall_interval(0.5, 40)
        >>> round(low, 2), round(high, 2)
        (0.32, 0.64)

    Returns:
        Its ends; (-1, 1) for fewer than five arches, about which nothing can be said.
    """
    if n < 5:
        return -1.0, 1.0
    half = _Z * math.sqrt(0.437 / (n - 4))
    centre = math.atanh(max(-0.999999, min(0.999999, tau)))
    return math.tanh(centre - half), math.tanh(centre + half)
