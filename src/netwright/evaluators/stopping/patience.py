"""Patience: a training that no longer gets better (Prechelt 1998, Early Stopping - But When?)."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import ClassVar

import numpy as np

from netwright.core.errors import InvalidInput
from netwright.core.registry import stopping
from netwright.evaluators.stopping.rule import RunningCurve

__all__ = ["Patience", "patience"]


@dataclass(frozen=True, slots=True)
class Patience:
    """Stops a training that hasn't got better for some epochs; it knows of no other candidate.

    With a learning rate that comes down at the end, as in the default plans, much is gained in the last epochs. So it
    suits constant learning rates.

    Attributes:
        epochs: without a new best value.
        least: by how much a value must be better than the best one to count.

    Example:
        >>> Patience(epochs=2)(RunningCurve(np.array([0.5, 0.6, 0.55]), np.ones(3), 9))
        'no better value for 2 epochs'
    """

    epochs: int = 5
    least: float = 0.0
    compares: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not isinstance(self.epochs, Integral) or self.epochs < 1 or not self.least >= 0:
            raise InvalidInput(
                "`epochs` of Patience must be a whole number of at least 1 and `least` at least 0, but got "
                f"epochs={self.epochs!r}, least={self.least!r}."
            )

    def __call__(self, curve: RunningCurve) -> str:
        """Why to stop."""
        if curve.epoch <= self.epochs:
            return ""
        before = np.min(curve.losses[: -self.epochs])
        if float(curve.losses[-self.epochs :].min()) < before - self.least:
            return ""
        return f"no better value for {self.epochs} epoch{'s' if self.epochs > 1 else ''}"


@stopping.register
def patience() -> Patience:
    """No better value for five epochs."""
    return Patience()
