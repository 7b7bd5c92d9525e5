"""The last value as it is: the baseline that every other rule has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netwright.core.errors import InvalidInput
from netwright.core.registry import stopping
from netwright.evaluators.stopping.median import check_start
from netwright.evaluators.stopping.rule import RunningCurve, worse_than_share

__all__ = ["LastValue", "check_share", "last_value"]


@dataclass(frozen=True, slots=True)
class LastValue:
    """Stops a training whose last value isn't among the best share of the others' values at the same epoch.

    It takes the ranks of now for those of the end, which is what every extrapolation has to be better than.

    Attributes:
        share: of the candidates that reached the epoch.
        start: candidates that have to be whole before one is stopped.
        grace: epochs that each candidate is trained at least.

    Example:
        >>> import numpy as np
        >>> earlier = np.array([[0.9, 0.5], [0.8, 0.6], [0.7, 0.4], [0.6, 0.3]])
        >>> LastValue(start=4)(RunningCurve(np.array([0.75]), np.ones(1), 2, earlier, earlier))
        'its last value 0.75 is not among the best 50 % of 4 others'
    """

    share: float = 0.5
    start: int = 5
    grace: int = 1
    compares: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_start(self, self.start, self.grace)
        check_share(self, self.share)

    def __call__(self, curve: RunningCurve) -> str:
        """Why to stop."""
        if curve.epoch < self.grace or len(curve.finished) < self.start:
            return ""
        last, others = float(curve.losses[-1]), curve.reached
        if worse_than_share(last, others, self.share):
            best = f"the best {100 * self.share:.0f} % of {len(others)} others"
            return f"its last value {abs(last):.4g} is not among {best}"
        return ""


def check_share(rule: object, share: float) -> None:
    """Check a share of the candidates.

    Raises:
        InvalidInput: if it isn't above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise InvalidInput(f"`share` of {type(rule).__name__} must be above 0 and at most 1, but got {share!r}.")


@stopping.register
def last_value() -> LastValue:
    """Not in the better half at this epoch: the baseline of all rules."""
    return LastValue()
