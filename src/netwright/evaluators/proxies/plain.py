"""`Plain`: what the loss would change if all weights were cut, to first order.

As a score of networks Abdelfattah et al. 2021, https://arxiv.org/abs/2101.08134; the idea is Mozer & Smolensky's 1988,
https://proceedings.neurips.cc/paper/1988/hash/07e1cd7dca89a1678042477183b7ac3f-Abstract.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from netwright.core.registry import proxies
from netwright.evaluators.proxies.batch import ProxyBatch
from netwright.evaluators.proxies.passes import Need, Passes, measured

__all__ = ["Plain"]


@dataclass(frozen=True, slots=True)
class Plain:
    """The sum of weight x gradient over all weights: `Snip` without the absolute value (Abdelfattah et al. 2021).

    Higher is taken as better by convention, though it says next to nothing, and on NAS-Bench-201 rather the opposite:
    where normalisation follows every layer, a scale of the weights changes nothing and the sum is nearly zero.

    Example:
        >>> model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
        >>> batch = ProxyBatch(torch.randn(8, 3), torch.randn(8, 1), nn.functional.mse_loss)
        >>> Plain()(model, batch) == Plain()(model, batch)
        True
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"gradients"})

    def __call__(self, model: nn.Module, batch: ProxyBatch) -> float:
        """The score of a model."""
        return measured(self, model, batch)

    def of(self, passes: Passes) -> float:
        """The score, from passes that others may share."""
        pairs = zip(passes.weights.values(), passes.gradients, strict=True)
        return float(sum((weight.detach() * gradient).sum(dtype=torch.float64) for weight, gradient in pairs))


proxies.add("plain", Plain)
