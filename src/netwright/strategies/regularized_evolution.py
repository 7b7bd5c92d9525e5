"""Regularized (aging) evolution (Real et al. 2019, https://arxiv.org/abs/1802.01548)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from operator import attrgetter

import numpy as np

from netwright.core import Candidate, History, Record, SearchSpace
from netwright.core.errors import InvalidInput

__all__ = ["RegularizedEvolution"]

_rank = attrgetter("rank")


@dataclass(frozen=True, slots=True)
class RegularizedEvolution:
    """Mutates the best of a random tournament; the oldest of the population dies.

    Attributes:
        population: how many of the latest records may be parents.
        tournament: how many of them compete to be one, drawn without replacement.

    Differs from the paper in that failed and infeasible records take part, as the worst of any tournament.
    """

    population: int = 50
    tournament: int = 10

    def __post_init__(self) -> None:
        if self.population < 1 or not 1 <= self.tournament <= self.population:
            raise InvalidInput(
                f"`tournament` must be in 1..population and population at least 1, but got "
                f"tournament={self.tournament}, population={self.population}."
            )

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """A random arch until the population is full, then a mutated one."""
        if history.next_id < self.population:
            return history.candidate(space.sample(rng))
        alive = history.fold(self, _grow, partial(deque, maxlen=self.population))
        if not alive:
            return history.candidate(space.sample(rng))
        drawn = _distinct(rng, len(alive), min(self.tournament, len(alive)))
        parent = min([alive[i] for i in drawn], key=_rank)
        return history.candidate(space.mutate(parent.arch, rng), parent=parent.id)


def _grow(alive: deque[Record], record: Record) -> deque[Record]:
    alive.append(record)
    return alive


def _distinct(rng: np.random.Generator, n: int, k: int) -> list[int]:
    """K different numbers below n. (Floyd's algorithm: `Generator.choice` costs twenty microseconds.)."""
    chosen: set[int] = set()
    for top, u in zip(range(n - k, n), rng.random(k).tolist(), strict=True):
        drawn = int(u * (top + 1))
        chosen.add(top if drawn in chosen else drawn)
    return sorted(chosen)
