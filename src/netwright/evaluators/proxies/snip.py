"""`Snip`: how much the loss would change if single weights were cut.

Lee et al. 2019, SNIP, https://arxiv.org/abs/1810.02340; as a score of networks Abdelfattah et al. 2021,
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

__all__ = ["Snip"]


@dataclass(frozen=True, slots=True)
class Snip:
    """The sum of |weight x gradient| over all weights (Lee et al. 2019, arXiv:1810.02340).

    Higher is taken as better. The gradient of the paper's mask at one is the weight times its gradient.

    Example:
        >>> model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
        >>> batch = ProxyBatch(torch.randn(8, 3), torch.randn(8, 1), nn.functional.mse_loss)
        >>> Snip()(model, batch) > 0
        True
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"gradients"})

    def __call__(self, model: nn.Module, batch: ProxyBatch) -> float:
        """The score of a model."""
        return measured(self, model, batch)

    def of(self, passes: Passes) -> float:
        """The score, from passes that others may share."""
        pairs = zip(passes.weights.values(), passes.gradients, strict=True)
        return float(sum((weight.detach() * gradient).abs().sum(dtype=torch.float64) for weight, gradient in pairs))


proxies.add("snip", Snip)
