"""Local search (White et al. 2021, Exploring the Loss Landscape in NAS, https://arxiv.org/abs/2005.02960)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from netwright.core import Arch, Candidate, History, Record, SearchSpace
from netwright.core.errors import InvalidInput

__all__ = ["LocalSearch"]


@dataclass(slots=True)
class _Climb:
    """Where a climb stands."""

    at: Record | None = None
    ahead: Record | None = None  # the best neighbour found, where all are looked at before a move
    moved: bool = False  # a neighbour has come in
    around: int | None = None  # whose neighbours `unseen` holds
    unseen: list[Arch] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LocalSearch:
    """Walks to a better neighbour, in random order; restarts at a random arch on a local optimum.

    Attributes:
        improvement: `first`: to the first better neighbour found; `best`: to the best one, after all were looked at.

    The paper's is `best`; `first` needs fewer evaluations. Differs from the paper in that neighbours that were
    evaluated before are not evaluated again, also not those of earlier climbs. While the last neighbours are being
    evaluated, other workers go on with the neighbours of the best one so far or, if there is none, of those.

    Example:
        >>> LocalSearch(improvement="best")
        LocalSearch(improvement='best')
    """

    improvement: Literal["first", "best"] = "first"

    def __post_init__(self) -> None:
        if self.improvement not in ("first", "best"):
            raise InvalidInput(f"`improvement` of LocalSearch must be 'first' or 'best', but got {self.improvement!r}.")

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """An unseen neighbour of the current arch, or a new start."""
        climb = history.fold((self, "climb"), self._step, _Climb)
        current = climb.at
        if current is None:
            return history.candidate(space.sample(rng))
        unseen = self._unseen(space, history, climb, current)
        if not unseen and climb.ahead is not None:  # the move: the climb follows when a record of it comes in
            current = climb.ahead
            unseen = self._unseen(space, history, climb, current)
        if not unseen:
            busy = [other.arch for other in history.pending.values() if other.parent == current.id]
            unseen = [arch for near in busy for arch in space.neighbours(near) if not history.seen(arch)]
        if unseen:
            return history.candidate(unseen[int(rng.random() * len(unseen))], parent=current.id)
        # A local optimum: start anew, though the climb itself ends only when the new start's record comes in.
        return history.candidate(space.sample(rng))

    def _unseen(self, space: SearchSpace, history: History, climb: _Climb, record: Record) -> list[Arch]:
        """The neighbours of a record that aren't known yet; kept, as most of them are asked for again."""
        if climb.around != record.id:
            climb.around, climb.unseen = record.id, list(space.neighbours(record.arch))
        climb.unseen = [arch for arch in climb.unseen if not history.seen(arch)]
        return climb.unseen

    def _step(self, climb: _Climb, record: Record) -> _Climb:
        start = record.parent is None  # of the search, or after a local optimum
        climb.moved = climb.moved or not start
        if climb.ahead is not None and record.parent == climb.ahead.id:
            climb.at, climb.ahead = climb.ahead, None
        if not record.scored:
            return climb
        # Of several first starts (given ones, or one for each worker) the best counts.
        if climb.at is None or (start and climb.moved):
            climb.at, climb.ahead = record, None
        elif record.rank < (climb.ahead or climb.at).rank:
            if self.improvement == "first" or start:
                climb.at = record
            else:
                climb.ahead = record
        return climb
