"""`GradNorm`: how large the gradients of the weights are.

Abdelfattah et al. 2021, https://arxiv.org/abs/2101.08134.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from netwright.core.registry import proxies
from netwright.evaluators.proxies.batch import ProxyBatch
from netwright.evaluators.proxies.passes import Need, Passes, measured

__all__ = ["GradNorm"]


@dataclass(frozen=True, slots=True)
class GradNorm:
    """The Euclidean norm of the loss' gradient, summed over weights (Abdelfattah et al. 2021, arXiv:2101.08134).

    Higher is taken as better. As there, each matrix and kernel has a norm of its own; there only those of convolutions
    and linear layers count, here those of any layer.

    Example:
        >>> import torch
        >>> model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
        >>> batch = ProxyBatch(torch.randn(8, 3), torch.randn(8, 1), nn.functional.mse_loss)
        >>> GradNorm()(model, batch) > 0
        True
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"gradients"})

    def __call__(self, model: nn.Module, batch: ProxyBatch) -> float:
        """The score of a model."""
        return measured(self, model, batch)

    def of(self, passes: Passes) -> float:
        """The score, from passes that others may share."""
        return float(sum(gradient.double().norm() for gradient in passes.gradients))


proxies.add("grad_norm", GradNorm)
