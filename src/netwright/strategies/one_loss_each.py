"""What a strategy inside of a multi-fidelity one sees: every arch once, with one loss.

A loss after 4 epochs says nothing beside one after 108, and a model, a population or a climb that takes records as they
come would mix them. So the strategy inside has a history of its own, in which each arch has one record, all of one
fidelity, on the scale of the lowest: those that went on to a higher fidelity keep, as a group, the losses that they had
below, but handed out in the order in which they came out above. So what was learned higher up corrects the order,
nothing is extrapolated, and what stayed below is still compared with what went on.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from netwright.core import Arch, Candidate, History, Objective, Record, SearchSpace
from netwright.strategies.numbers import check_numbers
from netwright.strategies.repeats import Repeats

__all__ = ["OneLossEach", "aligned", "one_loss_each"]

_RARELY = 50  # the history is made anew when one record in so many has changed it


@dataclass(slots=True)
class OneLossEach:
    """A history with one record an arch, and what it is made of: the state of a fold.

    Attributes:
        space: what is searched.
        objectives: as the search's.
        first: the first record of each arch, in the order in which they came in: its id and parent are the arch's.
        newest: the record of each arch's highest fidelity; of equal ones the last.
        levels: what came out at each fidelity: the losses of each arch, all repeats of them together.
        history: what the strategy inside sees.
        n_changes: records that change what is in it, since it was made.
    """

    space: SearchSpace
    objectives: tuple[Objective, ...]
    first: dict[Arch, Record] = field(default_factory=dict)
    newest: dict[Arch, Record] = field(default_factory=dict)
    levels: dict[float, dict[Arch, Repeats]] = field(default_factory=dict)
    history: History = field(init=False)
    n_changes: int = 0

    def __post_init__(self) -> None:
        check_numbers(self)
        self.history = History(self.objectives, canonical=self.space.canonical)

    def note(self, record: Record) -> OneLossEach:
        """Take a record in."""
        arch = record.arch
        known = self.newest.get(arch)
        if known is None:
            self.first[arch] = record
        if known is None or record.fidelity >= known.fidelity:
            self.newest[arch] = record
        if record.losses:
            level = self.levels.setdefault(record.fidelity, {})
            if arch in level:
                level[arch].add(record)
            else:
                level[arch] = Repeats(record)
        if known is None and record.fidelity <= min(self.levels, default=1.0):
            self.history.add(replace(record, fidelity=1.0))  # nothing changes for the others
            return self
        # Made anew at records that follow from the records alone, so that it is the same whenever it is asked for; and
        # not at each of thousands.
        self.n_changes += 1
        if known is None or self.n_changes * _RARELY >= len(self.first):
            self._make()
        return self

    def _make(self) -> None:
        """The history from all that is known."""
        self.n_changes = 0
        self.history = History(self.objectives, canonical=self.space.canonical)
        losses = self._losses()
        for arch, first in self.first.items():
            newest = self.newest[arch]
            self.history.add(
                replace(newest, id=first.id, parent=first.parent, fidelity=1.0, losses=losses.get(arch, ()))
            )

    def _losses(self) -> dict[Arch, tuple[float, ...]]:
        """One loss an objective for each arch that has any at its highest fidelity."""
        good = {arch for arch, record in self.newest.items() if record.losses}
        columns = [
            aligned(
                [
                    {arch: one.losses[place] for arch, one in self.levels[fidelity].items() if arch in good}
                    for fidelity in sorted(self.levels)
                ]
            )
            for place in range(len(self.objectives))
        ]
        return {arch: tuple(column[arch] for column in columns) for arch in good}


def one_loss_each(key: Hashable, space: SearchSpace, history: History) -> History:
    """The history that a strategy inside sees, brought up to date; ids are those of each arch's first record.

    Args:
        key: of the fold that keeps it.
        space: what is searched.
        history: the search's.

    Example:
        >>> from netwright import Space, integer
        >>> space, history = Space({"x": integer(0, 9)}), History()
        >>> for number, (x, fidelity, loss) in enumerate([(1, 0.1, 0.5), (2, 0.1, 0.6), (3, 0.1, 0.9)]):
        ...     history.add(Record(number, Arch({"x": x}), fidelity, losses=(loss,)))
        >>> for number, (x, parent, loss) in enumerate([(1, 0, 0.3), (2, 1, 0.2)], 3):
        ...     history.add(Record(number, Arch({"x": x}), 1.0, parent, losses=(loss,)))
        >>> [(record.id, record.loss) for record in one_loss_each("example", space, history).records]
        [(0, 0.6), (1, 0.5), (2, 0.9)]
    """
    state: OneLossEach = history.fold(key, OneLossEach.note, partial(OneLossEach, space, history.objectives))
    inner = state.history
    wanted = {number: other for number, other in history.pending.items() if other.arch not in state.first}
    for number in [number for number in inner.pending if number not in wanted]:
        inner.drop(number)
    for number, other in wanted.items():
        if number not in inner.pending:
            inner.start(Candidate(number, other.arch, 1.0, other.parent))
    inner.next_id = history.next_id
    return inner


def aligned(levels: Sequence[Mapping[Arch, float]]) -> dict[Arch, float]:
    """The losses of arches at several fidelities as one loss for each, on the scale of the lowest.

    Args:
        levels: the loss of each arch, by fidelity in ascending order; most arches are in the lower ones only.

    Example:
        >>> a, b, c, d = (Arch({"x": x}) for x in "abcd")
        >>> found = aligned([{a: 0.5, b: 0.6, c: 0.9}, {a: 0.3, b: 0.1, d: 0.2}])
        >>> [round(found[arch], 2) for arch in (a, b, c, d)]
        [0.6, 0.5, 0.9, 0.55]
    """
    scale: dict[Arch, float] = {}
    for known in levels:
        both = sorted((arch for arch in known if arch in scale), key=known.__getitem__)
        values = sorted(scale[arch] for arch in both)
        new = [arch for arch in known if arch not in scale]
        if not both:  # the lowest one, or nothing in common: by the places in the order
            own, others = sorted(known.values()), sorted(scale.values())
            scale.update({arch: _placed(known[arch], own, others) if others else known[arch] for arch in new})
            continue
        scale.update(zip(both, values, strict=True))
        steps = [known[arch] for arch in both]
        slope = _slope(list(known.values()), list(scale.values()))
        scale.update({arch: _between(known[arch], steps, values, slope) for arch in new})
    return scale


def _placed(loss: float, own: list[float], others: list[float]) -> float:
    """What has the same place among others as a loss among its own."""
    place = (own.index(loss) + 0.5) / len(own) * len(others) - 0.5
    low = min(max(0, math.floor(place)), len(others) - 1)
    high = min(low + 1, len(others) - 1)
    return others[low] + min(max(place - low, 0.0), 1.0) * (others[high] - others[low])


def _slope(own: list[float], scale: list[float]) -> float:
    """How much of the scale a step of these losses is, outside of what is known of both."""
    spread = max(own) - min(own)
    return (max(scale) - min(scale)) / spread if spread > 0 else 0.0


def _between(loss: float, steps: list[float], values: list[float], slope: float) -> float:
    """Where a loss lies on the scale, from those that are known on both."""
    if loss <= steps[0]:
        return values[0] - slope * (steps[0] - loss)
    if loss >= steps[-1]:
        return values[-1] + slope * (loss - steps[-1])
    high = next(i for i, step in enumerate(steps) if step >= loss)
    low, width = high - 1, steps[high] - steps[high - 1]
    return values[low] + (loss - steps[low]) / width * (values[high] - values[low])
