"""`Fisher`: how much the loss would change if single channels were cut.

Theis et al. 2018, https://arxiv.org/abs/1801.05787; Turner et al. 2020, BlockSwap, https://arxiv.org/abs/1906.04113; as
a score of networks Abdelfattah et al. 2021, https://arxiv.org/abs/2101.08134.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from netwright.core.registry import proxies
from netwright.evaluators.proxies.batch import ProxyBatch
from netwright.evaluators.proxies.passes import Need, Passes, measured

__all__ = ["Fisher"]


@dataclass(frozen=True, slots=True)
class Fisher:
    """Half the mean squared activation x gradient of channels, over all weights (Theis et al. 2018, arXiv:1801.05787).

    Higher is taken as better. Activation times gradient is summed over the positions of an example, squared, and
    averaged over examples. As in Abdelfattah et al. 2021 a channel counts once for each of its weights. There the
    layers are convolutions and linear ones; here all that hold weights, with the sum over positions for sequences too.

    Example:
        >>> model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
        >>> batch = ProxyBatch(torch.randn(8, 3), torch.randn(8, 1), nn.functional.mse_loss)
        >>> Fisher()(model, batch) > 0
        True
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"channels"})

    def __call__(self, model: nn.Module, batch: ProxyBatch) -> float:
        """The score of a model."""
        return measured(self, model, batch)

    def of(self, passes: Passes) -> float:
        """The score, from passes that others may share."""
        total = 0.0
        for one in passes.channels:
            each = (one.outputs * one.gradients).sum(2, dtype=torch.float64)  # (batch, channels)
            total += one.weights_each * float(each.square().mean(0).sum()) / 2
        return total


proxies.add("fisher", Fisher)
