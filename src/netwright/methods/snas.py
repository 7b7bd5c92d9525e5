"""SNAS as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.oneshot.relaxation.preparing import gradient_based
from netwright.oneshot.relaxation.relaxation import Relaxation
from netwright.oneshot.relaxation.samplers import ConcreteSoft

__all__ = ["snas"]


@methods.register
def snas(space: SearchSpace, *, start: float = 1.0, end: float = 0.03, epochs: int | None = None) -> Recipe:
    """Soft samples of options at a falling temperature; one loss for all (Xie et al. 2019, arXiv:1812.09926).

    Weights and architecture learn from the same batch, in one step. Differs from the paper in that there is no reward
    for small networks: `fbnet` and limits of the search do that.

    Args:
        space: whose every choice is among modules, edges of a cell, or depths.
        start, end: the temperature; it falls exponentially.
        epochs: of the search; as many as fit if not given.

    Example:
        >>> from netwright import Space, choice, nn
        >>> snas(Space(nn.Sequential(choice([nn.ReLU(), nn.SiLU()])))).prepare.relaxation.levels
        'one'

    Raises:
        InvalidSpace: naming choices that can't be relaxed.
    """
    relaxation = Relaxation(sampler=ConcreteSoft(start, end), levels="one")
    return gradient_based(space, "snas", relaxation, epochs=epochs, samples=2)
