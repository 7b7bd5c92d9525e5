"""WeakNAS as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.predictors.mlp_ensemble import MlpEnsemble
from netwright.predictors.protocols import Predictor
from netwright.predictors.proxies import Proxies
from netwright.strategies import BayesianOptimisation
from netwright.strategies.acquisition import AmongBest

__all__ = ["weak_nas"]


@methods.register
def weak_nas(
    space: SearchSpace,
    *,
    predictor: Predictor | None = None,
    n_initial: int = 10,
    every: int = 10,
    share: float = 0.064,
    prior: Proxies | None = None,
) -> Recipe:
    """Any of the thousand that a weak predictor ranks first, which learns anew from these (Wu et al. 2021).

    Stronger NAS with weaker predictors, https://arxiv.org/abs/2102.10490: a predictor that learns from ten random
    arches; ten of those it ranks first (1,000 of NAS-Bench-201, which is `share`), drawn with equal chances; it learns
    anew from all, and so on. It needs to know only the part of the space where it looks, and comes to know it.
    Differs from the paper in the predictor, a small ensemble of perceptrons by `deep_ensemble` that reads the graph;
    any other goes in. In a space of more than 50,000 arches, a pool of 1,000 (mutations and crossovers of the best, and
    random arches) is ranked.

    Args:
        space: what is to be searched.
        predictor: what learns.
        n_initial: random arches before it does.
        every: records between two trainings.
        share: of the arches: those that are drawn from.
        prior: cheap scores, from which it learns too.

    Example:
        >>> from netwright import Space, choice
        >>> weak_nas(Space({"x": choice([1, 2])}), share=0.5).strategy.acquisition
        AmongBest(share=0.5, greedy=0.0)
    """
    return Recipe(
        BayesianOptimisation(
            MlpEnsemble() if predictor is None else predictor,
            acquisition=AmongBest(share),
            n_initial=n_initial,
            every=every,
            pool=1_000,
            prior=prior,
        )
    )
