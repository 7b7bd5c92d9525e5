"""Bayesian optimisation with a Gaussian process as a method."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from netwright.core import Arch, Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.predictors.proxies import Proxies
from netwright.strategies import BayesianOptimisation
from netwright.strategies.acquisition import Acquisition

__all__ = ["bayesian_optimisation"]


@methods.register
def bayesian_optimisation(
    space: SearchSpace,
    *,
    acquisition: str | Acquisition | None = None,
    n_initial: int | None = None,
    prior: Proxies | Callable[[Arch], Mapping[str, float]] | None = None,
) -> Recipe:
    """Evaluate what a Gaussian process of architectures promises most of (Ru et al. 2021, arXiv:2006.07556).

    The process learns normal scores of the losses from the decisions and, in small spaces, from the lengths of the
    ways through the network. Differs from the paper (NAS-BOWL) in the kernels, five with learned weights instead of one
    Weisfeiler–Lehman kernel; in scoring all of a small space instead of mutations; and in that the mean alone decides
    where hardly any improvement is expected of any arch: then there is nothing to be gained by looking where little is
    known. Where there are reals, as good as the same is always left, so that the mean would tune them for ever: there
    the improvement counts by how much an evaluation would tell (Huang et al. 2006, augmented expected improvement), and
    what is inactive is the mean of its values. Starts with random arches, not with the space's default.

    With a prior, such as zero-cost proxies, the process expects their consensus at first, and learns how far to trust
    it (benchmarks/nb201_queries.py): the proxies of Abdelfattah et al. 2021, https://arxiv.org/abs/2101.08134.

    Args:
        space: what is to be searched.
        acquisition: what is promising; the improvement that is expected, if not given.
        n_initial: arches before the process is asked; if not given, 3, or 2 with a prior.
        prior: from an arch to cheap scores by name, higher is better.

    Example:
        >>> from netwright import Space, choice
        >>> bayesian_optimisation(Space({"x": choice([1, 2])}), acquisition="thompson").strategy.acquisition
        'thompson'
    """
    given = Proxies(prior) if prior is not None and not isinstance(prior, Proxies) else prior
    return Recipe(
        BayesianOptimisation(
            acquisition=acquisition,
            n_initial=(3 if given is None else 2) if n_initial is None else n_initial,
            prior=given,
        )
    )
