"""GDAS as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.oneshot.relaxation.preparing import gradient_based
from netwright.oneshot.relaxation.relaxation import Relaxation
from netwright.oneshot.relaxation.samplers import GumbelHard

__all__ = ["gdas"]


@methods.register
def gdas(space: SearchSpace, *, start: float = 10.0, end: float = 0.1, epochs: int | None = None) -> Recipe:
    """One path a step, drawn by Gumbel noise with gradients of the soft weights (Dong & Yang 2019, arXiv:1910.04465).

    Differs from the authors' code in that options that weren't drawn get no gradient of their own, where that adds
    their weight (zero) to the sum.

    Args:
        space: whose every choice is among modules, edges of a cell, or depths.
        start, end: the temperature; it falls linearly.
        epochs: of the search; as many as fit if not given.

    Example:
        >>> from netwright import Space, choice, nn
        >>> gdas(Space(nn.Sequential(choice([nn.ReLU(), nn.SiLU()])))).prepare.relaxation.sampler
        GumbelHard(start=10.0, end=0.1)

    Raises:
        InvalidSpace: naming choices that can't be relaxed.
    """
    return gradient_based(space, "gdas", Relaxation(sampler=GumbelHard(start, end)), epochs=epochs)
