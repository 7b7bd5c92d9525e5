"""How to score a candidate: training, any function, a table, and what wraps them."""

from netwright.evaluators.fitting import Fitting, fit
from netwright.evaluators.function import Function
from netwright.evaluators.limited import Limited
from netwright.evaluators.model_cost import ModelCost
from netwright.evaluators.plan import TrainingPlan
from netwright.evaluators.precision import Speed, measure_speed
from netwright.evaluators.scoring import outputs_of, score
from netwright.evaluators.tabular import Tabular
from netwright.evaluators.training import Training

__all__ = [
    "Fitting",
    "Function",
    "Limited",
    "ModelCost",
    "Speed",
    "Tabular",
    "Training",
    "TrainingPlan",
    "fit",
    "measure_speed",
    "outputs_of",
    "score",
]
