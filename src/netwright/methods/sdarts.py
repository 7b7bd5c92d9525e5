"""SDARTS as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.oneshot.relaxation.perturbation import Perturbation, RandomNoise
from netwright.oneshot.relaxation.preparing import gradient_based
from netwright.oneshot.relaxation.relaxation import Relaxation

__all__ = ["sdarts"]


@methods.register
def sdarts(
    space: SearchSpace,
    *,
    perturbation: Perturbation = RandomNoise(),  # noqa: B008  # frozen
    epochs: int | None = None,
) -> Recipe:
    """DARTS whose weights learn with disturbed mixtures (Chen & Hsieh 2020, SDARTS, arXiv:2002.05283).

    Args:
        space: whose every choice is among modules, edges of a cell, or depths.
        perturbation: `RandomNoise()` (SDARTS-RS), or `Adversarial()` (SDARTS-ADV), which costs several times as much.
        epochs: of the search; as many as fit if not given.

    Example:
        >>> from netwright import Space, choice, nn
        >>> sdarts(Space(nn.Sequential(choice([nn.ReLU(), nn.SiLU()])))).prepare.relaxation.perturbation
        RandomNoise(radius=0.3)

    Raises:
        InvalidSpace: naming choices that can't be relaxed.
    """
    return gradient_based(space, "sdarts", Relaxation(perturbation=perturbation), epochs=epochs)
