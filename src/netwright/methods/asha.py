"""Asynchronous successive halving as a method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.methods.inside import strategy_inside
from netwright.strategies import ASHA
from netwright.strategies.fidelities import rungs

__all__ = ["asha"]


@methods.register
def asha(
    space: SearchSpace,
    *,
    of: str = "bayesian_optimisation",
    eta: float = 4.0,
    n_rungs: int = 3,
    decision: Literal["promotion", "stopping"] = "promotion",
    fidelities: Sequence[float] | None = None,
    expected_candidates: int | None = None,
) -> Recipe:
    """Train many a little, and the best of each rung longer, without waiting (Li et al. 2020, arXiv:1810.05934).

    Differs from the paper in what is trained: not random arches, but what a Gaussian process promises, which learns
    from all rungs (as in MOBSTER, Klein et al. 2020, arXiv:2003.10865); say `of="random"` for the paper's.

    Args:
        space: what is to be searched.
        of: the method that proposes new arches.
        eta: the factor from one fidelity to the next, about; one in so many goes on.
        n_rungs: how many fidelities there are at most.
        decision: `promotion` or `stopping`: whether a record may go on later too, when others turned out worse.
        fidelities: those that can be had.
        expected_candidates: passed on to a method that asks.

    Example:
        >>> from netwright import Space, choice
        >>> recipe = asha(Space({"x": choice([1, 2])}), of="random", fidelities=[epoch / 10 for epoch in range(1, 11)])
        >>> recipe.strategy.fidelities
        (0.1, 0.2, 1.0)
    """
    inside = strategy_inside("asha", of, space, expected_candidates=expected_candidates)
    return Recipe(ASHA(inside, rungs(fidelities, eta=eta, most=n_rungs), eta, decision=decision))
