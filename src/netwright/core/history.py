"""`History`: the records so far plus what is pending. All that a strategy ever sees of a search."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from netwright.core.arch import Arch
from netwright.core.objective import Objective
from netwright.core.record import Candidate, Record

__all__ = ["History"]

State = TypeVar("State")


class History:
    """An append-only list of records, with the pending candidates beside it.

    Only the search appends to it; strategies read. Records are in the order in which they came in.

    Example:
        >>> history = History([Objective("error")])
        >>> candidate = history.candidate(Arch({"width": 8}))
        >>> history.add(Record(candidate.id, candidate.arch, losses=(0.2,)))
        >>> history.best.loss, history.next_id, history.seen(Arch({"width": 8}))
        (0.2, 1, True)
    """

    __slots__ = ("_arches", "_best", "_folds", "_pending", "_records", "next_id", "objectives")

    def __init__(self, objectives: Sequence[Objective] = (Objective("loss"),)) -> None:
        self.objectives = tuple(objectives)
        self.next_id = 0
        """The id that the next candidate will have."""
        self._records: list[Record] = []
        self._pending: dict[int, Candidate] = {}
        self._folds: dict[Hashable, tuple[Any, int]] = {}
        self._arches: dict[Arch, int] = {}
        self._best: Record | None = None

    @property
    def records(self) -> Sequence[Record]:
        """All records, in the order in which they came in. Not to be changed."""
        return self._records

    @property
    def pending(self) -> Mapping[int, Candidate]:
        """Candidates that are being evaluated now, by id."""
        return MappingProxyType(self._pending)

    def __len__(self) -> int:
        return len(self._records)

    def candidate(self, arch: Arch, *, fidelity: float = 1.0, parent: int | None = None) -> Candidate:
        """The next candidate with this arch: what a strategy returns."""
        return Candidate(self.next_id, arch, fidelity, parent)

    def seen(self, arch: Arch) -> bool:
        """Whether this arch has a record or is pending."""
        return arch in self._arches

    def fold(self, key: Hashable, step: Callable[[State, Record], State], init: Callable[[], State]) -> State:
        """Reduce the records, each only once: a strategy's state, and never a second truth.

        The state for `key` starts as `init()`; each call applies `step(state, record)` to the records that came in
        since the last one. `step` may change the state in place and return it. Use a key that nobody else uses, such
        as the (hashable) strategy itself with a word.
        """
        cached = self._folds.get(key)
        state, done = (init(), 0) if cached is None else cached
        if done < len(self._records):
            for record in self._records[done:]:
                state = step(state, record)
            self._folds[key] = (state, len(self._records))
        elif cached is None:
            self._folds[key] = (state, done)
        return state

    @property
    def best(self) -> Record | None:
        """The best feasible record of the highest fidelity seen, by the first objective; None if there is none."""
        return self._best

    def pareto(self) -> list[Record]:
        """The feasible records that no other one beats in every objective, sorted by the first objective.

        Only records of the highest fidelity are compared. Equal loss vectors are kept once (the earlier record).
        """
        scored = [record for record in self._records if record.losses and record.violation == 0]
        top = max((record.fidelity for record in scored), default=1.0)
        front: list[Record] = []
        # Sorted by losses, a record can only be dominated by an earlier one.
        for record in sorted((r for r in scored if r.fidelity == top), key=lambda r: (r.losses, r.id)):
            if not any(all(a <= b for a, b in zip(kept.losses, record.losses, strict=True)) for kept in front):
                front.append(record)
        return front

    # What follows is the search's side.

    def start(self, candidate: Candidate) -> None:
        """Note that a candidate is being evaluated."""
        self._pending[candidate.id] = candidate
        self._arches[candidate.arch] = candidate.id

    def add(self, record: Record) -> None:
        """Append a record; its candidate is no longer pending."""
        self._pending.pop(record.id, None)
        self._records.append(record)
        self._arches[record.arch] = record.id
        if record.id >= self.next_id:
            self.next_id = record.id + 1
        if record.losses and record.violation == 0:
            best = self._best
            if best is None or (-record.fidelity, record.losses[0]) < (-best.fidelity, best.losses[0]):
                self._best = record
