"""How to explore: one pure strategy a file."""

from netwright.strategies.asha import ASHA
from netwright.strategies.bandit import Bandit
from netwright.strategies.bayesian_optimisation import BayesianOptimisation
from netwright.strategies.constrained import Constrained
from netwright.strategies.deduplicated import Deduplicated
from netwright.strategies.expected_hypervolume import ExpectedHypervolume
from netwright.strategies.genetic import Genetic
from netwright.strategies.grid import Grid
from netwright.strategies.hyperband import Hyperband
from netwright.strategies.local_search import LocalSearch
from netwright.strategies.mixed import Mixed
from netwright.strategies.narrowed import Narrowed
from netwright.strategies.nsga2 import NSGA2
from netwright.strategies.nsga3 import NSGA3
from netwright.strategies.optuna_sampler import OptunaSampler
from netwright.strategies.ppo import PPO
from netwright.strategies.progressive import Progressive
from netwright.strategies.random import Random
from netwright.strategies.regularized_evolution import RegularizedEvolution
from netwright.strategies.reinforce import Reinforce
from netwright.strategies.repeated import Repeated
from netwright.strategies.simulated_annealing import SimulatedAnnealing
from netwright.strategies.staged import Staged
from netwright.strategies.starting_with import StartingWith
from netwright.strategies.successive_halving import SuccessiveHalving
from netwright.strategies.warm_started import WarmStarted

__all__ = [
    "ASHA",
    "NSGA2",
    "NSGA3",
    "PPO",
    "Bandit",
    "BayesianOptimisation",
    "Constrained",
    "Deduplicated",
    "ExpectedHypervolume",
    "Genetic",
    "Grid",
    "Hyperband",
    "LocalSearch",
    "Mixed",
    "Narrowed",
    "OptunaSampler",
    "Progressive",
    "Random",
    "RegularizedEvolution",
    "Reinforce",
    "Repeated",
    "SimulatedAnnealing",
    "Staged",
    "StartingWith",
    "SuccessiveHalving",
    "WarmStarted",
]
