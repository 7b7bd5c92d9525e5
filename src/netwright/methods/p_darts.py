"""P-DARTS as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.oneshot.derivation import Strongest
from netwright.oneshot.relaxation.preparing import gradient_based
from netwright.oneshot.relaxation.relaxation import Relaxation
from netwright.oneshot.relaxation.stages import Stage, StagePlan

__all__ = ["p_darts"]

_STAGES = StagePlan(
    (
        Stage(1 / 3, depth=5 / 17),
        Stage(2 / 3, depth=11 / 17, keep=5 / 8, skip_dropout=0.4),
        Stage(1.0, keep=3 / 8, skip_dropout=0.7),
    ),
    restart=True,
)


@methods.register
def p_darts(
    space: SearchSpace, *, stages: StagePlan = _STAGES, most_skips: int = 2, epochs: int | None = None
) -> Recipe:
    """DARTS in stages: deeper networks with fewer options, and skips held back (Chen et al. 2019, arXiv:1904.12760).

    Depths and options are those of the paper, as shares: 5, 11 and 17 cells; 8, 5 and 3 options. Cells that follow each
    other and are alike are left out in the earlier stages. Differs from the paper in that the weights stay from stage
    to stage; the architecture parameters begin anew.

    Args:
        space: whose every choice is among modules, edges of a cell, or depths.
        stages: of the search.
        most_skips: skip connections in a cell of the derived arch.
        epochs: of the search; as many as fit if not given.

    Example:
        >>> from netwright import Space, choice, nn
        >>> p_darts(Space(nn.Sequential(choice([nn.ReLU(), nn.SiLU()])))).prepare.relaxation.derivation.most_skips
        2

    Raises:
        InvalidSpace: naming choices that can't be relaxed.
    """
    relaxation = Relaxation(stages=stages, derivation=Strongest(most_skips=most_skips), arch_lr=6e-4)
    return gradient_based(space, "p_darts", relaxation, epochs=epochs)
