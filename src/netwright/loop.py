"""`Search`: the loop. Ask a strategy for a candidate, have it evaluated, tell the history; stop at the budget.

Strategies and evaluators are pure plug-ins; all that lasts is the store's records. A search on a store that has
records goes on where they end: candidate `n` draws from a stream of its own and sees the same history, so a
search that was killed and started again gives the same records as one that never stopped.
"""

from __future__ import annotations

import logging
import math
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from netwright.core.budget import Budget
from netwright.core.errors import InvalidInput, RunError, SpaceExhausted
from netwright.core.history import History
from netwright.core.objective import Constraint, Objective, constraints_from, objectives_from
from netwright.core.protocols import Context, Evaluator, Executor, PendingResult, SearchSpace, Store, Strategy
from netwright.core.record import Candidate, Record, Status
from netwright.core.streams import Streams
from netwright.runtime import InlineExecutor

__all__ = ["Evaluation", "Outcome", "Search"]

_log = logging.getLogger(__name__)

_MOST_INFEASIBLE = 1000  # in a row: then the constraints are as good as impossible
_GRACE = 3.0  # seconds that a worker may overrun its deadline before it is ended


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an evaluation gave: metrics or an error."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    error: str | None = None
    partial: str | None = None
    curves: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    wall_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Calls an evaluator and turns whatever happens into an `Outcome`. Travels to workers, once."""

    evaluator: Evaluator

    def __call__(self, candidate: Candidate, context: Context) -> Outcome:
        """The outcome; only a request to stop (`KeyboardInterrupt`, `SystemExit`) passes through."""
        start = time.perf_counter()
        metrics: Mapping[str, float] = {}
        error = None
        try:
            metrics = self.evaluator(candidate, context)
        except Exception as raised:  # noqa: BLE001  # a failed candidate is a record, not a crash
            error = _reason(raised)
            _log.debug("candidate %d failed", candidate.id, exc_info=True)
        curves = {name: tuple(values) for name, values in context.curves.items()}
        return Outcome(metrics, error, context.partial, curves, time.perf_counter() - start)


class Search:
    """A search: a strategy explores a space, an evaluator scores, a store keeps the records.

    Args:
        space: what to search.
        strategy: how to explore.
        evaluator: how to score; may be left out by those who call `ask` and `tell` themselves.
        objectives: what to optimise: `accuracy`, `min:params`, objects, or several of them.
        constraints: limits on metrics, such as `params<=100k`.
        budget: when to stop: `10m`, `200 candidates`, or a `Budget`. Needed for `run`.
        executor: where evaluations run; in this process if not given.
        store: where records are kept; its records are continued. In memory if not given.
        seed: of everything random.
        device, threads, checkpoints: passed on to evaluations.
        on_record: called with each new record and the history.
        clock: seconds since some moment; the budget is measured by it.
        started: when the search counts as started, by the clock; now if not given.

    Example:
        >>> from netwright import Space, choice
        >>> from netwright.strategies import RegularizedEvolution
        >>> space = Space({"x": choice([1, 2, 3, 4])})
        >>> search = Search(space, RegularizedEvolution(population=4, tournament=2), objectives="min:loss")
        >>> for _ in range(20):
        ...     candidate = search.ask()
        ...     record = search.tell(candidate, {"loss": float(candidate.arch["x"])})
        >>> search.history.best.arch["x"]
        1
    """

    def __init__(
        self,
        space: SearchSpace,
        strategy: Strategy,
        evaluator: Evaluator | None = None,
        *,
        objectives: str | Objective | Sequence[str | Objective] = "min:loss",
        constraints: str | Constraint | Sequence[str | Constraint] | None = None,
        budget: str | Budget | None = None,
        executor: Executor | None = None,
        store: Store | None = None,
        seed: int = 0,
        device: str = "cpu",
        threads: int | None = None,
        checkpoints: Path | None = None,
        on_record: Callable[[Record, History], None] | None = None,
        clock: Callable[[], float] = time.time,
        started: float | None = None,
    ) -> None:
        if not isinstance(seed, int) or seed < 0:
            raise InvalidInput(f"`seed` must be a whole number of at least 0, but got {seed!r}.")
        self.space = space
        self.strategy = strategy
        self.evaluator = evaluator
        self.constraints = constraints_from(constraints)
        self.budget = None if budget is None else Budget.of(budget)
        self.executor: Executor = executor or InlineExecutor()
        self.store = store
        self.seed = seed
        self._streams = Streams(seed)
        self.history = History(objectives_from(objectives))
        self.stopped_by = ""
        """Why `run` ended, in words."""
        self._on_record = on_record
        self._clock = clock
        self._context = {"device": device, "threads": threads, "checkpoints": checkpoints, "clock": clock}
        self._asked: dict[int, Candidate] = {}
        self._lost: list[int] = []
        self._spent = 0.0  # seconds, in earlier runs of this search
        self._counted = 0
        self._infeasible_in_row = 0
        if store is not None:
            self._replay(store)
        self._start = clock() if started is None else started

    def _replay(self, store: Store) -> None:
        seen: set[int] = set()
        for record in store:
            self._keep(record)
            seen.add(record.id)
            self._spent = max(self._spent, record.elapsed_seconds)
        # Candidates that were being evaluated when the search was killed are proposed again, first.
        self._lost = [n for n in range(self.history.next_id) if n not in seen]

    def ask(self) -> Candidate:
        """The next candidate to evaluate.

        Raises:
            SpaceExhausted: if the strategy has nothing new to propose.
        """
        history = self.history
        after = history.next_id
        number = self._lost[0] if self._lost else after
        history.next_id = number
        try:
            candidate = self.strategy.propose(self.space, history, self._streams(number))
        except BaseException:
            history.next_id = after
            raise
        if not isinstance(candidate, Candidate) or candidate.id != number or not 0 < candidate.fidelity <= 1:
            history.next_id = after
            raise RunError(
                f"{type(self.strategy).__name__}.propose must return history.candidate(arch) with a fidelity in (0, 1]"
                f" and id {number}, but returned {candidate!r}."
            )
        if self._lost:
            self._lost.pop(0)
        history.next_id = max(after, number + 1)
        history.start(candidate)
        self._asked[number] = candidate
        return candidate

    def tell(self, candidate: Candidate, outcome: Outcome | Mapping[str, float] | float | Exception) -> Record:
        """Record what came of a candidate that `ask` gave.

        Args:
            candidate: the candidate.
            outcome: its metrics by name; a number, if there is one objective; or the exception that ended it.

        Raises:
            RunError: if the candidate wasn't asked for, or was told before.
        """
        if self._asked.pop(candidate.id, None) is None:
            raise RunError(f"candidate {candidate.id} wasn't asked for, or was told before: tell each one once.")
        if isinstance(outcome, Exception):
            outcome = Outcome(error=_reason(outcome))
        elif not isinstance(outcome, Outcome):
            metrics = outcome if isinstance(outcome, Mapping) else {self.history.objectives[0].metric: outcome}
            outcome = Outcome(metrics)
        status, metrics, losses, violation, error = self._judge(outcome)
        record = Record(
            candidate.id,
            candidate.arch,
            candidate.fidelity,
            candidate.parent,
            metrics,
            losses,
            violation,
            status,
            error,
            outcome.wall_seconds,
            self.elapsed(),
            outcome.curves,
        )
        if self.store is not None:
            self.store.append(record)
        self._keep(record)
        if self._on_record is not None:
            self._on_record(record, self.history)
        return record

    def _judge(self, outcome: Outcome) -> tuple[Status, dict[str, float], tuple[float, ...], float, str | None]:
        """Status, metrics, losses, violation and error of an outcome."""
        if outcome.error is not None:
            return "failed", {}, (), 0.0, outcome.error
        if not isinstance(outcome.metrics, Mapping):
            kind = type(outcome.metrics).__name__
            return "failed", {}, (), 0.0, f"an evaluator must return a mapping of metrics, but returned a {kind}."
        try:
            metrics = {str(name): float(value) for name, value in outcome.metrics.items()}
        except (TypeError, ValueError) as error:
            return "failed", {}, (), 0.0, f"metrics must be numbers: {error}"
        objectives, limits = self.history.objectives, self.constraints
        there = ", ".join(metrics) or "none"
        violation = 0.0
        for limit in limits:
            if limit.metric in metrics:
                broken = limit.violation(metrics)
                violation += math.inf if math.isnan(broken) else broken
        missing = [o.metric for o in objectives if o.metric not in metrics]
        if missing and violation > 0:
            return "infeasible", metrics, (), violation, None
        missing += [limit.metric for limit in limits if limit.metric not in metrics]
        if missing:
            return "failed", metrics, (), 0.0, f"the metric {missing[0]!r} is missing; there are: {there}."
        losses = tuple([objective.loss(metrics) for objective in objectives])
        for objective, loss in zip(objectives, losses, strict=True):
            if not math.isfinite(loss):
                return "failed", metrics, (), 0.0, f"{objective.metric} is {metrics[objective.metric]}."
        return "partial" if outcome.partial else "ok", metrics, losses, violation, outcome.partial

    def _keep(self, record: Record) -> None:
        self.history.add(record)
        if record.status == "infeasible":
            self._infeasible_in_row += 1
        else:
            self._infeasible_in_row = 0
            self._counted += 1

    def elapsed(self) -> float:
        """Seconds of search so far, earlier runs of it included."""
        return self._spent + self._clock() - self._start

    def run(self) -> History:
        """Search until the budget is used up, or the strategy has nothing new to propose.

        An interrupt (Ctrl-C) passes through; all finished records are kept, and a new search on the same store goes on.

        Raises:
            RunError: if the search has no evaluator or no budget.
        """
        if self.evaluator is None or self.budget is None:
            raise RunError("`run` needs an evaluator and a budget; without them use `ask` and `tell`.")
        evaluation = Evaluation(self.evaluator)
        pending: dict[PendingResult, Candidate] = {}
        self.stopped_by = ""
        try:
            while True:
                while not self.stopped_by and len(pending) < self.executor.workers:
                    self.stopped_by = self._reason_to_stop(len(pending))
                    if self.stopped_by:
                        break
                    try:
                        candidate = self.ask()
                    except SpaceExhausted as exhausted:
                        self.stopped_by = f"nothing new to propose: {exhausted}"
                        break
                    context = self._context_for(candidate)
                    timeout = None if context.deadline is None else max(0.0, context.remaining()) + _GRACE
                    pending[self.executor.submit(evaluation, candidate, context, timeout=timeout)] = candidate
                if not pending:
                    break
                for done in self.executor.wait(pending):
                    candidate = pending.pop(done)
                    try:
                        outcome = done.result()
                    except Exception as error:  # noqa: BLE001  # the worker died or took too long
                        outcome = error
                    self.tell(candidate, outcome)
        finally:
            self.executor.close()
        _log.info("search ended: %s", self.stopped_by)
        return self.history

    def _reason_to_stop(self, n_pending: int) -> str:
        budget = self.budget
        if budget is None:
            return ""
        if budget.candidates is not None and self._counted + n_pending >= budget.candidates:
            return f"{budget.candidates} candidates evaluated"
        if budget.seconds is not None and self.elapsed() >= budget.seconds:
            return "time is up"
        if self._infeasible_in_row >= _MOST_INFEASIBLE:
            limits = ", ".join(map(str, self.constraints))
            return f"{_MOST_INFEASIBLE} candidates in a row break the constraints ({limits}): loosen them"
        return ""

    def _context_for(self, candidate: Candidate) -> Context:
        deadline = None
        if self.budget is not None and self.budget.seconds is not None:
            deadline = self._start - self._spent + self.budget.seconds
        # Any function of (seed, id) will do, as long as different candidates get different seeds.
        seed = (self.seed * 1_000_003 + candidate.id) % 2**31
        return Context(seed=seed, deadline=deadline, **self._context)  # type: ignore[arg-type]  # by name


def _reason(error: BaseException) -> str:
    """The exception in one line, with the place where it was raised."""
    text = f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")
    frames = traceback.extract_tb(error.__traceback__)
    if frames:
        last = frames[-1]
        text += f" (in {last.name}, {Path(last.filename).name}:{last.lineno})"
    return text
