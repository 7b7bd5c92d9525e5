"""How to score a candidate: training, any function, a table, and what wraps them."""

from netwright.evaluators.cached import Cached
from netwright.evaluators.fidelity_data import DataFidelity
from netwright.evaluators.fidelity_ranking import FidelityRanking, cheapest_that_ranks, rank_fidelities
from netwright.evaluators.fidelity_resolution import ResolutionFidelity
from netwright.evaluators.fidelity_width import WidthFidelity
from netwright.evaluators.fitting import Fitting, fit
from netwright.evaluators.function import Function
from netwright.evaluators.limited import Limited
from netwright.evaluators.model_cost import ModelCost
from netwright.evaluators.pace import AtPace, Pace
from netwright.evaluators.plan import TrainingPlan
from netwright.evaluators.precision import Speed, measure_speed, seconds_per_example
from netwright.evaluators.predicted import Predicted
from netwright.evaluators.scoring import outputs_of, score
from netwright.evaluators.tabular import Tabular
from netwright.evaluators.training import Training

__all__ = [
    "AtPace",
    "Cached",
    "DataFidelity",
    "FidelityRanking",
    "Fitting",
    "Function",
    "Limited",
    "ModelCost",
    "Pace",
    "Predicted",
    "ResolutionFidelity",
    "Speed",
    "Tabular",
    "Training",
    "TrainingPlan",
    "WidthFidelity",
    "cheapest_that_ranks",
    "fit",
    "measure_speed",
    "outputs_of",
    "rank_fidelities",
    "score",
    "seconds_per_example",
]
