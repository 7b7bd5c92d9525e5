"""`Nwot`: into how many linear pieces the network tells the examples apart.

Mellor et al. 2021, Neural Architecture Search without Training (NASWOT), https://arxiv.org/abs/2006.04647.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from netwright.core.errors import EvaluationError
from netwright.core.registry import proxies
from netwright.evaluators.proxies.batch import ProxyBatch
from netwright.evaluators.proxies.passes import Need, Passes, measured

__all__ = ["Nwot"]


@dataclass(frozen=True, slots=True)
class Nwot:
    """How different the examples' patterns of active units are (Mellor et al. 2021, arXiv:2006.04647).

    The logarithm of the determinant of the matrix that counts, for each two examples, the activations of equal sign.
    Higher is taken as better. The paper looks at ReLU modules; here every activation function of torch counts, also one
    that is called as a function, by the sign of what enters it. Two equal examples make it minus infinity: an error.
    With fewer units than examples the matrix is singular, and what comes out is little but rounding (about -36 for each
    unit that is missing): take fewer examples for small networks.

    Example:
        >>> model = nn.Sequential(nn.Linear(3, 64), nn.ReLU(), nn.Linear(64, 1))
        >>> batch = ProxyBatch(torch.randn(4, 3), torch.randn(4, 1), nn.functional.mse_loss)
        >>> 0 < Nwot()(model, batch) < 4 * torch.tensor(64.0).log()
        tensor(True)
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"signs"})

    def __call__(self, model: nn.Module, batch: ProxyBatch) -> float:
        """The score of a model."""
        return measured(self, model, batch)

    def of(self, passes: Passes) -> float:
        """The score, from passes that others may share."""
        if passes.signs is None:
            raise EvaluationError(
                "Nwot looks at activation functions, but met none of torch's: the model is linear, or its activations "
                "are inside fused layers (LSTM, GRU) or code of your own."
            )
        found = float(torch.linalg.slogdet(passes.signs)[1])
        if found == -math.inf:
            raise EvaluationError(
                f"Nwot tells examples apart by the units they switch on, but of {len(passes.batch)} examples some "
                "switch on the same ones: the model has few units for so many, or there are equal examples."
            )
        return found


proxies.add("nwot", Nwot)
