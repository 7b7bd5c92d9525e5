"""How well two scores agree in the order of the same arches: Kendall's tau, and how sure it is."""

from __future__ import annotations

import math

from netwright.predictors.ranking import kendall_tau

__all__ = ["kendall_interval", "kendall_tau"]

_Z = 1.959963984540054  # the normal distribution's 97.5 % point


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
