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
    moved: bool = False  # a neighbour has come in
    around: int | None = None  # whose neighbours `unseen` holds
    unseen: list[Arch] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LocalSearch:
    """Walks to the first better neighbour, in random order; restarts at a random arch on a local optimum.

    Differs from the paper, which evaluates all neighbours before it moves (best improvement): moving at the first
    better one needs fewer evaluations. Neighbours that were evaluated before are not evaluated again, also not those
    of earlier climbs. While the last neighbours are being evaluated, other workers look at the neighbours of those.
    """

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """An unseen neighbour of the current arch, or a new start."""
        climb = history.fold((self, "climb"), _step, _Climb)
        current = climb.at
        if current is None:
            return history.candidate(space.sample(rng))
        if climb.around != current.id:
            climb.around, climb.unseen = current.id, list(space.neighbours(current.arch))
        climb.unseen = [arch for arch in climb.unseen if not history.seen(arch)]
        unseen = climb.unseen
        if not unseen:
            busy = [other.arch for other in history.pending.values() if other.parent == current.id]
            unseen = [arch for near in busy for arch in space.neighbours(near) if not history.seen(arch)]
        if unseen:
            return history.candidate(unseen[int(rng.random() * len(unseen))], parent=current.id)
        # A local optimum: start anew, though the climb itself ends only when the new start's record comes in.
        return history.candidate(space.sample(rng))


def _step(climb: _Climb, record: Record) -> _Climb:
    start = record.parent is None  # of the search, or after a local optimum
    climb.moved = climb.moved or not start
    # Of several first starts (given ones, or one for each worker) the best counts.
    new = climb.at is None or (start and climb.moved)
    if record.scored and (new or (climb.at is not None and record.rank < climb.at.rank)):
        climb.at = record
    return climb
