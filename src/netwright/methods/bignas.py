"""BigNAS as a method."""

from __future__ import annotations

from typing import Literal

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.oneshot.architecture_only import ArchitectureOnly, needs_networks
from netwright.oneshot.extremes import check_elastic
from netwright.oneshot.preparing import OneShot
from netwright.oneshot.samplers import Sandwich
from netwright.strategies import NSGA2, Deduplicated, RegularizedEvolution

__all__ = ["bignas"]


@methods.register
def bignas(
    space: SearchSpace,
    *,
    n_random: int = 2,
    population: int = 30,
    epochs: int | None = None,
    final: Literal["scratch", "path"] = "path",
    n_objectives: int = 1,
) -> Recipe:
    """Largest, smallest and random networks in each step, the largest teaches (Yu et al. 2020, arXiv:2003.11142).

    As in the paper, all sizes are trained in one go by the sandwich rule with in-place distillation. Differs from it in
    the search, which is evolution and not from coarse to fine, and in that the winner's training goes on from its
    path's weights; initialisation and the regularisation of the largest network alone are left out.

    Args:
        space: of networks with numbers that can be larger or smaller.
        n_random: random paths in a step.
        population: of the evolution.
        epochs: of the supernet; as many as fit if not given.
        final: whether the winner is trained from `scratch` or on from its `path`'s weights.
        n_objectives: how many there are; NSGA-II for several.

    Example:
        >>> from netwright import Space, choice, nn
        >>> bignas(Space(nn.Sequential(nn.LazyLinear(choice([8, 16])))), n_random=1).prepare.sampler
        Sandwich(n_random=1)

    Raises:
        InvalidInput: if the space's arches aren't networks, or have nothing that can shrink.
    """
    check_elastic("bignas", needs_networks("bignas", space))
    evolution = RegularizedEvolution(population, max(2, population // 5)) if n_objectives == 1 else NSGA2(population)
    strategy = ArchitectureOnly(Deduplicated(evolution))
    return Recipe(strategy, prepare=OneShot(Sandwich(n_random), strategy, epochs, final=final))
