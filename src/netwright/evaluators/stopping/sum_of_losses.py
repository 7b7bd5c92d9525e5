"""Sums of training losses (Ru et al. 2021, Speedy Performance Estimation for NAS, https://arxiv.org/abs/2006.04492)."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import ClassVar

import numpy as np

from netwright.core.errors import InvalidInput
from netwright.core.registry import stopping
from netwright.evaluators.stopping.last_value import check_share
from netwright.evaluators.stopping.median import check_start
from netwright.evaluators.stopping.rule import RunningCurve, worse_than_share

__all__ = ["SumOfLosses", "sum_of_losses"]


@dataclass(frozen=True, slots=True)
class SumOfLosses:
    """Stops a training whose sum of training losses isn't among the least share of the others' at the same epoch.

    Networks that train fast generalise well, and the sum needs no validation part: the paper's TSE (SoTL in an earlier
    version), with `last` its TSE-E.

    Differs from the paper, which ranks candidates by the sum after a fixed number of epochs: here it decides, after
    each epoch, which of them go on.

    Attributes:
        last: epochs that are summed, the latest ones; None: all of them.
        share: of the candidates that reached the epoch.
        start: candidates that have to be whole before one is stopped.
        grace: epochs that each candidate is trained at least.

    Example:
        >>> losses = np.array([[2.0, 1.0], [1.9, 0.9], [1.5, 0.6], [1.4, 0.5]])
        >>> SumOfLosses(start=4)(RunningCurve(np.ones(1), np.array([1.8]), 2, losses, losses))
        'its sum of training losses 1.8 is not among the least 50 % of 4 others'
    """

    last: int | None = None
    share: float = 0.5
    start: int = 5
    grace: int = 1
    compares: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_start(self, self.start, self.grace)
        check_share(self, self.share)
        if self.last is not None and not (isinstance(self.last, Integral) and self.last >= 1):
            raise InvalidInput(
                f"`last` of SumOfLosses must be a whole number of at least 1, or None; got {self.last!r}."
            )

    def __call__(self, curve: RunningCurve) -> str:
        """Why to stop."""
        epoch = curve.epoch
        if epoch < self.grace or len(curve.finished) < self.start or curve.earlier_train_losses.shape[1] < epoch:
            return ""
        first = 0 if self.last is None else max(0, epoch - self.last)
        others = curve.earlier_train_losses[:, first:epoch].sum(axis=1)
        others = others[np.isfinite(others)]
        total = float(curve.train_losses[first:epoch].sum())
        if worse_than_share(total, others, self.share):
            least = f"the least {100 * self.share:.0f} % of {len(others)} others"
            return f"its sum of training losses {total:.4g} is not among {least}"
        return ""


@stopping.register
def sum_of_losses() -> SumOfLosses:
    """A sum of training losses that isn't in the lower half at this epoch (TSE; Ru et al. 2021)."""
    return SumOfLosses()
