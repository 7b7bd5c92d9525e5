"""How to explore: one pure strategy a file."""

from netwright.strategies.deduplicated import Deduplicated
from netwright.strategies.grid import Grid
from netwright.strategies.local_search import LocalSearch
from netwright.strategies.optuna_sampler import OptunaSampler
from netwright.strategies.random import Random
from netwright.strategies.regularized_evolution import RegularizedEvolution
from netwright.strategies.starting_with import StartingWith

__all__ = [
    "Deduplicated",
    "Grid",
    "LocalSearch",
    "OptunaSampler",
    "Random",
    "RegularizedEvolution",
    "StartingWith",
]
