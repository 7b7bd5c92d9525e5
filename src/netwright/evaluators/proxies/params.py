"""`Params`: how many parameters there are to train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from netwright.core.registry import proxies
from netwright.evaluators.proxies.batch import ProxyBatch
from netwright.evaluators.proxies.passes import Need, Passes, measured
from netwright.models.cost import n_parameters

__all__ = ["Params"]


@dataclass(frozen=True, slots=True)
class Params:
    """The number of trainable parameters, in millions: the baseline that a proxy must beat (Ning et al. 2021).

    Higher is taken as better. How often it is hard to beat: https://arxiv.org/abs/2008.03064.

    Example:
        >>> import torch
        >>> batch = ProxyBatch(torch.zeros(2, 4), torch.zeros(2, 3), nn.functional.mse_loss)
        >>> Params()(nn.Linear(4, 3), batch)
        1.5e-05
    """

    needs: ClassVar[frozenset[Need]] = frozenset()

    def __call__(self, model: nn.Module, batch: ProxyBatch) -> float:
        """The score of a model."""
        return measured(self, model, batch)

    def of(self, passes: Passes) -> float:
        """The score, from passes that others may share."""
        return n_parameters(passes.model) / 1e6


proxies.add("params", Params)
