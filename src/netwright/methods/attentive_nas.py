"""AttentiveNAS as a method."""

from __future__ import annotations

from typing import Literal

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.oneshot.architecture_only import ArchitectureOnly, needs_networks
from netwright.oneshot.extremes import check_elastic
from netwright.oneshot.preparing import OneShot
from netwright.oneshot.samplers import Attentive
from netwright.strategies import NSGA2, Deduplicated, RegularizedEvolution

__all__ = ["attentive_nas"]


@methods.register
def attentive_nas(
    space: SearchSpace,
    *,
    attention: Literal["best", "worst"] = "best",
    population: int = 30,
    epochs: int | None = None,
    final: Literal["scratch", "path"] = "path",
    n_objectives: int = 1,
) -> Recipe:
    """Paths that are the best (or worst) of their cost are trained more (Wang et al. 2021, arXiv:2011.09011).

    As in the paper, the sandwich rule has attentive paths in place of random ones; evolution, or NSGA-II for several
    objectives, picks. See `samplers.Attentive` for the predictors that it needs.

    Args:
        space: of networks with numbers that can be larger or smaller.
        attention: to the `best` or the `worst` path of a few of like cost.
        population: of the evolution.
        epochs: of the supernet; as many as fit if not given.
        final: whether the winner is trained from `scratch` or on from its `path`'s weights.
        n_objectives: how many there are.

    Example:
        >>> from netwright import Space, choice, nn
        >>> attentive_nas(Space(nn.Sequential(nn.LazyLinear(choice([8, 16])))), attention="worst").prepare.sampler.among
        3

    Raises:
        InvalidInput: if the space's arches aren't networks, or have nothing that can shrink.
    """
    check_elastic("attentive_nas", needs_networks("attentive_nas", space))
    evolution = RegularizedEvolution(population, max(2, population // 5)) if n_objectives == 1 else NSGA2(population)
    strategy = ArchitectureOnly(Deduplicated(evolution))
    return Recipe(strategy, prepare=OneShot(Attentive(attention), strategy, epochs, final=final))
