"""`CurveRegression`: the end of a learning curve by a regression on its features (Baker et al. 2017).

Accelerating Neural Architecture Search using Performance Prediction, https://arxiv.org/abs/1705.10823.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netwright.core.errors import InvalidInput
from netwright.predictors.curve_forecast import Forecast
from netwright.predictors.protocols import Numbers

__all__ = ["CurveRegression"]

_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class CurveRegression:
    """Learns from whole curves how much is still gained after the present epoch.

    The features are the last value and what was gained over the last quarter and the last half of the epochs. It is a
    ridge regression of the rest of the gain, with Student's t distribution for what it doesn't explain: a few whole
    curves are enough to begin with, and say little by themselves. One epoch is too little: a slow start looks like a
    bad end, and only slopes tell them apart.

    Differs from the paper: its support vector regression needs a hundred whole curves and has no distribution of its
    own; features of the arch and the training are left out, as they differ little where there are few curves.

    Attributes:
        ridge: the penalty of the standardised features' weights.

    Example:
        >>> epochs = np.arange(1, 21)
        >>> finished = np.array([level + 1 / epochs for level in (0.1, 0.2, 0.3, 0.4)])
        >>> forecast = CurveRegression().forecast(0.25 + 1 / epochs[:5], finished)
        >>> round(forecast.mean, 2)
        0.3
    """

    ridge: float = 1.0

    def __post_init__(self) -> None:
        if not self.ridge > 0:
            raise InvalidInput(f"`ridge` of CurveRegression must be above 0, but got {self.ridge!r}.")

    def forecast(self, curve: Numbers, finished: Numbers) -> Forecast | None:
        """The end of a curve; None after one epoch, or with fewer than three whole curves."""
        n, epoch = len(finished), len(curve)
        if n < 3 or epoch < 2:
            return None
        known, asked = features(finished[:, :epoch]), features(curve[None])[0]
        gains = finished[:, -1] - finished[:, epoch - 1]
        middle, scale = known.mean(axis=0), known.std(axis=0) + _TINY
        x, at = (known - middle) / scale, (asked - middle) / scale
        inverse = np.linalg.inv(x.T @ x + self.ridge * np.eye(x.shape[1]))
        weights = inverse @ (x.T @ (gains - gains.mean()))
        left = gains - gains.mean() - x @ weights
        used = 1.0 + float(np.einsum("ij,jk,ik->", x, inverse, x))  # effective number of parameters
        freedom = max(1.0, n - used)
        variance = float(left @ left) / freedom * (1 + 1 / n + float(at @ inverse @ at))
        mean = float(curve[-1] + gains.mean() + at @ weights)
        spread = max(variance**0.5, _TINY * (1 + abs(mean)))
        return Forecast(np.array([mean]), np.array([spread]), np.array([freedom]), np.ones(1))


def features(curves: Numbers) -> Numbers:
    """The last value, and the gains over the last quarter and the last half of the epochs; shape (n, 3).

    Example:
        >>> features(np.array([[4.0, 3.0, 2.5, 2.25]])).tolist()
        [[2.25, -0.25, -0.75]]
    """
    epoch = curves.shape[1]
    last = curves[:, -1]
    quarter, half = (curves[:, max(0, epoch - 1 - max(1, epoch // part))] for part in (4, 2))
    return np.stack([last, last - quarter, last - half], axis=1)
