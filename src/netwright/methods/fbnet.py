"""FBNet as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.oneshot.derivation import Strongest
from netwright.oneshot.relaxation.preparing import gradient_based
from netwright.oneshot.relaxation.regularisers import CostTable, ExpectedCost
from netwright.oneshot.relaxation.relaxation import Relaxation
from netwright.oneshot.relaxation.samplers import ConcreteSoft

__all__ = ["fbnet"]


@methods.register
def fbnet(
    space: SearchSpace,
    *,
    costs: CostTable | None = None,
    scale: float = 0.2,
    power: float = 0.6,
    epochs: int | None = None,
) -> Recipe:
    """Soft samples of options and a loss that counts what they cost (Wu et al. 2019, FBNet, arXiv:1812.03443).

    As in the paper, arches drawn from the learned distribution are trained, too. The cost is expected by the sampled
    weights, so it is differentiable.

    Args:
        space: whose every choice is among modules, edges of a cell, or depths.
        costs: of the options, such as measured latencies; if not given, millions of floating-point operations.
        scale, power: of the cost: α and β of the paper.
        epochs: of the search; as many as fit if not given.

    Example:
        >>> from netwright import Space, choice, nn
        >>> fbnet(Space(nn.Sequential(choice([nn.ReLU(), nn.SiLU()])))).prepare.relaxation.regulariser
        ExpectedCost(table=None, scale=0.2, power=0.6)

    Raises:
        InvalidSpace: naming choices that can't be relaxed.
    """
    relaxation = Relaxation(
        sampler=ConcreteSoft(5.0, 0.09),
        share=0.2,
        warmup=1 / 9,
        regulariser=ExpectedCost(costs, scale, power),
        derivation=Strongest(nothing=True),
        arch_lr=0.01,
        arch_betas=(0.9, 0.999),
        arch_weight_decay=5e-4,
    )
    return gradient_based(space, "fbnet", relaxation, epochs=epochs, samples=3)
