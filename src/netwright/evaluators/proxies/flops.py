"""`Flops`: how much a forward pass computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from netwright.core.registry import proxies
from netwright.evaluators.proxies.batch import ProxyBatch
from netwright.evaluators.proxies.passes import Need, Passes, measured
from netwright.models.evaluation_mode import evaluating
from netwright.models.meter import Meter

__all__ = ["Flops"]


@dataclass(frozen=True, slots=True)
class Flops:
    """Floating-point operations of one example's forward pass, in millions: another baseline (Ning et al. 2021).

    Higher is taken as better. A multiply-add counts as two, which is twice what many papers call FLOPs. How often it is
    hard to beat: https://arxiv.org/abs/2008.03064.

    Example:
        >>> batch = ProxyBatch(torch.zeros(2, 4), torch.zeros(2, 3), nn.functional.mse_loss)
        >>> Flops()(nn.Linear(4, 3), batch)
        2.4e-05
    """

    needs: ClassVar[frozenset[Need]] = frozenset()

    def __call__(self, model: nn.Module, batch: ProxyBatch) -> float:
        """The score of a model."""
        return measured(self, model, batch)

    def of(self, passes: Passes) -> float:
        """The score, from passes that others may share."""
        with evaluating(passes.model), torch.no_grad(), Meter() as meter:
            passes.model(passes.batch.inputs[:1].clone())
        return meter.flops / 1e6


proxies.add("flops", Flops)
