"""`ParametricCurves`: the end of a learning curve by an ensemble of parametric curves (Domhan et al. 2015).

Speeding up Automatic Hyperparameter Optimization of Deep Neural Networks by Extrapolation of Learning Curves,
https://www.ijcai.org/Proceedings/15/Papers/487.pdf.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from netwright.core.errors import InvalidInput
from netwright.predictors.curve_forecast import Forecast
from netwright.predictors.protocols import Numbers

__all__ = ["ParametricCurves", "shapes"]

_WIDE = 10.0  # standard deviation of the two linear parameters, in units of what the curve has fallen so far
_NOISE_SHAPE = 1.0  # of the inverse gamma distribution of the noise: its weight is that of two epochs
_NOISE = 0.05  # the noise that is expected, in the same units
_MISFIT = 1.0  # of the further fall: how far the end may be from what even the best shape says
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class ParametricCurves:
    """Fits decreasing curves of several families, and weighs them by how well they explain what is seen.

    It needs no other curves. Each curve is an end value plus a height times a falling shape. The families of shapes:
    power laws, shifted power laws, stretched exponentials (Weibull, Janoschek, exp4 of the paper), Morgan-Mercer-Flodin
    (with Hill and the logistic power law) and the inverse logarithm.

    Differs from the paper: end value, height and noise are integrated exactly and the parameters of the shapes summed
    over a grid, where the paper samples all of them by MCMC, which takes a thousand times as long; the parts are a
    mixture, not a weighted sum, and the vapour pressure and log-log-linear families are left out. As no family is the
    true one, the end is taken to be less certain by as much as the fall that is still to come.

    Attributes:
        least: epochs that have to be seen before anything is said.

    Example:
        >>> epochs = np.arange(1, 51)
        >>> curve = 0.3 + 1 / epochs
        >>> forecast = ParametricCurves().forecast(curve[:30], np.zeros((0, 50)))
        >>> round(forecast.mean, 2), float(curve[-1])
        (0.32, 0.32)
    """

    least: int = 4

    def __post_init__(self) -> None:
        if not isinstance(self.least, int) or self.least < 3:
            raise InvalidInput(f"`least` of ParametricCurves must be a whole number of at least 3, not {self.least!r}.")

    def forecast(self, curve: Numbers, finished: Numbers) -> Forecast | None:
        """The end of a curve; None before the least number of epochs, or if it hasn't fallen at all."""
        from scipy.special import gammaln

        epoch, until = len(curve), finished.shape[1]
        fallen = float(curve.max() - curve.min()) if epoch else 0.0
        if epoch < self.least or fallen <= _TINY:
            return None
        y = (curve - curve.min()) / fallen
        falling = shapes(until)
        x = np.stack([np.ones_like(falling[:, :epoch]), falling[:, :epoch]], axis=2)  # (n_shapes, epoch, 2)
        end = np.stack([np.ones(len(falling)), falling[:, -1]], axis=1)
        # A normal-inverse-gamma prior gives everything in closed form, for all shapes at once.
        precision = np.swapaxes(x, 1, 2) @ x + np.eye(2) / _WIDE**2
        covariance = np.linalg.inv(precision)
        weights = np.einsum("kij,kj->ki", covariance, np.einsum("ket,e->kt", x, y))
        a = _NOISE_SHAPE + epoch / 2
        left = float(y @ y) - np.einsum("ki,kij,kj->k", weights, precision, weights)
        b = _NOISE_SHAPE * _NOISE**2 + 0.5 * np.maximum(left, 0.0)
        log_evidence = 0.5 * np.linalg.slogdet(covariance)[1] - a * np.log(b) + gammaln(a)
        log_evidence[weights[:, 1] <= 0] = -np.inf  # it would rise
        if not np.isfinite(log_evidence).any():
            return None
        share = np.exp(log_evidence - log_evidence.max())
        kept = share > 1e-6 * share.max()
        means = np.einsum("ki,ki->k", end, weights)
        further = _MISFIT * (means - y[-1])
        spreads = np.sqrt(b / a * (1 + np.einsum("ki,kij,kj->k", end, covariance, end)) + further**2)
        return Forecast(
            curve.min() + fallen * means[kept],
            fallen * spreads[kept],
            np.full(int(kept.sum()), 2 * a),
            share[kept] / share[kept].sum(),
        )


@lru_cache(maxsize=8)
def shapes(n_epochs: int) -> Numbers:
    """Falling shapes from one at the first epoch, shape (n_shapes, n_epochs).

    Example:
        >>> shapes(30).shape, bool((np.diff(shapes(30)) <= 0).all())
        ((161, 30), True)
    """
    t = np.arange(1, n_epochs + 1, dtype=np.float64)
    found = [1 / np.log1p(t)]
    for power in (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0):
        found += [(t + shift) ** -power for shift in (0.0, 1.0, 3.0, 10.0)]
    for rate in np.geomspace(0.01, 2.0, 8):
        found += [np.exp(-rate * t**stretch) for stretch in (0.3, 0.5, 0.7, 1.0, 1.3, 1.6, 2.0, 2.5)]
    for rate in np.geomspace(0.02, 2.0, 8):
        found += [1 / (1 + (rate * t) ** steep) for steep in (0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)]
    table = np.array(found)
    table = table / table[:, :1]
    table.setflags(write=False)
    return table
