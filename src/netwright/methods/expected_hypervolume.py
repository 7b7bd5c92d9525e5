"""Expected hypervolume improvement as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.strategies import ExpectedHypervolume
from netwright.strategies.expected_hypervolume import require_botorch

__all__ = ["expected_hypervolume"]


@methods.register
def expected_hypervolume(space: SearchSpace, *, n_initial: int = 8) -> Recipe:
    """Evaluate what is expected to add most to the Pareto front, by BoTorch (Yang et al. 2019, arXiv:1904.08279).

    For several objectives. Differs from the paper in the models, which are Gaussian processes with kernels for
    architectures, and in that volumes are those of normal scores, so that no objective's scale counts.

    Example:
        >>> from netwright import Space, choice
        >>> expected_hypervolume(Space({"x": choice([1, 2])}), n_initial=4).strategy.n_initial
        4

    Raises:
        MissingDependency: without BoTorch (the extra `botorch`).
    """
    require_botorch()
    return Recipe(ExpectedHypervolume(n_initial=n_initial))
