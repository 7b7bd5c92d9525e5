"""DrNAS as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.oneshot.relaxation.preparing import gradient_based
from netwright.oneshot.relaxation.regularisers import DirichletAnchor
from netwright.oneshot.relaxation.relaxation import Relaxation
from netwright.oneshot.relaxation.samplers import DirichletSample
from netwright.oneshot.relaxation.stages import Stage, StagePlan

__all__ = ["drnas"]


@methods.register
def drnas(
    space: SearchSpace, *, partial: int = 4, keep: float = 0.5, anchor: float = 1e-3, epochs: int | None = None
) -> Recipe:
    """Weights of options from a Dirichlet distribution that learns (Chen et al. 2021, DrNAS, arXiv:2006.10355).

    As in the paper, the second half of the search has fewer options and mixes twice as many channels, and the
    distribution is kept near the flat one.

    Args:
        space: whose every choice is among modules, edges of a cell, or depths.
        partial: 1/partial of the channels are mixed in the first half of the search, half of that in the second; 1:
            all, always.
        keep: the share of each choice's options that the second half has.
        anchor: the weight of the distribution's divergence from the flat one.
        epochs: of the search; as many as fit if not given.

    Example:
        >>> from netwright import Space, choice, nn
        >>> drnas(Space(nn.Sequential(choice([nn.ReLU(), nn.SiLU()])))).prepare.relaxation.stages.stages[1].partial
        2

    Raises:
        InvalidSpace: naming choices that can't be relaxed.
    """
    stages = StagePlan((Stage(0.5, partial=partial), Stage(1.0, keep=keep, partial=max(1, partial // 2))))
    relaxation = Relaxation(
        sampler=DirichletSample(),
        edges=partial > 1,
        partial=partial,
        regulariser=DirichletAnchor(anchor),
        stages=stages,
        arch_lr=6e-4,
    )
    return gradient_based(space, "drnas", relaxation, epochs=epochs)
