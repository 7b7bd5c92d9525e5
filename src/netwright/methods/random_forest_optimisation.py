"""Sequential optimisation with a random forest as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.predictors.encodings import OneHot
from netwright.predictors.random_forest import RandomForest
from netwright.strategies import BayesianOptimisation

__all__ = ["random_forest_optimisation"]


@methods.register
def random_forest_optimisation(space: SearchSpace, *, trees: int = 10, n_initial: int = 5) -> Recipe:
    """Evaluate what a random forest promises most of: SMAC (Hutter et al. 2011, doi:10.1007/978-3-642-25566-3_40).

    The forest sees the decisions only, as in SMAC. Differs from the paper in that nothing is evaluated twice on other
    instances or seeds, in that all of a small space is scored, and in that no random arches come in between.

    Example:
        >>> from netwright import Space, choice
        >>> random_forest_optimisation(Space({"x": choice([1, 2])})).strategy.predictor.trees
        10
    """
    forest = RandomForest(OneHot(), trees=trees)
    return Recipe(BayesianOptimisation(forest, acquisition="expected_improvement", n_initial=n_initial))
