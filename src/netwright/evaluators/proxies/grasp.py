"""`Grasp`: whether cutting weights would make the gradient flow better or worse.

Wang et al. 2020, GraSP, https://arxiv.org/abs/2002.07376; as a score of networks Abdelfattah et al. 2021,
https://arxiv.org/abs/2101.08134.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from netwright.core.registry import proxies
from netwright.evaluators.proxies.batch import ProxyBatch
from netwright.evaluators.proxies.passes import Need, Passes, measured

__all__ = ["Grasp"]


@dataclass(frozen=True, slots=True)
class Grasp:
    """The sum of -weight x (Hessian x gradient) over all weights (Wang et al. 2020, arXiv:2002.07376).

    Higher is taken as better, with the sign of Abdelfattah et al. 2021. Both take the gradient once more with an equal
    forward pass; here the second derivative goes back through the first one.

    Example:
        >>> model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
        >>> batch = ProxyBatch(torch.randn(8, 3), torch.randn(8, 1), nn.functional.mse_loss)
        >>> Grasp()(model, batch) == Grasp()(model, batch)
        True
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"gradients", "curvature"})

    def __call__(self, model: nn.Module, batch: ProxyBatch) -> float:
        """The score of a model."""
        return measured(self, model, batch)

    def of(self, passes: Passes) -> float:
        """The score, from passes that others may share."""
        pairs = zip(passes.weights.values(), passes.curvature, strict=True)
        return -float(sum((weight.detach() * one).sum(dtype=torch.float64) for weight, one in pairs))


proxies.add("grasp", Grasp)
