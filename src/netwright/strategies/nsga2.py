"""NSGA-II (Deb et al. 2002, https://doi.org/10.1109/4235.996017): evolution of a whole Pareto front."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netwright.core import Candidate, History, Record, SearchSpace
from netwright.spaces.crossovers import Crossover
from netwright.strategies.domination import crowding_distances, sorted_fronts
from netwright.strategies.generations import Generations, check_population
from netwright.strategies.numbers import check_numbers
from netwright.strategies.variation import bred, check_variation

__all__ = ["NSGA2"]


@dataclass(frozen=True, slots=True)
class NSGA2:
    """Keeps what is least dominated and, of equals, least crowded; for any number of objectives, with constraints.

    What breaks limits is dominated by what doesn't, and by what breaks them less; failed records are never parents.

    Attributes:
        population: how many live.
        offspring: how many records end a generation; None: as many as live, 1: steady state.
        crossover: how two parents are made into one child: `uniform`, `one_point`, `subtree`, or a function.
        crossover_rate: chance of it; else the child starts as a copy of the first parent.
        mutation_rate: chance of each decision to be changed after that; None: one over their number. A child that is
            still one of its parents has one decision changed in any case.

    Differs from the paper in the operators, which are those of the space; in that generations don't wait, so that it
    runs with any number of workers; and in its defaults, which are for hundreds of evaluations: a population of 20
    instead of 100, and mutations of copies only (the paper's rate is None).

    Example:
        >>> NSGA2(population=40).population
        40
    """

    population: int = 20
    offspring: int | None = None
    crossover: str | Crossover = "uniform"
    crossover_rate: float = 0.9
    mutation_rate: float | None = 0.0

    def __post_init__(self) -> None:
        check_numbers(self)
        check_population(self.population, self.offspring)
        check_variation(self.crossover, self.crossover_rate, self.mutation_rate)

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """A random arch until the first generation is complete, then a child of two winners of tournaments of two."""
        members = history.fold(self, self._step, Generations).members
        if not members:
            return history.candidate(space.sample(rng))
        # The members are sorted, so the better of two is the one with the lesser index.
        drawn = (rng.random(4) * len(members)).astype(int).tolist()
        first, second = members[min(drawn[:2])], members[min(drawn[2:])]
        return history.candidate(bred(self, space, first.arch, second.arch, rng), parent=first.id)

    def _step(self, generations: Generations, record: Record) -> Generations:
        return generations.add(record, self.population, self.offspring or self.population, self._survivors)

    def _survivors(self, generations: Generations) -> list[Record]:
        """The best of parents and children, sorted by front and then by crowding."""
        records = [*generations.members, *generations.incoming]
        n_objectives = max(len(record.losses) for record in records)
        losses, fronts = sorted_fronts(records, n_objectives)
        alive: list[Record] = []
        for front in fronts:
            if len(alive) >= self.population:
                break
            crowding = crowding_distances(losses[front]) if n_objectives else np.zeros(len(front))
            alive += [records[i] for i in front[np.argsort(-crowding, kind="stable")].tolist()]
        return alive[: self.population]
