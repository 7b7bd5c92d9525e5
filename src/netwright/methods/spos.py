"""Single-path one-shot NAS as a method."""

from __future__ import annotations

from typing import Literal

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.oneshot.architecture_only import ArchitectureOnly, needs_networks
from netwright.oneshot.preparing import OneShot
from netwright.oneshot.samplers import PathSampler, Uniform
from netwright.strategies import NSGA2, Deduplicated, Genetic

__all__ = ["spos"]


@methods.register
def spos(
    space: SearchSpace,
    *,
    sampler: PathSampler = Uniform(),  # noqa: B008  # frozen
    population: int = 30,
    epochs: int | None = None,
    few_shot: str | None = None,
    final: Literal["scratch", "path"] = "scratch",
    n_objectives: int = 1,
) -> Recipe:
    """A supernet trained by uniform paths, then evolution among them (Guo et al. 2020, arXiv:1904.00420).

    As in the paper, a step trains one random path, statistics of normalisation are estimated anew for each path that is
    scored, and the winner is trained from scratch. Differs from it in that the evolution is one of tournaments, and
    NSGA-II for several objectives.

    Args:
        space: of networks.
        sampler: which paths are trained: `Greedy()` makes it GreedyNAS (You et al. 2020, arXiv:2003.11236).
        population: of the evolution.
        epochs: of the supernet; as many as fit if not given.
        few_shot: a decision by which the supernet is split half-way, or `auto` (Zhao et al. 2021, arXiv:2006.06863).
        final: whether the winner is trained from `scratch` or on from its `path`'s weights.
        n_objectives: how many there are.

    Example:
        >>> from netwright import Space, choice, nn
        >>> spos(Space(nn.Sequential(choice([nn.ReLU(), nn.SiLU()])))).prepare.sampler
        Uniform()

    Raises:
        InvalidInput: if the space's arches aren't networks.
    """
    needs_networks("spos", space)
    evolution = Genetic(population, elite=population // 4) if n_objectives == 1 else NSGA2(population)
    strategy = ArchitectureOnly(Deduplicated(evolution))
    return Recipe(strategy, prepare=OneShot(sampler, strategy, epochs, few_shot, final))
