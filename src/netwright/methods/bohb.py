"""BOHB as a method."""

from __future__ import annotations

from collections.abc import Sequence

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.methods.inside import strategy_inside
from netwright.strategies import Deduplicated, Hyperband, Mixed, Random
from netwright.strategies.fidelities import rungs

__all__ = ["bohb"]


@methods.register
def bohb(
    space: SearchSpace,
    *,
    of: str = "bayesian_optimisation",
    random_share: float = 1 / 3,
    eta: float = 4.0,
    n_rungs: int = 3,
    fidelities: Sequence[float] | None = None,
    expected_candidates: int | None = None,
) -> Recipe:
    """Hyperband whose arches a model proposes, and a third of them chance (Falkner et al. 2018, arXiv:1807.01774).

    Differs from the paper in the model: a Gaussian process of architectures instead of kernel densities, which learns
    from all rungs at once (`one_loss_each`) instead of the highest one with enough records. Any other method that
    learns from records can take its place.

    Args:
        space: what is to be searched.
        of: the method that proposes new arches.
        random_share: of the new arches, how many are random ones.
        eta: the factor from one fidelity to the next, about; one in so many goes on.
        n_rungs: how many fidelities there are at most.
        fidelities: those that can be had.
        expected_candidates: passed on to a method that asks.

    Example:
        >>> from netwright import Space, choice
        >>> bohb(Space({"x": choice([1, 2])}), of="regularized_evolution").strategy.sizes
        ((16, 4, 1), (0, 6, 1), (0, 0, 3))
    """
    inside = strategy_inside("bohb", of, space, expected_candidates=expected_candidates)
    mixed = Mixed(inside, Deduplicated(Random()), share=random_share) if random_share else inside
    return Recipe(Hyperband(mixed, rungs(fidelities, eta=eta, most=n_rungs), eta))
