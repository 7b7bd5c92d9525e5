"""Brackets: groups of arches that are halved together, rung after rung."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import ceil, prod
from typing import Protocol

import numpy as np

from netwright.core import Arch, Candidate, History, Record, SearchSpace, Strategy
from netwright.core.errors import SpaceExhausted
from netwright.strategies.fidelities import level_of
from netwright.strategies.one_loss_each import one_loss_each
from netwright.strategies.rungs import Rungs

__all__ = ["Bracket", "Brackets", "Halving", "next_of_halvings", "sizes_from"]


class Halving(Protocol):
    """A strategy that halves brackets."""

    @property
    def strategy(self) -> Strategy:
        """Where new arches come from."""
        ...

    @property
    def fidelities(self) -> tuple[float, ...]:
        """Of the rungs."""
        ...


def next_of_halvings(
    strategy: Halving,
    kinds: tuple[tuple[int, ...], ...],
    space: SearchSpace,
    history: History,
    rng: np.random.Generator,
) -> Candidate:
    """The next arch that goes on; else a new one of the bracket that is to be filled.

    Args:
        strategy: the strategy, which is the key of what is kept too.
        kinds: the sizes of the brackets that take turns.
        space, history, rng: as in `Strategy.propose`.

    Raises:
        SpaceExhausted: if there is nothing new, and all that is known is fully trained.
    """
    fidelities = strategy.fidelities
    state: Brackets = history.fold((strategy, "brackets"), Brackets.note, partial(Brackets, fidelities, kinds))
    promotion = state.promotion(history)
    if promotion is not None:
        return promotion
    inner = one_loss_each((strategy, "inside"), space, history)
    try:
        return replace(strategy.strategy.propose(space, inner, rng), fidelity=fidelities[state.next_level(history)])
    except SpaceExhausted:
        left: Rungs = history.fold((strategy, "left"), Rungs.note, partial(Rungs, fidelities))
        promotion = left.promotion(history)
        if promotion is None:
            raise
        return promotion


def sizes_from(n_arches: int | None, lowest: int, shares: Sequence[float], *, least: float = 1.0) -> tuple[int, ...]:
    """How many arches a bracket has on each rung.

    Args:
        n_arches: on its lowest rung; None: as many as it takes to fully train `least`.
        lowest: the place of that rung; there are none below it.
        shares: the share of each rung but the last that goes on.
        least: see `n_arches`.

    Example:
        >>> sizes_from(None, 0, (1 / 3, 1 / 3)), sizes_from(12, 1, (1 / 3, 1 / 3, 1 / 3))
        ((9, 3, 1), (0, 12, 4, 1))
    """
    size = ceil(least / prod(shares[lowest:]) - 1e-9) if n_arches is None else n_arches
    sizes = [0] * lowest + [size]
    for share in shares[lowest:]:
        sizes.append(max(1, int(sizes[-1] * share + 1e-9)))
    return tuple(sizes)


@dataclass(slots=True)
class Bracket:
    """One successive halving.

    Attributes:
        sizes: how many arches each rung shall have; 0 for those below its lowest.
        level: the rung that is under way.
        found: the records of that rung.
        chosen: those of the rung below that go on, best first.
    """

    sizes: tuple[int, ...]
    level: int
    found: dict[Arch, Record] = field(default_factory=dict)
    chosen: list[Record] = field(default_factory=list)

    @property
    def expected(self) -> int:
        """How many records complete the rung: fewer where not enough of the one below are any good."""
        return len(self.chosen) or self.sizes[self.level]

    def add(self, record: Record) -> None:
        """Take a record in; where it completes the rung, the best of it are chosen."""
        self.found[record.arch] = record
        if len(self.found) >= self.expected and self.level < len(self.sizes) - 1:
            good = [one for one in self.found.values() if one.losses and one.violation == 0]
            self.level += 1
            self.chosen = sorted(good, key=lambda one: (one.rank, one.id))[: self.sizes[self.level]]
            self.found = {}


@dataclass(slots=True)
class Brackets:
    """All brackets of a search: the state of a fold.

    A record doesn't say which bracket it is of. So the records of new arches make one in the order in which they come
    in, and a promotion is of the bracket that chose its arch. That is the same after a restart, and nobody waits: what
    is proposed while a rung is under way is of the next bracket.

    Attributes:
        fidelities: of the rungs, ascending.
        kinds: the sizes of the brackets, in the order in which they take turns; of different lowest rungs.
        filling: by the lowest rung, the bracket that new arches go to.
        halving: those whose lowest rung is complete, the oldest first; until nothing is left to go on.
        n_new: by the lowest rung, how many new arches came in.
    """

    fidelities: tuple[float, ...]
    kinds: tuple[tuple[int, ...], ...]
    filling: dict[int, Bracket] = field(default_factory=dict)
    halving: list[Bracket] = field(default_factory=list)
    n_new: dict[int, int] = field(default_factory=dict)

    def note(self, record: Record) -> Brackets:
        """Take a record in; one that was refused before any training is none of ours."""
        level = level_of(record.fidelity, self.fidelities)
        if level is None:
            return self
        for bracket in self.halving:
            if bracket.level == level and any(one.arch == record.arch for one in bracket.chosen):
                bracket.add(record)
                self.halving = [one for one in self.halving if one.chosen and not _over(one)]
                return self
        sizes = next((kind for kind in self.kinds if _lowest(kind) == level), None)
        if sizes is None or record.status == "infeasible":
            return self
        self.n_new[level] = self.n_new.get(level, 0) + 1
        bracket = self.filling.setdefault(level, Bracket(sizes, level))
        bracket.add(record)
        if bracket.level > level or len(bracket.found) >= bracket.expected:
            del self.filling[level]
            if bracket.chosen:
                self.halving.append(bracket)
        return self

    def promotion(self, history: History) -> Candidate | None:
        """The next of those that go on, of the oldest bracket that has one; None while all of them are under way."""
        busy = {(other.arch, level_of(other.fidelity, self.fidelities)) for other in history.pending.values()}
        for bracket in self.halving:
            for record in bracket.chosen:
                if record.arch not in bracket.found and (record.arch, bracket.level) not in busy:
                    fidelity = self.fidelities[bracket.level]
                    return history.candidate(record.arch, fidelity=fidelity, parent=record.id)
        return None

    def next_level(self, history: History) -> int:
        """The rung at which the next new arch begins: its bracket is the first that isn't full."""
        started = dict(self.n_new)
        going_on = {(one.arch, bracket.level) for bracket in self.halving for one in bracket.chosen}
        for other in history.pending.values():
            level = level_of(other.fidelity, self.fidelities)
            if level is not None and (other.arch, level) not in going_on:
                started[level] = started.get(level, 0) + 1
        rounds = [started.get(_lowest(kind), 0) // kind[_lowest(kind)] for kind in self.kinds]
        return _lowest(self.kinds[rounds.index(min(rounds))])


def _lowest(sizes: tuple[int, ...]) -> int:
    return next(level for level, size in enumerate(sizes) if size)


def _over(bracket: Bracket) -> bool:
    return bracket.level == len(bracket.sizes) - 1 and len(bracket.found) >= bracket.expected
