"""PC-DARTS as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.oneshot.relaxation.preparing import gradient_based
from netwright.oneshot.relaxation.relaxation import Relaxation
from netwright.oneshot.stopping import StoppingRule

__all__ = ["pc_darts"]


@methods.register
def pc_darts(
    space: SearchSpace, *, partial: int = 4, stopping: StoppingRule | None = None, epochs: int | None = None
) -> Recipe:
    """DARTS on a part of the channels, with weighed edges (Xu et al. 2020, PC-DARTS, arXiv:1907.05737).

    The architecture learns after 30% of the search, as in the paper. The options work with the first 1/partial of
    their weights' channels.

    Args:
        space: whose every choice is among modules, edges of a cell, or depths.
        partial: 1/partial of the channels are mixed, the others are passed on.
        stopping: whether to end early.
        epochs: of the search; as many as fit if not given.

    Example:
        >>> from netwright import Space, choice, nn
        >>> pc_darts(Space(nn.Sequential(choice([nn.ReLU(), nn.SiLU()])))).prepare.relaxation.edges
        True

    Raises:
        InvalidSpace: naming choices that can't be relaxed.
    """
    relaxation = Relaxation(partial=partial, edges=True, warmup=0.3, arch_lr=6e-4, stopping=stopping)
    return gradient_based(space, "pc_darts", relaxation, epochs=epochs)
