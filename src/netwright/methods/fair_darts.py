"""FairDARTS as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.oneshot.derivation import Strongest
from netwright.oneshot.relaxation.preparing import gradient_based
from netwright.oneshot.relaxation.regularisers import ZeroOne
from netwright.oneshot.relaxation.relaxation import Relaxation
from netwright.oneshot.relaxation.samplers import Sigmoid

__all__ = ["fair_darts"]


@methods.register
def fair_darts(
    space: SearchSpace, *, zero_one: float = 10.0, threshold: float = 0.85, epochs: int | None = None
) -> Recipe:
    """Options that don't compete, each with a sigmoid that is pushed to 0 or 1 (Chu et al. 2020, arXiv:1911.12126).

    Differs from the paper where an edge must have an operation: there the strongest one is taken, also below the
    threshold.

    Args:
        space: whose every choice is among modules, edges of a cell, or depths.
        zero_one: the weight of what pushes.
        threshold: options below it leave an edge without connection, if there is that option.
        epochs: of the search; as many as fit if not given.

    Example:
        >>> from netwright import Space, choice, nn
        >>> fair_darts(Space(nn.Sequential(choice([nn.ReLU(), nn.SiLU()])))).prepare.relaxation.regulariser
        ZeroOne(weight=10.0)

    Raises:
        InvalidSpace: naming choices that can't be relaxed.
    """
    relaxation = Relaxation(sampler=Sigmoid(), regulariser=ZeroOne(zero_one), derivation=Strongest(threshold=threshold))
    return gradient_based(space, "fair_darts", relaxation, epochs=epochs)
