"""Extrapolation: a training that will hardly beat the best one (Domhan et al. 2015; Baker et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from netwright.core.errors import InvalidInput
from netwright.core.registry import stopping
from netwright.evaluators.stopping.last_value import check_share
from netwright.evaluators.stopping.median import check_start
from netwright.evaluators.stopping.rule import RunningCurve, worse_than_share
from netwright.predictors.curve_forecast import CurvePredictor
from netwright.predictors.curve_regression import CurveRegression
from netwright.predictors.parametric_curves import ParametricCurves

__all__ = ["Extrapolation", "extrapolation", "parametric_extrapolation"]

_LEAST_RANKED = 8  # others at an epoch, for ranks to mean something


@dataclass(frozen=True, slots=True)
class Extrapolation:
    """Stops a training whose chance to end better than the best whole one is small.

    Ranks are looked at first. A forecast learns from whole curves, which are few; but all others, stopped ones
    included, say how a candidate does at its epoch, and one that is in the worse part of them there needs no forecast.
    Nor does one that is ahead of the best at the same epoch: it goes on, as a forecast is least to be trusted where no
    whole curve has been.

    The papers' rule is the chance alone. On the learning curves of NAS-Bench-NLP the chance is about the share of the
    searches that lose their best arch by stopping (`benchmarks/learning_curves.py`).

    Attributes:
        predictor: foretells the end of the curve.
        chance: to end better than the best whole curve, below which a training is stopped.
        share: of the candidates that reached the epoch, among which a training must be; 1: ranks don't count.
        start: candidates that have to be whole before one is stopped.
        grace: epochs that each candidate is trained at least.

    Example:
        >>> epochs = np.arange(1, 11)
        >>> earlier = np.array([level + 1 / epochs for level in (0.1, 0.15, 0.2, 0.3)])
        >>> bad = RunningCurve(0.6 + 1 / epochs[:4], np.ones(4), 10, earlier, earlier)
        >>> Extrapolation()(bad).startswith("a chance of 0.")
        True
    """

    predictor: CurvePredictor = field(default_factory=CurveRegression)
    chance: float = 0.01
    share: float = 0.5
    start: int = 3
    grace: int = 1
    compares: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_start(self, self.start, self.grace)
        check_share(self, self.share)
        if not 0 <= self.chance < 1:
            raise InvalidInput(f"`chance` of Extrapolation must be in [0, 1), but got {self.chance!r}.")

    def __call__(self, curve: RunningCurve) -> str:
        """Why to stop."""
        if curve.epoch < self.grace or len(curve.finished) < self.start:
            return ""
        last, others = float(curve.losses[-1]), curve.reached
        if self.share < 1 and len(others) >= _LEAST_RANKED and worse_than_share(last, others, self.share):
            return f"not among the best {100 * self.share:.0f} % of {len(others)} others at this epoch"
        finished = curve.finished_losses
        ahead = last <= finished[finished[:, -1].argmin(), curve.epoch - 1]
        if ahead or not np.isfinite(curve.losses).all():
            return ""
        forecast = self.predictor.forecast(curve.losses, finished)
        if forecast is None:
            return ""
        chance = forecast.chance_below(curve.best)
        if chance < self.chance:
            return f"a chance of {100 * chance:.1f} % to be better than the best, {abs(curve.best):.4g}"
        return ""


@stopping.register
def extrapolation() -> Extrapolation:
    """A small chance to beat the best, by a regression on the curve's features (Baker et al. 2017)."""
    return Extrapolation()


@stopping.register
def parametric_extrapolation() -> Extrapolation:
    """A small chance to beat the best, by an ensemble of parametric curves (Domhan et al. 2015)."""
    return Extrapolation(ParametricCurves(), share=1.0, start=1)
