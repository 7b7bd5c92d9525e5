"""`StoppingRule` and what it sees: the curve so far, and those of earlier candidates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

__all__ = ["Numbers", "RunningCurve", "StoppingRule", "worse_than_share"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"


@dataclass(frozen=True, slots=True, eq=False)
class RunningCurve:
    """A training under way after an epoch, with the curves of earlier candidates of the same search.

    All values are minimised: those of a maximised metric come negated.

    Attributes:
        losses: the metric on the validation part after each epoch so far, shape (epoch,).
        train_losses: the mean training loss of each epoch, shape (epoch,).
        until: the epoch at which this training ends.
        earlier_losses, earlier_train_losses: of earlier candidates, the stopped ones included, shape (n, longest); NaN
            where there is no value.
        finished: rows of those that reached `until`, shape (n_finished,); found by itself.

    Example:
        >>> earlier = np.array([[0.9, 0.5], [0.8, np.nan]])
        >>> curve = RunningCurve(np.array([0.7]), np.array([1.0]), 2, earlier, earlier)
        >>> curve.epoch, curve.reached.tolist(), curve.finished_losses.tolist(), curve.best
        (1, [0.9, 0.8], [[0.9, 0.5]], 0.5)
    """

    losses: Numbers
    train_losses: Numbers
    until: int
    earlier_losses: Numbers = field(default_factory=lambda: np.zeros((0, 1)))
    earlier_train_losses: Numbers = field(default_factory=lambda: np.zeros((0, 1)))
    finished: np.ndarray[Any, np.dtype[np.intp]] = field(init=False)

    def __post_init__(self) -> None:
        whole = np.zeros(0, np.intp)
        if len(self.earlier_losses) and self.earlier_losses.shape[1] >= self.until:
            whole = np.flatnonzero(np.isfinite(self.earlier_losses[:, self.until - 1]))  # few, mostly
            whole = whole[np.isfinite(self.earlier_losses[whole, : self.until]).all(axis=1)]
        object.__setattr__(self, "finished", whole)

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self.losses)

    @property
    def reached(self) -> Numbers:
        """The losses of earlier candidates at the same epoch, of those that reached it; shape (n_reached,)."""
        return _at(self.earlier_losses, self.epoch)

    @property
    def finished_losses(self) -> Numbers:
        """The whole curves, shape (n_finished, until)."""
        return self.earlier_losses[self.finished, : self.until]

    @property
    def best(self) -> float:
        """The least last value of a whole curve; infinite without one."""
        return float(self.earlier_losses[self.finished, self.until - 1].min(initial=np.inf))


@runtime_checkable
class StoppingRule(Protocol):
    """When a training isn't worth going on with. A frozen, picklable dataclass; pure.

    Attributes:
        compares: whether it compares with earlier candidates, so that those have to be known.
    """

    @property
    def compares(self) -> bool:
        """Whether earlier candidates have to be known."""
        ...

    def __call__(self, curve: RunningCurve) -> str:
        """Why to stop after this epoch, in a few words; '' to go on. Not asked after the last epoch."""
        ...


def worse_than_share(value: float, others: Numbers, share: float) -> bool:
    """Whether a value is not among the best share of others; a tie is.

    Example:
        >>> [worse_than_share(value, np.arange(10.0), 0.3) for value in (2.0, 3.0)]
        [False, True]
    """
    return bool(np.count_nonzero(others < value) >= share * len(others)) if len(others) else False


def _at(curves: Numbers, epoch: int) -> Numbers:
    if not len(curves) or curves.shape[1] < epoch:
        return np.zeros(0)
    values = curves[:, epoch - 1]
    return values[np.isfinite(values)]
