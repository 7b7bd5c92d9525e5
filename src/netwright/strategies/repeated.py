"""A wrapper that evaluates the best few again, with other seeds, before they are believed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from netwright.core import Arch, Candidate, History, Record, SearchSpace, Strategy
from netwright.core.errors import InvalidInput
from netwright.strategies.inner import check_inner
from netwright.strategies.numbers import check_numbers
from netwright.strategies.repeats import Repeats

__all__ = ["Repeated"]


@dataclass(slots=True)
class _Means:
    """Every arch once at each fidelity, with its means; and the history that the strategy inside sees of that."""

    found: dict[tuple[Arch, float], Repeats] = field(default_factory=dict)
    records: dict[tuple[Arch, float], Record] = field(default_factory=dict)  # the first of each, whatever came of it
    history: History | None = None

    def note(self, record: Record) -> _Means:
        key = record.arch, record.fidelity
        known = key in self.records
        self.records.setdefault(key, record)
        if record.losses:
            if key in self.found:
                self.found[key].add(record)
            else:
                self.found[key] = Repeats(record)
        if self.history is not None:
            if known:
                self.history = None
            else:
                self.history.add(record)
        return self

    def made(self, space: SearchSpace, history: History) -> History:
        """What the strategy inside sees, up to date but for what is pending."""
        if self.history is None:
            self.history = History(history.objectives, canonical=space.canonical)
            for key, first in self.records.items():
                repeats = self.found.get(key)
                mean = first if repeats is None else repeats.mean
                self.history.add(replace(mean, id=first.id, parent=first.parent))
        return self.history


@dataclass(frozen=True, slots=True)
class Repeated:
    """Evaluates the leaders again until each has been evaluated a few times, and goes on with another strategy.

    Who leads is decided by the mean. So an arch that chance has helped loses its lead, the next one takes it and is
    evaluated again, too, until the leaders have held. A repeat is a candidate of the same arch and fidelity, whose
    parent is the first record; its seed is another one, so the training evaluator begins anew. The strategy inside sees
    each arch once at each fidelity, with the mean. `strategies.repeats.averaged` gives means and counts of a history;
    the winner of a search is chosen by them.

    Attributes:
        strategy: what proposes everything else.
        best: how many lead.
        times: how often a leader is evaluated.
        after: records before the first repeat: earlier leaders don't last.

    Example:
        >>> from netwright import Space, integer
        >>> from netwright.loop import Search
        >>> from netwright.strategies import Random
        >>> def noisy(candidate, context):
        ...     noise = np.random.default_rng(context.seed).normal()
        ...     return {"loss": abs(candidate.arch["x"] - 42) / 50 + noise}
        >>> search = Search(
        ...     Space({"x": integer(0, 99)}), Repeated(Random(), best=2, after=20), noisy, budget="60 candidates"
        ... )
        >>> from netwright.strategies.repeats import best_first
        >>> [repeats.n > 1 for repeats in best_first(search.run().records)[:2]]
        [True, True]

    Raises:
        InvalidInput: if a number is too small.
    """

    strategy: Strategy
    best: int = 3
    times: int = 3
    after: int = 30

    def __post_init__(self) -> None:
        check_numbers(self)
        check_inner("Repeated", strategy=self.strategy)
        if self.best < 1 or self.times < 2 or self.after < 0:
            raise InvalidInput(
                "`best` of Repeated must be at least 1, `times` at least 2 and `after` at least 0, but got "
                f"best={self.best}, times={self.times}, after={self.after}."
            )

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """A repeat of a leader, or what the strategy proposes."""
        means: _Means = history.fold((self, "means"), _Means.note, _Means)
        if len(history) >= self.after:
            repeat = self._repeat(means, history)
            if repeat is not None:
                return repeat
        return self.strategy.propose(space, self._inside(means, space, history), rng)

    def _repeat(self, means: _Means, history: History) -> Candidate | None:
        """The first leader that hasn't been evaluated often enough, what is pending included."""
        feasible = [one for one in means.found.values() if one.violation == 0]
        if not feasible:
            return None
        top = max(one.first.fidelity for one in feasible)
        leaders = sorted((one for one in feasible if one.first.fidelity == top), key=_by_mean)[: self.best]
        for one in leaders:
            arch = one.first.arch
            busy = sum(other.arch == arch and other.fidelity == top for other in history.pending.values())
            if one.n + busy < self.times:
                return history.candidate(arch, fidelity=top, parent=one.first.id)
        return None

    def _inside(self, means: _Means, space: SearchSpace, history: History) -> History:
        inner = means.made(space, history)
        wanted = {
            number: other
            for number, other in history.pending.items()
            if (other.arch, other.fidelity) not in means.records
        }
        for number in [number for number in inner.pending if number not in wanted]:
            inner.drop(number)
        for number, other in wanted.items():
            if number not in inner.pending:
                inner.start(other)
        inner.next_id = history.next_id
        return inner


def _by_mean(one: Repeats) -> tuple[float, int]:
    return one.losses[0], one.first.id
