"""An ensemble of strategies, chosen between by a bandit.

The area-under-the-curve bandit of OpenTuner (Ansel et al. 2014, https://doi.org/10.1145/2628071.2628092), which is that
of Fialho et al. 2010, https://doi.org/10.1007/978-3-642-15844-5_20.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast

import numpy as np

from netwright.core import Candidate, History, Record, SearchSpace, Strategy
from netwright.core.errors import InvalidInput, SpaceExhausted
from netwright.strategies.deduplicated import Deduplicated
from netwright.strategies.genetic import Genetic
from netwright.strategies.inner import check_inner
from netwright.strategies.local_search import LocalSearch
from netwright.strategies.numbers import check_numbers
from netwright.strategies.regularized_evolution import RegularizedEvolution

__all__ = ["Bandit"]

State = TypeVar("State")
_USUAL = (Deduplicated(RegularizedEvolution()), Deduplicated(LocalSearch()), Deduplicated(Genetic()))


@dataclass(slots=True)
class _Credit:
    """Whose turn it was and is, and what came of it."""

    turns: list[int]  # the strategy of each candidate, by id, as far as it is decided
    ahead: list[int]  # how many turns of each strategy are decided, but have no record yet
    last: list[int]  # the latest turn of each strategy
    shown: list[list[bool]]  # for each strategy whether it sees each record
    records: list[list[Record]]  # those that each strategy sees
    best: tuple[float, float] = (math.inf, math.inf)  # (-fidelity, loss)
    window: deque[tuple[int, bool]] = field(default_factory=deque)  # (strategy, was it a new best), in order of arrival


@dataclass(frozen=True, slots=True)
class Bandit:
    """Gives each candidate to the strategy that finds new incumbents most often lately, and tries the others too.

    A strategy's worth is the area under its curve of new incumbents among the latest `window` records, in which later
    ones weigh more, plus `exploration` times √(2 log₂ n / its own turns).

    Whose turn candidate `n` is follows from the first `n + 1 - workers` records to come in, and so from the history
    alone: that many are in whenever at most `workers` candidates are evaluated at a time. With more workers than that,
    turns for which the records aren't there yet go round, and some credit goes to the wrong strategy. So it does where
    one has nothing new and passes its turn on.

    Attributes:
        strategies: two or more.
        exploration: the weight of having had few turns.
        window: how many of the latest records count.
        workers: how many candidates may be evaluated at a time for all credit to be right. Credit is late by as many.
        sharing: what a strategy sees of the others' records: new incumbents only, or all. A climb or a population is
            led astray by records that aren't its own; a surrogate learns from them.

    Differs from the paper in that turns whose outcome isn't known count as turns already (or one strategy would get
    all turns until the next record comes in), and in that equal scores take turns instead of being drawn.

    Example:
        >>> from netwright import Space, choice
        >>> from netwright.loop import Search
        >>> from netwright.strategies import Random
        >>> space = Space({f"x{i}": choice(list(range(6))) for i in range(8)})
        >>> search = Search(
        ...     space,
        ...     Bandit((LocalSearch(), Random())),
        ...     budget="100 candidates",
        ...     evaluator=lambda candidate, _: {"loss": float(sum(candidate.arch.values()))},
        ... )
        >>> turns = search.strategy.turns(search.run())
        >>> turns.count(0) > turns.count(1)
        True
    """

    strategies: tuple[Strategy, ...] = _USUAL
    exploration: float = 0.05
    window: int = 500
    workers: int = 8
    sharing: Literal["incumbents", "all"] = "incumbents"

    def __post_init__(self) -> None:
        check_numbers(self)
        if not isinstance(self.strategies, tuple) or len(self.strategies) < 2:
            raise InvalidInput(f"Bandit needs a tuple of two or more strategies, but got {self.strategies!r}.")
        check_inner("Bandit", **{f"strategies[{i}]": one for i, one in enumerate(self.strategies)})
        if self.sharing not in ("incumbents", "all"):
            raise InvalidInput(f"`sharing` of Bandit must be 'incumbents' or 'all', but got {self.sharing!r}.")
        if self.window < 1 or self.workers < 1 or not 0 <= self.exploration < math.inf:
            raise InvalidInput(
                "`window` and `workers` of Bandit must be at least 1 and `exploration` at least 0, but got "
                f"window={self.window}, workers={self.workers}, exploration={self.exploration}."
            )

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """What the strategy whose turn it is proposes; the next one if it has nothing new.

        Raises:
            SpaceExhausted: if none has anything new.
        """
        turn = self.turn(history, history.next_id)
        order = [(turn + i) % len(self.strategies) for i in range(len(self.strategies))]
        for index in order[:-1]:
            try:
                return self.strategies[index].propose(space, self._seen_by(index, history), rng)
            except SpaceExhausted:
                continue
        return self.strategies[order[-1]].propose(space, self._seen_by(order[-1], history), rng)

    def _seen_by(self, index: int, history: History) -> History:
        if self.sharing == "all":
            return history
        credit = history.fold((self, "credit"), self._credited, self._first)
        return cast("History", _Own(history, (self, index), credit.shown[index], credit.records[index]))

    def turn(self, history: History, candidate_id: int) -> int:
        """The index of the strategy whose turn this candidate is."""
        turns = history.fold((self, "credit"), self._credited, self._first).turns
        return turns[candidate_id] if candidate_id < len(turns) else candidate_id % len(self.strategies)

    def turns(self, history: History) -> list[int]:
        """For each record, in the order in which they came in, the index of the strategy that proposed it."""
        return [self.turn(history, record.id) for record in history.records]

    def _first(self) -> _Credit:
        n_strategies = len(self.strategies)
        every = range(n_strategies)
        credit = _Credit([], [0 for _ in every], [-1 for _ in every], [[] for _ in every], [[] for _ in every])
        for number in range(self.workers):
            _decide(credit, number % n_strategies)
        return credit

    def _credited(self, credit: _Credit, record: Record) -> _Credit:
        """Take a record in; each decides one more turn."""
        came, is_best = (-record.fidelity, record.loss), False
        if record.scored and record.violation == 0 and came < credit.best:
            credit.best, is_best = came, True
        turns = credit.turns
        turn = turns[record.id] if record.id < len(turns) else record.id % len(self.strategies)
        for index in range(len(self.strategies)):
            sees = is_best or index == turn
            credit.shown[index].append(sees)
            if sees:
                credit.records[index].append(record)
        credit.window.append((turn, is_best))
        if len(credit.window) > self.window:
            credit.window.popleft()
        credit.ahead[turn] -= 1
        _decide(credit, self._next(credit))
        return credit

    def _next(self, credit: _Credit) -> int:
        """The strategy with the highest score; of equal ones the one whose turn is longest ago."""
        n_strategies = len(self.strategies)
        area, known = [0] * n_strategies, [0] * n_strategies
        for turn, is_best in credit.window:
            known[turn] += 1
            area[turn] += known[turn] * is_best
        taken = [n + max(0, ahead) for n, ahead in zip(known, credit.ahead, strict=True)]
        if 0 in taken:
            return taken.index(0)
        total = sum(taken)
        scores = [
            (area[i] * 2 / (known[i] * (known[i] + 1)) if known[i] else 0.0)
            + self.exploration * math.sqrt(2 * math.log2(total) / taken[i])
            for i in range(n_strategies)
        ]
        return min(range(n_strategies), key=lambda i: (-scores[i], credit.last[i]))


class _Own:
    """The history as one strategy sees it: some of the records, and all that is pending."""

    def __init__(self, history: History, scope: Hashable, shown: list[bool], records: list[Record]) -> None:
        self._history = history
        self._scope = scope
        self._shown = shown
        self.records = records

    def __len__(self) -> int:
        return len(self.records)

    def fold(self, key: Hashable, step: Callable[[State, Record], State], init: Callable[[], State]) -> State:
        def counted(pair: tuple[State, int], record: Record) -> tuple[State, int]:
            state, number = pair
            return (step(state, record) if self._shown[number] else state), number + 1

        return self._history.fold((self._scope, key), counted, lambda: (init(), 0))[0]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._history, name)


def _decide(credit: _Credit, turn: int) -> None:
    credit.last[turn] = len(credit.turns)
    credit.ahead[turn] += 1
    credit.turns.append(turn)
