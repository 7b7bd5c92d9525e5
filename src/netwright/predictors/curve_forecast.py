"""`Forecast`: what a learning curve is expected to come to, and the protocol of what says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from netwright.predictors.protocols import Numbers

__all__ = ["CurvePredictor", "Forecast"]


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """A mixture of Student's t distributions of the last value of a curve.

    Attributes:
        means, spreads: of each part, shapes (n_parts,).
        freedoms: degrees of freedom of each part.
        weights: of the parts; they sum to one.

    Example:
        >>> import numpy as np
        >>> forecast = Forecast(np.array([0.5]), np.array([0.1]), np.array([30.0]), np.array([1.0]))
        >>> forecast.mean, round(forecast.chance_below(0.4), 3)
        (0.5, 0.163)
    """

    means: Numbers
    spreads: Numbers
    freedoms: Numbers
    weights: Numbers

    @property
    def mean(self) -> float:
        """What is expected."""
        return float(self.weights @ self.means)

    def chance_below(self, value: float) -> float:
        """The probability that the curve ends below a value."""
        from scipy.special import stdtr

        return float(self.weights @ stdtr(self.freedoms, (value - self.means) / self.spreads))


class CurvePredictor(Protocol):
    """Foretells where a learning curve ends. A frozen, hashable, picklable dataclass."""

    def forecast(self, curve: Numbers, finished: Numbers) -> Forecast | None:
        """The last value of a curve.

        Args:
            curve: what is known of it, shape (epoch,); finite numbers, minimised.
            finished: whole curves of others, shape (n, n_epochs), finite; `n_epochs` is where the curve ends.

        Returns:
            None if there is too little to say anything.
        """
        ...
