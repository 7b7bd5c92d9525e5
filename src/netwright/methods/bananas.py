"""BANANAS as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.predictors.encodings import Joined, OneHot, Paths
from netwright.predictors.mlp_ensemble import MlpEnsemble
from netwright.strategies import BayesianOptimisation

__all__ = ["bananas"]


@methods.register
def bananas(
    space: SearchSpace, *, n_initial: int = 10, every: int = 10, pool: int = 100, members: int = 5, steps: int = 200
) -> Recipe:
    """Mutations of the best, among which an ensemble of networks chooses (White et al. 2021, arXiv:1910.11858).

    As in the paper: arches are the paths from input to output, the predictor is an ensemble of dense networks that is
    trained anew every ten records, and independent Thompson sampling picks among mutations of the best. Differs from it
    in that the decisions are encoded too (paths don't show a learning rate), in the networks (see `MlpEnsemble`), and
    in that some of the pool are crossovers and random arches.

    Args:
        space: what is to be searched.
        n_initial: random arches before the first training.
        every: records between two trainings.
        pool: arches that are scored for each proposal.
        members: networks of the ensemble.
        steps: of their training.

    Example:
        >>> from netwright import Space, choice
        >>> bananas(Space({"x": choice([1, 2])}), members=3).strategy.predictor.members
        3
    """
    predictor = MlpEnsemble(Joined((Paths(), OneHot())), members=members, steps=steps)
    return Recipe(
        BayesianOptimisation(
            predictor, acquisition="thompson", n_initial=n_initial, scope="nearby", pool=pool, every=every
        )
    )
