"""How to guess a metric from an arch: encodings, and predictors with uncertainty that learn from records."""

from netwright.predictors.encodings import (
    Canonical,
    Extra,
    GraphFeatures,
    Imputed,
    Joined,
    OneHot,
    Pairwise,
    Paths,
    Standard,
    TrainingDecisions,
)
from netwright.predictors.gaussian_process import GaussianProcess
from netwright.predictors.gradient_boosting import GradientBoosting
from netwright.predictors.graph_network import GraphNetwork
from netwright.predictors.mlp_ensemble import MlpEnsemble
from netwright.predictors.protocols import Encoding, Fitted, Predictor
from netwright.predictors.proxies import Consensus, Proxies, with_proxies
from netwright.predictors.random_forest import RandomForest
from netwright.predictors.ridge import Ridge
from netwright.predictors.whole_space import WholeSpace, encoded, graphs_of, whole_space

__all__ = [
    "Canonical",
    "Consensus",
    "Encoding",
    "Extra",
    "Fitted",
    "GaussianProcess",
    "GradientBoosting",
    "GraphFeatures",
    "GraphNetwork",
    "Imputed",
    "Joined",
    "MlpEnsemble",
    "OneHot",
    "Pairwise",
    "Paths",
    "Predictor",
    "Proxies",
    "RandomForest",
    "Ridge",
    "Standard",
    "TrainingDecisions",
    "WholeSpace",
    "encoded",
    "graphs_of",
    "whole_space",
    "with_proxies",
]
