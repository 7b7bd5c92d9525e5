"""Simulated annealing (Kirkpatrick et al. 1983, https://doi.org/10.1126/science.220.4598.671)."""

from __future__ import annotations

import math
from bisect import insort
from dataclasses import dataclass, field

import numpy as np

from netwright.core import Arch, Candidate, History, Record, SearchSpace
from netwright.core.errors import InvalidInput, SpaceExhausted
from netwright.core.streams import Streams
from netwright.strategies.numbers import check_numbers

__all__ = ["SimulatedAnnealing"]


@dataclass(slots=True)
class _Walk:
    """Where the walk stands."""

    at: Record | None = None
    best: Record | None = None
    n_steps: int = 0  # of this schedule
    changes: list[float] = field(default_factory=list)  # of the loss from parents to children, without sign, sorted
    losses: dict[int, float] = field(default_factory=dict)  # of scored, feasible records, by id
    around: int | None = None  # whose neighbours `near` holds
    near: list[Arch] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SimulatedAnnealing:
    """Walks to better neighbours, and to worse ones with a chance that falls with the temperature.

    A neighbour that is worse by d is taken with the chance exp(-d / temperature). The temperature is a multiple of the
    usual difference between a record and its parent (the median over all seen so far), so that it needs no knowledge of
    the losses; the multiple falls from `hot` to `cold` in equal ratios over `steps` records. Then it starts anew, from
    the best record.

    Attributes:
        hot: temperature at the start of a schedule, in usual differences.
        cold: temperature at its end.
        steps: how many records a schedule takes.

    Half of the steps go to a neighbour (one step of one decision), half change one decision to any other value, so
    that a real isn't bound to the lattice of neighbours. What breaks limits is left for what breaks them less, and
    never entered from what doesn't.

    Differs from the paper in that there is one record at each temperature. With several workers, each record is
    compared with where the walk stands when it comes in. The draws that decide are made from the record alone, so that
    the walk is a function of the records.

    Example:
        >>> SimulatedAnnealing(steps=50)
        SimulatedAnnealing(hot=0.5, cold=0.02, steps=50)
    """

    hot: float = 0.5
    cold: float = 0.02
    steps: int = 100

    def __post_init__(self) -> None:
        check_numbers(self)
        if not 0 < self.cold <= self.hot < math.inf:
            raise InvalidInput(
                f"`hot` and `cold` must be finite, with 0 < cold <= hot, but got hot={self.hot}, cold={self.cold}."
            )
        if self.steps < 1:
            raise InvalidInput(f"`steps` of SimulatedAnnealing must be at least 1, but got {self.steps}.")

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """A random arch near the one where the walk stands."""
        walk = history.fold(self, self._step, _Walk)
        at = walk.at
        if at is None:
            return history.candidate(space.sample(rng))
        try:
            arch = space.mutate(at.arch, rng) if rng.random() < 0.5 else self._neighbour(space, walk, at, rng)
        except SpaceExhausted:  # constraints leave this arch no other one near
            return history.candidate(space.sample(rng))
        return history.candidate(arch, parent=at.id)

    def _neighbour(self, space: SearchSpace, walk: _Walk, at: Record, rng: np.random.Generator) -> Arch:
        if walk.around != at.id:
            walk.around, walk.near = at.id, list(space.neighbours(at.arch))
        return walk.near[int(rng.random() * len(walk.near))] if walk.near else space.mutate(at.arch, rng)

    def _step(self, walk: _Walk, record: Record) -> _Walk:
        if record.scored and record.violation == 0:
            walk.losses[record.id] = record.loss
            before = walk.losses.get(record.parent) if record.parent is not None else None
            if before is not None and before != record.loss:
                insort(walk.changes, abs(record.loss - before))
        if walk.at is None:
            if record.scored or record.violation > 0:
                walk.at = walk.best = record
            return walk
        assert walk.best is not None
        walk.n_steps += 1
        if record.rank < walk.best.rank:
            walk.best = record
        if self._taken(walk, walk.at, record):
            walk.at = record
        if walk.n_steps == self.steps:
            walk.n_steps, walk.at = 0, walk.best
        return walk

    def _taken(self, walk: _Walk, at: Record, record: Record) -> bool:
        if record.rank < at.rank:
            return True
        comparable = record.scored and record.violation == at.violation and at.scored
        if not comparable or not walk.changes:
            return comparable and record.loss == at.loss
        usual = walk.changes[len(walk.changes) // 2]
        temperature = usual * self.hot * (self.cold / self.hot) ** (walk.n_steps / self.steps)
        # A stream of the record's own: the same wherever and whenever this is computed.
        drawn = Streams(int(record.arch.digest, 16))(record.id).random()
        return drawn < math.exp(-(record.loss - at.loss) / temperature)
