"""Stopping inside a training run: rules that say when a training isn't worth going on with."""

from netwright.evaluators.stopping.divergence import Divergence
from netwright.evaluators.stopping.extrapolation import Extrapolation
from netwright.evaluators.stopping.last_value import LastValue
from netwright.evaluators.stopping.median import MedianRule
from netwright.evaluators.stopping.patience import Patience
from netwright.evaluators.stopping.rule import RunningCurve, StoppingRule
from netwright.evaluators.stopping.stopping import Stopping, stopping_from
from netwright.evaluators.stopping.sum_of_losses import SumOfLosses

__all__ = [
    "Divergence",
    "Extrapolation",
    "LastValue",
    "MedianRule",
    "Patience",
    "RunningCurve",
    "Stopping",
    "StoppingRule",
    "SumOfLosses",
    "stopping_from",
]
