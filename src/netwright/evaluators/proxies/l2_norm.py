"""`L2Norm`: how large the fresh weights are.

Abdelfattah et al. 2021, https://arxiv.org/abs/2101.08134.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from netwright.core.registry import proxies
from netwright.evaluators.proxies.batch import ProxyBatch
from netwright.evaluators.proxies.passes import Need, Passes, measured

__all__ = ["L2Norm"]


@dataclass(frozen=True, slots=True)
class L2Norm:
    """The Euclidean norm of the weights, summed over matrices and kernels (Abdelfattah et al. 2021, arXiv:2101.08134).

    Higher is taken as better. It sees no data: with usual initial weights it tells how many layers there are, and how
    wide. It needs at least one trainable matrix or kernel.

    Example:
        >>> import torch
        >>> model = nn.Linear(2, 1)
        >>> _ = nn.init.ones_(model.weight)
        >>> batch = ProxyBatch(torch.zeros(2, 2), torch.zeros(2, 1), nn.functional.mse_loss)
        >>> round(L2Norm()(model, batch), 3)
        1.414
    """

    needs: ClassVar[frozenset[Need]] = frozenset()

    def __call__(self, model: nn.Module, batch: ProxyBatch) -> float:
        """The score of a model."""
        return measured(self, model, batch)

    def of(self, passes: Passes) -> float:
        """The score, from passes that others may share."""
        return float(sum(weight.detach().double().norm() for weight in passes.weights.values()))


proxies.add("l2_norm", L2Norm)
