"""Bayesian optimisation with a Gaussian process as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.strategies import BayesianOptimisation
from netwright.strategies.acquisition import Acquisition

__all__ = ["bayesian_optimisation"]


@methods.register
def bayesian_optimisation(
    space: SearchSpace, *, acquisition: str | Acquisition = "upper_confidence_bound", n_initial: int = 3
) -> Recipe:
    """Evaluate what a Gaussian process of architectures promises most of (Ru et al. 2021, arXiv:2006.07556).

    The process learns normal scores of the losses from the decisions and, in small spaces, from the lengths of the
    ways through the network. Differs from the paper (NAS-BOWL) in the kernels, five with learned weights instead of one
    Weisfeiler–Lehman kernel; in scoring all of a small space instead of mutations; and in the acquisition, a confidence
    bound near the mean instead of expected improvement, which needs more queries on NAS-Bench-201
    (benchmarks/nb201_queries.py). Starts with random arches, not with the space's default.

    Example:
        >>> from netwright import Space, choice
        >>> bayesian_optimisation(Space({"x": choice([1, 2])}), acquisition="thompson").strategy.acquisition
        'thompson'
    """
    return Recipe(BayesianOptimisation(acquisition=acquisition, n_initial=n_initial))
