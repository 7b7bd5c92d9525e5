"""DARTS as a method."""

from __future__ import annotations

from typing import Literal

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.oneshot.relaxation.preparing import gradient_based
from netwright.oneshot.relaxation.relaxation import Relaxation
from netwright.oneshot.stopping import StoppingRule

__all__ = ["darts"]


@methods.register
def darts(
    space: SearchSpace,
    *,
    order: Literal["first", "exact", "finite"] = "first",
    stopping: StoppingRule | None = None,
    epochs: int | None = None,
) -> Recipe:
    """Options mixed by a softmax that learns by gradients on held-out data (Liu et al. 2019, arXiv:1806.09055).

    Args:
        space: whose every choice is among modules, edges of a cell, or depths.
        order: of the gradient: `first`, or second: `exact` through one step of the weights, or by `finite` differences
            as in the paper.
        stopping: ends the search before it drifts to skip connections: `SharpLoss()` (Zela et al. 2020,
            arXiv:1909.09656) or `SkipCount()` (Liang et al. 2019, DARTS+, arXiv:1909.06035).
        epochs: of the search; as many as fit if not given.

    Example:
        >>> from netwright import Space, choice, nn
        >>> darts(Space(nn.Sequential(choice([nn.ReLU(), nn.SiLU()]))), order="exact").prepare.relaxation.order
        'exact'

    Raises:
        InvalidSpace: naming choices that can't be relaxed.
    """
    return gradient_based(space, "darts", Relaxation(order=order, stopping=stopping), epochs=epochs)
