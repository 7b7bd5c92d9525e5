"""`ModelCost`: what an arch costs, as cheap metrics for `Limited`."""

from __future__ import annotations

from dataclasses import dataclass

from netwright.core import Arch
from netwright.models import cost
from netwright.spaces import Space

__all__ = ["ModelCost"]


@dataclass(frozen=True, slots=True)
class ModelCost:
    """Parameters, FLOPs and activation memory of an arch, without its weights ever being made.

    Attributes:
        space: what the arches are of.
        input_shape: of one example.
        n_outputs: that the task needs.

    Example:
        >>> from netwright import nn, Space
        >>> space = Space(nn.Sequential(nn.Linear(4, 3)))
        >>> ModelCost(space, (4,), 3)(Arch({}))["params"]
        15.0
    """

    space: Space
    input_shape: tuple[int, ...]
    n_outputs: int | None = None

    def __call__(self, arch: Arch) -> dict[str, float]:
        """`params`, `flops` (a multiply-add counts as two) and `activation_mb`."""
        return cost(self.space, arch, input_shape=self.input_shape, n_outputs=self.n_outputs)
