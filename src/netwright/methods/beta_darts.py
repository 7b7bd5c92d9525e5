"""β-DARTS as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.oneshot.relaxation.preparing import gradient_based
from netwright.oneshot.relaxation.regularisers import BetaDecay
from netwright.oneshot.relaxation.relaxation import Relaxation
from netwright.oneshot.stopping import StoppingRule

__all__ = ["beta_darts"]


@methods.register
def beta_darts(
    space: SearchSpace, *, weight: float = 50.0, stopping: StoppingRule | None = None, epochs: int | None = None
) -> Recipe:
    """DARTS whose architecture parameters are kept in check more and more (Ye et al. 2022, arXiv:2203.01665).

    Args:
        space: whose every choice is among modules, edges of a cell, or depths.
        weight: of the regulariser at the end; it grows linearly from zero.
        stopping: whether to end early.
        epochs: of the search; as many as fit if not given.

    Example:
        >>> from netwright import Space, choice, nn
        >>> beta_darts(Space(nn.Sequential(choice([nn.ReLU(), nn.SiLU()])))).prepare.relaxation.regulariser
        BetaDecay(weight=50.0)

    Raises:
        InvalidSpace: naming choices that can't be relaxed.
    """
    relaxation = Relaxation(regulariser=BetaDecay(weight), stopping=stopping)
    return gradient_based(space, "beta_darts", relaxation, epochs=epochs)
