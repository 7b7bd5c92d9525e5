"""`Trainability`: whether signals keep their size on the way back.

Lee & Ham 2024, AZ-NAS, https://arxiv.org/abs/2403.19232.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from netwright.core.errors import EvaluationError
from netwright.core.registry import proxies
from netwright.evaluators.proxies.batch import ProxyBatch
from netwright.evaluators.proxies.passes import Need, Passes, measured
from netwright.evaluators.proxies.random_blocks import random_blocks

__all__ = ["Trainability"]


@dataclass(frozen=True, slots=True)
class Trainability:
    """How near the gain of each block is to 1 on the way back, averaged over blocks (Lee & Ham 2024, arXiv:2403.19232).

    With s the largest singular value of what a block passes back for random signs: 2 - s - 1 / s. Higher is better. A
    block that changes nothing has no gain in the paper, which makes the score minus infinity: an error here. What a
    block is, the paper says for its spaces; here blocks
    are the network's outermost parts, of which the largest are taken apart until there are enough.

    Example:
        >>> import torch
        >>> model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1))
        >>> batch = ProxyBatch(torch.zeros(16, 3), torch.zeros(16, 1), nn.functional.mse_loss)
        >>> Trainability()(model, batch) <= 0
        True
    """

    needs: ClassVar[frozenset[Need]] = frozenset()

    def __call__(self, model: nn.Module, batch: ProxyBatch) -> float:
        """The score of a model."""
        return measured(self, model, batch)

    def of(self, passes: Passes) -> float:
        """The score, from passes that others may share."""
        gains = random_blocks(passes).gains
        if not gains:
            raise EvaluationError("Trainability compares neighbouring blocks, but no two have positions that fit.")
        return sum(2 - gain - 1 / (gain + 1e-6) for gain in gains) / len(gains)


proxies.add("trainability", Trainability)
