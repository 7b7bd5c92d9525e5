"""Local search (White et al. 2021, Exploring the Loss Landscape in NAS, https://arxiv.org/abs/2005.02960)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from netwright.core import Arch, Candidate, History, Record, SearchSpace

__all__ = ["LocalSearch"]


@dataclass(slots=True)
class _Climb:
    """Where a climb stands."""

    at: Record | None = None
    climbs: int = 0
    order: list[Arch] = field(default_factory=list)
    ordered_for: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class LocalSearch:
    """Walks to the first better neighbour, in random order; restarts at a random arch on a local optimum.

    Differs from the paper, which evaluates all neighbours before it moves (best improvement): moving at the first
    better one needs fewer evaluations. Neighbours that were evaluated before are not evaluated again, also not those
    of earlier climbs.
    """

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """An unseen neighbour of the current arch, or a new start."""
        climb = history.fold((self, "climb"), _step, _Climb)
        current = climb.at
        if current is None:
            return history.candidate(space.sample(rng))
        key = (climb.climbs, current.id)
        if climb.ordered_for != key:
            climb.order = list(space.neighbours(current.arch))
            # The order belongs to the arch, not to the candidate that happens to ask: a resumed search finds it again.
            digits = int(current.arch.digest, 16)
            np.random.default_rng((digits, climb.climbs)).shuffle(climb.order)
            climb.order.reverse()
            climb.ordered_for = key
        while climb.order:
            arch = climb.order[-1]
            if not history.seen(arch):
                return history.candidate(arch, parent=current.id)
            climb.order.pop()
        # A local optimum: start anew, though the climb itself ends only when the new start's record comes in.
        return history.candidate(space.sample(rng))


def _step(climb: _Climb, record: Record) -> _Climb:
    if record.parent is None:  # a start: of the search, or after a local optimum
        if record.scored:
            climb.at = record
            climb.climbs += 1
    elif climb.at is not None and record.rank < climb.at.rank:
        climb.at = record
    return climb
