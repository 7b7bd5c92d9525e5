"""FairNAS as a method."""

from __future__ import annotations

from typing import Literal

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.oneshot.architecture_only import ArchitectureOnly, needs_networks
from netwright.oneshot.preparing import OneShot
from netwright.oneshot.samplers import StrictFairness
from netwright.strategies import NSGA2, Deduplicated

__all__ = ["fairnas"]


@methods.register
def fairnas(
    space: SearchSpace,
    *,
    population: int = 30,
    epochs: int | None = None,
    few_shot: str | None = None,
    final: Literal["scratch", "path"] = "scratch",
) -> Recipe:
    """A supernet in which every option is trained equally often, then NSGA-II (Chu et al. 2021, arXiv:1907.01845).

    As in the paper, the options of every choice are trained once in each step, whose gradients are added up, and
    NSGA-II searches, with one objective or several. See `samplers.StrictFairness` for choices of different sizes.

    Args:
        space: of networks.
        population: of NSGA-II.
        epochs: of the supernet; as many as fit if not given.
        few_shot: a decision by which the supernet is split half-way, or `auto` (Zhao et al. 2021, arXiv:2006.06863).
        final: whether the winner is trained from `scratch` or on from its `path`'s weights.

    Example:
        >>> from netwright import Space, choice, nn
        >>> fairnas(Space(nn.Sequential(choice([nn.ReLU(), nn.SiLU()])))).prepare.sampler
        StrictFairness(n_paths=None)

    Raises:
        InvalidInput: if the space's arches aren't networks.
    """
    needs_networks("fairnas", space)
    strategy = ArchitectureOnly(Deduplicated(NSGA2(population)))
    return Recipe(strategy, prepare=OneShot(StrictFairness(), strategy, epochs, few_shot, final))
