"""The genetic algorithm (Holland 1975; Goldberg 1989): generations, selection, crossover, mutation, elitism."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from netwright.core import Candidate, History, Record, SearchSpace
from netwright.core.errors import InvalidInput
from netwright.spaces.crossovers import Crossover
from netwright.strategies.generations import Generations
from netwright.strategies.numbers import check_numbers
from netwright.strategies.selection import SELECTIONS, Selection
from netwright.strategies.variation import bred, by_name, check_variation

__all__ = ["Genetic"]

_rank = attrgetter("rank")


@dataclass(frozen=True, slots=True)
class Genetic:
    """Each generation is made from the one before: parents are selected, crossed and mutated; the best live on.

    Attributes:
        population: how many records a generation has.
        elite: how many of the best of a generation are in the next one too.
        selection: how parents are chosen: `tournament`, `rank`, `roulette`, or an object such as `Tournament(3)`.
        crossover: how two are made into one: `uniform`, `one_point`, `subtree` (a decision with all that hangs on it),
            or a function.
        crossover_rate: chance of it; else a child starts as a copy of the first parent.
        mutation_rate: chance of each decision to be changed after that; None: one over their number. A child that is
            still one of its parents has one decision changed in any case.

    Differs from the textbook in that generations don't wait: the first records that come in make one, so that it runs
    with any number of workers; and in that by default only copies of a parent are mutated. So mutation takes over as
    the population becomes alike, which needs fewer evaluations than mutating every child.

    Example:
        >>> Genetic(population=20, selection="rank").elite
        5
    """

    population: int = 20
    elite: int = 5
    selection: str | Selection = "tournament"
    crossover: str | Crossover = "uniform"
    crossover_rate: float = 0.9
    mutation_rate: float | None = 0.0

    def __post_init__(self) -> None:
        check_numbers(self)
        if self.population < 2 or not 0 <= self.elite < self.population:
            raise InvalidInput(
                f"`population` must be at least 2 and `elite` in 0..population-1, but got "
                f"population={self.population}, elite={self.elite}."
            )
        if not callable(by_name("selection", self.selection, SELECTIONS)):
            raise InvalidInput(
                f"`selection` must be one of {', '.join(SELECTIONS)} or a function from records to chances, but got "
                f"{self.selection!r}."
            )
        check_variation(self.crossover, self.crossover_rate, self.mutation_rate)

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """A random arch until the first generation is complete, then a child of two of the current one."""
        generations = history.fold(self, self._step, Generations)
        if generations.cumulative is None:
            return history.candidate(space.sample(rng))
        at = np.searchsorted(generations.cumulative, rng.random(2), side="right").tolist()
        first, second = (generations.members[min(i, len(generations.members) - 1)] for i in at)
        return history.candidate(bred(self, space, first.arch, second.arch, rng), parent=first.id)

    def _step(self, generations: Generations, record: Record) -> Generations:
        return generations.add(record, self.population, self.population - self.elite, self._survivors)

    def _survivors(self, generations: Generations) -> list[Record]:
        best = heapq.nsmallest(self.elite, generations.members, key=_rank)
        members = [*best, *generations.incoming]
        chances = by_name("selection", self.selection, SELECTIONS)(members)
        generations.cumulative = np.cumsum(chances)
        return members
