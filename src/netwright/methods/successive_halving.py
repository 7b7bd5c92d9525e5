"""Successive halving as a method."""

from __future__ import annotations

from collections.abc import Sequence

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.methods.inside import strategy_inside
from netwright.strategies import SuccessiveHalving
from netwright.strategies.fidelities import rungs

__all__ = ["successive_halving"]


@methods.register
def successive_halving(
    space: SearchSpace,
    *,
    of: str = "random",
    eta: float = 4.0,
    n_rungs: int = 3,
    n_arches: int | None = None,
    fidelities: Sequence[float] | None = None,
    expected_candidates: int | None = None,
) -> Recipe:
    """Train some random arches a little, the best of them longer, and so on (Jamieson & Talwalkar 2016).

    Args:
        space: what is to be searched.
        of: the method that proposes new arches.
        eta: the factor from one fidelity to the next, about; one in so many goes on.
        n_rungs: how many fidelities there are at most.
        n_arches: how many a halving begins with; so many that one is fully trained if not given.
        fidelities: those that can be had.
        expected_candidates: passed on to a method that asks.

    Example:
        >>> from netwright import Space, choice
        >>> successive_halving(Space({"x": choice([1, 2])}), n_arches=20).strategy.sizes
        (20, 5, 1)
    """
    inside = strategy_inside("successive_halving", of, space, expected_candidates=expected_candidates)
    return Recipe(SuccessiveHalving(inside, rungs(fidelities, eta=eta, most=n_rungs), eta, n_arches=n_arches))
