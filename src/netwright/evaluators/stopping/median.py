"""The median stopping rule (Golovin et al. 2017, Google Vizier, https://research.google/pubs/pub46180/)."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import ClassVar

import numpy as np

from netwright.core.errors import InvalidInput
from netwright.core.registry import stopping
from netwright.evaluators.stopping.rule import RunningCurve

__all__ = ["MedianRule", "check_start", "median"]


@dataclass(frozen=True, slots=True)
class MedianRule:
    """Stops a training whose best value so far is worse than the median of the others' running means at its epoch.

    Attributes:
        start: candidates that have to be known at an epoch before one is stopped there.
        grace: epochs that each candidate is trained at least.

    As in Vizier, stopped candidates count as far as they came. The number of candidates to begin with is ours.

    Example:
        >>> earlier = np.array([[0.9, 0.5, 0.4], [0.8, 0.6, 0.5], [0.7, 0.4, 0.3]])
        >>> MedianRule(start=3)(RunningCurve(np.array([0.9, 0.8]), np.ones(2), 3, earlier, earlier))
        'its best 0.8 is worse than the median 0.7 of 3 others'
    """

    start: int = 5
    grace: int = 1
    compares: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_start(self, self.start, self.grace)

    def __call__(self, curve: RunningCurve) -> str:
        """Why to stop."""
        epoch = curve.epoch
        others = curve.earlier_losses[:, :epoch]
        if epoch < self.grace or others.shape[1] < epoch:
            return ""
        means = others.mean(axis=1)  # NaN where one isn't there
        means = means[np.isfinite(means)]
        if len(means) < self.start:
            return ""
        best, middle = float(curve.losses.min()), float(np.median(means))
        if best > middle:
            return f"its best {abs(best):.4g} is worse than the median {abs(middle):.4g} of {len(means)} others"
        return ""


def check_start(rule: object, start: int, grace: int) -> None:
    """Check the two numbers that all rules have which compare.

    Raises:
        InvalidInput: if one is below 1.
    """
    if not all(isinstance(number, Integral) and number >= 1 for number in (start, grace)):
        raise InvalidInput(
            f"`start` and `grace` of {type(rule).__name__} must be whole numbers of at least 1, but got "
            f"start={start!r}, grace={grace!r}."
        )


@stopping.register
def median() -> MedianRule:
    """Worse than the median of the others at this epoch (Golovin et al. 2017)."""
    return MedianRule()
