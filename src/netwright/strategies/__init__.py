"""How to explore: one pure strategy a file."""

from netwright.strategies.bandit import Bandit
from netwright.strategies.deduplicated import Deduplicated
from netwright.strategies.grid import Grid
from netwright.strategies.local_search import LocalSearch
from netwright.strategies.narrowed import Narrowed
from netwright.strategies.optuna_sampler import OptunaSampler
from netwright.strategies.random import Random
from netwright.strategies.regularized_evolution import RegularizedEvolution
from netwright.strategies.starting_with import StartingWith

__all__ = [
    "Bandit",
    "Deduplicated",
    "Grid",
    "LocalSearch",
    "Narrowed",
    "OptunaSampler",
    "Random",
    "RegularizedEvolution",
    "StartingWith",
]
