"""How to guess a metric from an arch: encodings, and predictors with uncertainty that learn from records."""

from netwright.predictors.encodings import Canonical, Extra, GraphFeatures, Joined, OneHot, Pairwise, Paths, Standard
from netwright.predictors.protocols import Encoding, Fitted, Predictor
from netwright.predictors.whole_space import WholeSpace, encoded, graphs_of, whole_space

__all__ = [
    "Canonical",
    "Encoding",
    "Extra",
    "Fitted",
    "GraphFeatures",
    "Joined",
    "OneHot",
    "Pairwise",
    "Paths",
    "Predictor",
    "Standard",
    "WholeSpace",
    "encoded",
    "graphs_of",
    "whole_space",
]
