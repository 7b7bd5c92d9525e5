"""The rungs of a multi-fidelity search: what came in at each fidelity, best first, and what hasn't gone on yet."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from netwright.core import Arch, Candidate, History, Record
from netwright.strategies.fidelities import level_of
from netwright.strategies.repeats import Repeats

__all__ = ["Rung", "Rungs"]

Key: TypeAlias = "tuple[bool, float, float, int]"
"""Sorts records from best to worst; of equal ones the earlier comes first."""


@dataclass(slots=True)
class Rung:
    """The records of one fidelity, one an arch.

    Attributes:
        keys: of all records, best first.
        records: the record of each arch; of several with a value one with the means.
        waiting: the keys and arches of those that haven't gone on, best first.
        repeats: of each arch that has a value.
    """

    keys: list[Key] = field(default_factory=list)
    records: dict[Arch, tuple[Key, Record]] = field(default_factory=dict)
    waiting: list[tuple[Key, Arch]] = field(default_factory=list)
    repeats: dict[Arch, Repeats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.keys)

    def add(self, record: Record, number: int, *, waits: bool) -> int:
        """Put a record in its place, which is returned: 0 is the best."""
        known = self.records.get(record.arch)
        if known is not None:
            del self.keys[bisect_left(self.keys, known[0])]
            self.leave(record.arch)
        if record.losses:
            if record.arch in self.repeats:
                self.repeats[record.arch].add(record)
            else:
                self.repeats[record.arch] = Repeats(record)
            record = self.repeats[record.arch].mean
        key = (*record.rank, number)
        place = bisect_left(self.keys, key)
        self.keys.insert(place, key)
        self.records[record.arch] = key, record
        if waits and record.losses and record.violation == 0:
            insort(self.waiting, (key, record.arch), key=_first)
        return place

    def leave(self, arch: Arch) -> None:
        """An arch has gone on."""
        known = self.records.get(arch)
        if known is not None:
            place = bisect_left(self.waiting, known[0], key=_first)
            if place < len(self.waiting) and self.waiting[place][0] == known[0]:
                del self.waiting[place]

    def best_waiting(self, busy: set[Arch]) -> Iterator[tuple[int, Record]]:
        """Those that haven't gone on and aren't about to, best first, each with its place among all."""
        for key, arch in self.waiting:
            if arch not in busy:
                yield bisect_left(self.keys, key), self.records[arch][1]


@dataclass(slots=True)
class Rungs:
    """All rungs: the state of a fold.

    Attributes:
        fidelities: of the rungs, ascending.
        found: the rungs.
        waits: whether a record may go on, given its place (0 is the best), how many there are, and its level: asked
            once, when it comes in.
        outright: arches that go on whatever their place is; those that are at the end, or failed, are taken out.
    """

    fidelities: tuple[float, ...]
    waits: Callable[[int, int, int], bool] | None = None
    found: list[Rung] = field(default_factory=list)
    n_records: int = 0
    outright: set[Arch] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.found = [Rung() for _ in self.fidelities]

    def note(self, record: Record) -> Rungs:
        """Take a record in; one below the lowest fidelity, or refused before any training, is none of ours."""
        level = level_of(record.fidelity, self.fidelities)
        if level is None:
            return self
        for below in self.found[:level]:
            below.leave(record.arch)
        rung, last = self.found[level], level == len(self.fidelities) - 1
        if last or not record.losses:
            self.outright.discard(record.arch)
        if record.status == "infeasible":
            return self
        place = rung.add(record, self.n_records, waits=not last)
        told = last or self.waits is None or record.arch in self.outright
        if not told and self.waits is not None and not self.waits(place, len(rung), level):
            rung.leave(record.arch)
        self.n_records += 1
        return self

    def promotion(self, history: History, may: Callable[[int, int, int], bool] | None = None) -> Candidate | None:
        """The best record that may go on, of the highest rung that has one, as the next candidate.

        Args:
            history: the search's.
            may: whether a record may go on, given its place, how many there are, and its level; None: it may.
        """
        busy: list[set[Arch]] = [set() for _ in self.fidelities]  # whose training goes on, by the rung that they leave
        for other in history.pending.values():
            reached = level_of(other.fidelity, self.fidelities)
            for level in range(reached or 0):
                busy[level].add(other.arch)
        for level in range(len(self.fidelities) - 2, -1, -1):
            rung = self.found[level]
            for place, record in rung.best_waiting(busy[level]):
                if may is None or may(place, len(rung), level) or record.arch in self.outright:
                    return history.candidate(record.arch, fidelity=self.fidelities[level + 1], parent=record.id)
                if not self.outright:
                    break
        return None


def _first(entry: tuple[Key, Arch]) -> Key:
    return entry[0]
