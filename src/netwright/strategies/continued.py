"""A history of a wrapper's own, for the strategy inside: earlier records come first, and more may be pending."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from netwright.core import Candidate, History, Record, SearchSpace

__all__ = ["Continued", "continued"]


@dataclass(slots=True)
class Continued:
    """A history that goes on where an earlier one ended.

    Attributes:
        history: the earlier records and then the search's own, whose ids follow theirs.
        n_earlier: how many earlier records there are.
    """

    history: History
    n_earlier: int

    def outside(self, candidate: Candidate) -> Candidate:
        """A candidate of this history as one of the search's own; earlier records are -1 (the last one), -2, …."""
        return _moved(candidate, -self.n_earlier)


def continued(
    key: Hashable, space: SearchSpace, history: History, earlier: Callable[[], Sequence[Record]] = tuple
) -> Continued:
    """The continued history of a search's history, brought up to date. Only its owner changes it.

    Args:
        key: of the fold that keeps it.
        space: what is searched.
        history: the search's.
        earlier: gives the earlier records, numbered from 0 in their order.

    Example:
        >>> from netwright import Arch, Space, choice
        >>> space, history = Space({"x": choice([1, 2])}), History()
        >>> history.add(Record(0, Arch({"x": 1}), losses=(0.5,)))
        >>> found = continued("example", space, history, lambda: [Record(0, Arch({"x": 2}), losses=(0.1,))])
        >>> [(record.id, record.arch["x"]) for record in found.history.records], found.history.next_id
        ([(0, 2), (1, 1)], 2)
        >>> found.outside(found.history.candidate(Arch({"x": 2}), parent=0))
        Candidate(id=1, arch=Arch({'x': 2}), fidelity=1.0, parent=-1)
    """
    found: Continued = history.fold(key, _append, partial(_begin, space, history, earlier))
    inner, n = found.history, found.n_earlier
    for number in [number for number in inner.pending if number - n not in history.pending]:
        inner.drop(number)
    for number, other in history.pending.items():
        if number + n not in inner.pending:
            inner.start(_moved(other, n))
    inner.next_id = history.next_id + n
    return found


def _begin(space: SearchSpace, history: History, earlier: Callable[[], Sequence[Record]]) -> Continued:
    inner = History(history.objectives, canonical=space.canonical)
    for record in earlier():
        inner.add(record)
    return Continued(inner, len(inner))


def _append(found: Continued, record: Record) -> Continued:
    moved = _moved(record.candidate, found.n_earlier)
    found.history.add(replace(record, id=moved.id, parent=moved.parent))
    return found


def _moved(candidate: Candidate, by: int) -> Candidate:
    if by == 0:
        return candidate
    parent = None if candidate.parent is None else candidate.parent + by
    return replace(candidate, id=candidate.id + by, parent=parent)
