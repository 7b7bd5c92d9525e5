"""Divergence: a training loss that grows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from netwright.core.errors import InvalidInput
from netwright.core.registry import stopping
from netwright.evaluators.stopping.rule import RunningCurve

__all__ = ["Divergence", "divergence"]


@dataclass(frozen=True, slots=True)
class Divergence:
    """Stops a training whose loss is a multiple of what it was after the first epoch, or whose metric is no number.

    A training loss that is no number fails the candidate with or without a rule.

    Attributes:
        times: the multiple, above 1.

    Example:
        >>> import numpy as np
        >>> Divergence()(RunningCurve(np.array([0.9, 0.9]), np.array([2.3, 7.0]), 9))
        'it diverges: the training loss is 7, after 2.3 in the first epoch'
    """

    times: float = 2.0
    compares: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not self.times > 1:
            raise InvalidInput(f"`times` of Divergence must be above 1, but got {self.times!r}.")

    def __call__(self, curve: RunningCurve) -> str:
        """Why to stop."""
        last = float(curve.losses[-1])
        if not math.isfinite(last):
            return f"it diverges: the metric is {last}"
        first, now = float(curve.train_losses[0]), float(curve.train_losses[-1])
        if first > 0 and now > self.times * first:
            return f"it diverges: the training loss is {now:.4g}, after {first:.4g} in the first epoch"
        return ""


@stopping.register
def divergence() -> Divergence:
    """A training loss that is twice what it was after the first epoch."""
    return Divergence()
