"""Which paths of a supernet are trained: one sampler a file."""

from netwright.oneshot.samplers.attentive import Attentive
from netwright.oneshot.samplers.controller_driven import ControllerDriven
from netwright.oneshot.samplers.greedy import Greedy
from netwright.oneshot.samplers.path_sampler import LearningPaths, Paths, PathSampler, Turn
from netwright.oneshot.samplers.progressive_shrinking import ProgressiveShrinking
from netwright.oneshot.samplers.sandwich import Sandwich
from netwright.oneshot.samplers.strict_fairness import StrictFairness
from netwright.oneshot.samplers.uniform import Uniform

__all__ = [
    "Attentive",
    "ControllerDriven",
    "Greedy",
    "LearningPaths",
    "PathSampler",
    "Paths",
    "ProgressiveShrinking",
    "Sandwich",
    "StrictFairness",
    "Turn",
    "Uniform",
]
