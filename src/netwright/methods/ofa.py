"""Once-for-all as a method."""

from __future__ import annotations

from typing import Literal

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.oneshot.architecture_only import ArchitectureOnly, needs_networks
from netwright.oneshot.extremes import check_elastic
from netwright.oneshot.preparing import OneShot
from netwright.oneshot.samplers import ProgressiveShrinking
from netwright.strategies import NSGA2, Deduplicated, RegularizedEvolution

__all__ = ["ofa"]


@methods.register
def ofa(
    space: SearchSpace,
    *,
    population: int = 30,
    epochs: int | None = None,
    final: Literal["scratch", "path"] = "path",
    n_objectives: int = 1,
) -> Recipe:
    """The largest network is trained, then shrunk step by step; evolution picks (Cai et al. 2020, arXiv:1908.09791).

    As in the paper, kernels, depths and widths become elastic one after the other, and smaller networks learn from the
    largest one. The winner's training goes on from its path's weights. Differs from it in that paths are scored as they
    are, without a predictor, and as `samplers.ProgressiveShrinking` says.

    Args:
        space: of networks with numbers that can be larger or smaller.
        population: of the evolution.
        epochs: of the supernet; as many as fit if not given.
        final: whether the winner is trained from `scratch` or on from its `path`'s weights.
        n_objectives: how many there are; NSGA-II for several.

    Example:
        >>> from netwright import Space, choice, nn
        >>> ofa(Space(nn.Sequential(nn.LazyLinear(choice([8, 16]))))).prepare.final
        'path'

    Raises:
        InvalidInput: if the space's arches aren't networks, or have nothing that can shrink.
    """
    check_elastic("ofa", needs_networks("ofa", space))
    evolution = RegularizedEvolution(population, max(2, population // 5)) if n_objectives == 1 else NSGA2(population)
    strategy = ArchitectureOnly(Deduplicated(evolution))
    return Recipe(strategy, prepare=OneShot(ProgressiveShrinking(), strategy, epochs, final=final))
