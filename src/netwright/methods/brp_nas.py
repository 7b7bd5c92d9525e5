"""BRP-NAS as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.predictors.graph_network import GraphNetwork
from netwright.predictors.proxies import Proxies
from netwright.strategies import BayesianOptimisation
from netwright.strategies.acquisition import AmongBest

__all__ = ["brp_nas"]


@methods.register
def brp_nas(
    space: SearchSpace,
    *,
    n_initial: int = 20,
    every: int = 20,
    share: float = 0.1,
    greedy: float = 0.5,
    members: int = 3,
    steps: int = 200,
    prior: Proxies | None = None,
) -> Recipe:
    """What a graph network ranks first, which learns which of two is better (Dudziak et al. 2020, arXiv:2007.08668).

    As in the paper, a graph network learns binary relations from a few arches and ranks all others; half of what is
    evaluated next is what it ranks first, the other half is drawn from the upper part of the ranking; then it learns
    anew. Differs from the paper in that a pair is compared by the difference of two scores, so that pairs never
    contradict each other (see `GraphNetwork`); in that the upper part is always as large, where there it is halved each
    time; in that there is no transfer from latency; and in that three networks learn at once.

    Args:
        space: what is to be searched; it must draw graphs, as every `netwright.Space` does.
        n_initial: random arches before the first training.
        every: records between two trainings.
        share: the upper part of the ranking.
        greedy: how often the first of the ranking is taken, and not any of the upper part.
        members: networks that learn.
        steps: of their training.
        prior: cheap scores, which are read beside the graph.

    Example:
        >>> from netwright import Space, choice
        >>> brp_nas(Space({"x": choice([1, 2])})).strategy.predictor.learns
        'order'
    """
    network = GraphNetwork(members=members, steps=steps, learns="order")
    return Recipe(
        BayesianOptimisation(
            network,
            acquisition=AmongBest(share, greedy=greedy),
            n_initial=n_initial,
            every=every,
            prior=prior,
        )
    )
