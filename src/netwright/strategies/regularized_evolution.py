"""Regularized (aging) evolution (Real et al. 2019, https://arxiv.org/abs/1802.01548)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import TypeAlias

import numpy as np

from netwright.core import Candidate, History, Record, SearchSpace
from netwright.core.errors import InvalidInput, SpaceExhausted
from netwright.strategies.numbers import check_numbers

__all__ = ["RegularizedEvolution"]

_Member: TypeAlias = "tuple[tuple[bool, float, float], Record]"
_rank = itemgetter(0)


@dataclass(frozen=True, slots=True)
class RegularizedEvolution:
    """Mutates the best of a random tournament; the oldest of the population dies.

    Attributes:
        population: how many of the latest records may be parents.
        tournament: how many are drawn, with replacement, to compete to be one.

    Differs from the paper in that failed and infeasible records take part, as the worst of any tournament.
    """

    population: int = 50
    tournament: int = 10

    def __post_init__(self) -> None:
        check_numbers(self)
        if self.population < 1 or not 1 <= self.tournament <= self.population:
            raise InvalidInput(
                f"`tournament` must be in 1..population and population at least 1, but got "
                f"tournament={self.tournament}, population={self.population}."
            )

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """A random arch until the population is full, then a mutated one."""
        alive = history.fold(self, _grow, partial(deque, maxlen=self.population))
        if history.next_id < self.population or not alive:
            return history.candidate(space.sample(rng))
        size = len(alive)
        drawn = [alive[int(u * size)] for u in rng.random(self.tournament).tolist()]
        _, parent = min(drawn, key=_rank)
        try:
            return history.candidate(space.mutate(parent.arch, rng), parent=parent.id)
        except SpaceExhausted:  # constraints leave this parent no child; others may have one
            return history.candidate(space.sample(rng))


def _grow(alive: deque[_Member], record: Record) -> deque[_Member]:
    alive.append((record.rank, record))  # the rank is asked for in many tournaments
    return alive
