"""`Jacov`: whether the network treats different inputs differently.

Mellor et al. 2021, Neural Architecture Search without Training, first version, https://arxiv.org/abs/2006.04647v1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from netwright.core.errors import EvaluationError
from netwright.core.registry import proxies
from netwright.evaluators.proxies.batch import ProxyBatch
from netwright.evaluators.proxies.correlations import correlations
from netwright.evaluators.proxies.passes import Need, Passes, measured

__all__ = ["Jacov"]

_SMALL = 1e-5  # the authors'


@dataclass(frozen=True, slots=True)
class Jacov:
    """How little the examples' input gradients correlate (Mellor et al. 2021, arXiv:2006.04647v1).

    Minus the sum of log(v + k) + 1 / (v + k) over the eigenvalues v of the correlation matrix of the gradients of all
    outputs' sum; it is largest, minus the batch size, where nothing correlates. Higher is taken as better. Scores of
    different batch sizes can't be compared.

    Example:
        >>> model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
        >>> batch = ProxyBatch(torch.randn(8, 3), torch.randn(8, 1), nn.functional.mse_loss)
        >>> Jacov()(model, batch) <= -8
        True
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"jacobian"})

    def __call__(self, model: nn.Module, batch: ProxyBatch) -> float:
        """The score of a model."""
        return measured(self, model, batch)

    def of(self, passes: Passes) -> float:
        """The score, from passes that others may share."""
        assert passes.jacobian is not None
        found = correlations(passes.jacobian)
        if not torch.isfinite(found).all():
            raise EvaluationError(
                "Jacov compares how outputs change with the inputs, but for some example they don't change, or equally "
                "in every element: the network has no way from input to output, or has a single input."
            )
        values = torch.linalg.eigvalsh(found).clamp(min=0) + _SMALL
        return -float((values.log() + 1 / values).sum())


proxies.add("jacov", Jacov)
