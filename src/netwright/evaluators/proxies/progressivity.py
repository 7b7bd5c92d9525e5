"""`Progressivity`: whether features fill their space more evenly from block to block.

Lee & Ham 2024, AZ-NAS, https://arxiv.org/abs/2403.19232.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from netwright.core.registry import proxies
from netwright.evaluators.proxies.batch import ProxyBatch
from netwright.evaluators.proxies.passes import Need, Passes, measured
from netwright.evaluators.proxies.random_blocks import random_blocks

__all__ = ["Progressivity"]


@dataclass(frozen=True, slots=True)
class Progressivity:
    """The least growth of `Expressivity` from one block to the next (Lee & Ham 2024, arXiv:2403.19232).

    With random weights and random inputs. Higher is better. What a block is, the paper says for its spaces; here blocks
    are the network's outermost parts, of which the largest are taken apart until there are enough.

    Example:
        >>> import torch
        >>> model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1))
        >>> batch = ProxyBatch(torch.zeros(16, 3), torch.zeros(16, 1), nn.functional.mse_loss)
        >>> Progressivity()(model, batch) < 1
        True
    """

    needs: ClassVar[frozenset[Need]] = frozenset()

    def __call__(self, model: nn.Module, batch: ProxyBatch) -> float:
        """The score of a model."""
        return measured(self, model, batch)

    def of(self, passes: Passes) -> float:
        """The score, from passes that others may share."""
        entropies = random_blocks(passes).entropies
        return min(later - earlier for earlier, later in itertools.pairwise(entropies))


proxies.add("progressivity", Progressivity)
