"""ProxylessNAS as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.oneshot.derivation import Strongest
from netwright.oneshot.relaxation.preparing import gradient_based
from netwright.oneshot.relaxation.regularisers import AddedCost, CostTable
from netwright.oneshot.relaxation.relaxation import Relaxation
from netwright.oneshot.relaxation.samplers import TwoPaths

__all__ = ["proxylessnas"]


@methods.register
def proxylessnas(
    space: SearchSpace, *, cost_weight: float = 0.0, costs: CostTable | None = None, epochs: int | None = None
) -> Recipe:
    """One path a step, and two for the architecture's, by binary gates (Cai et al. 2019, arXiv:1812.00332).

    Args:
        space: whose every choice is among modules, edges of a cell, or depths.
        cost_weight: what a unit of expected cost adds to the loss.
        costs: of the options; if not given, millions of floating-point operations.
        epochs: of the search; as many as fit if not given.

    Example:
        >>> from netwright import Space, choice, nn
        >>> proxylessnas(Space(nn.Sequential(choice([nn.ReLU(), nn.SiLU()])))).prepare.relaxation.sampler
        TwoPaths()

    Raises:
        InvalidSpace: naming choices that can't be relaxed.
    """
    relaxation = Relaxation(
        sampler=TwoPaths(),
        share=0.2,
        warmup=1 / 3,
        regulariser=AddedCost(cost_weight, costs) if cost_weight else None,
        derivation=Strongest(nothing=True),
        arch_lr=6e-3,
        arch_betas=(0.0, 0.999),
        arch_weight_decay=0.0,
    )
    return gradient_based(space, "proxylessnas", relaxation, epochs=epochs)
