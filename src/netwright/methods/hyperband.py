"""Hyperband as a method."""

from __future__ import annotations

from collections.abc import Sequence

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.methods.inside import strategy_inside
from netwright.strategies import Hyperband
from netwright.strategies.fidelities import rungs

__all__ = ["hyperband"]


@methods.register
def hyperband(
    space: SearchSpace,
    *,
    of: str = "random",
    eta: float = 4.0,
    n_rungs: int = 3,
    fidelities: Sequence[float] | None = None,
    expected_candidates: int | None = None,
) -> Recipe:
    """Successive halvings from different fidelities on, of random arches (Li et al. 2018, arXiv:1603.06560).

    Args:
        space: what is to be searched.
        of: the method that proposes new arches.
        eta: the factor from one fidelity to the next, about; one in so many goes on.
        n_rungs: how many fidelities there are at most.
        fidelities: those that can be had.
        expected_candidates: passed on to a method that asks.

    Example:
        >>> from netwright import Space, choice
        >>> hyperband(Space({"x": choice([1, 2])}), n_rungs=2).strategy.sizes
        ((4, 1), (0, 2))
    """
    inside = strategy_inside("hyperband", of, space, expected_candidates=expected_candidates)
    return Recipe(Hyperband(inside, rungs(fidelities, eta=eta, most=n_rungs), eta))
