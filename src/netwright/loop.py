"""`Search`: the loop. Ask a strategy for a candidate, have it evaluated, tell the history; stop at the budget.

Strategies and evaluators are pure plug-ins; all that lasts is the store's records. A search on a store that has
records goes on where they end.
"""

from __future__ import annotations

import logging
import math
import operator
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netwright.core.arch import Arch
from netwright.core.budget import Budget
from netwright.core.errors import EvaluationError, InvalidInput, RunError, SpaceExhausted
from netwright.core.history import History
from netwright.core.objective import Constraint, Objective, constraints_from, objectives_from
from netwright.core.protocols import Context, Evaluator, Executor, PendingResult, SearchSpace, Store, Strategy, wants_of
from netwright.core.record import Candidate, Record, Status
from netwright.core.streams import Streams
from netwright.runtime import InlineExecutor
from netwright.runtime.curve_log import CurveLog

__all__ = ["Evaluation", "Outcome", "Search"]

_log = logging.getLogger(__name__)

_MOST_USELESS = 1000  # in a row, infeasible or failed: then it is no matter of luck
_LEAST_SHARE = 0.05  # of a usual evaluation's time, for another one to be begun
_GRACE = 3.0  # seconds that a worker may overrun its deadline before it is ended
_LONGEST_REASON = 1000  # characters of an error that are kept


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
    """Calls an evaluator and turns whatever happens into an `Outcome` of plain numbers. Travels to workers, once."""

    evaluator: Evaluator

    def __call__(self, candidate: Candidate, context: Context) -> Outcome:
        """The outcome; only a request to stop (`KeyboardInterrupt`, `SystemExit`) passes through."""
        start = time.perf_counter()
        metrics: Mapping[str, float] = {}
        curves: dict[str, tuple[float, ...]] = {}
        error = None
        try:
            metrics = _numbers(self.evaluator(candidate, context))
        except Exception as raised:  # noqa: BLE001  # a failed candidate is a record, not a crash
            error = _reason(raised)
            _log.debug("candidate %d failed", candidate.id, exc_info=True)
        if context.curves:
            try:
                curves = {name: tuple(map(float, values)) for name, values in context.curves.items()}
            except (TypeError, ValueError) as raised:
                error = error or f"`context.curves` must hold lists of numbers: {raised}"
        partial = None if context.partial is None else str(context.partial)
        return Outcome(metrics, error, partial, curves, time.perf_counter() - start)


class Search:
    """A search: a strategy explores a space, an evaluator scores, a store keeps the records.

    Candidate `n` draws from a stream of its own and sees only the history. So a search that was killed, and started
    again on the same store, gives the same records as one that never stopped: exactly so with one worker. With several,
    which candidate sees which records depends on how long evaluations take, whether or not the search is stopped; what
    holds is that no finished record is lost, that ids have no gaps, and that candidates which were being evaluated
    are proposed again under their ids, from the records that there are by then.

    Args:
        space: what to search.
        strategy: how to explore.
        evaluator: how to score; may be left out by those who call `ask` and `tell` themselves.
        objectives: what to optimise: `accuracy`, `min:params`, objects, or several of them.
        constraints: limits on metrics, such as `params<=100k`.
        budget: when to stop: `10m`, `200 candidates`, or a `Budget`. Needed for `run`.
        executor: where evaluations run; in this process if not given. `run` closes it at its end.
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

    Raises:
        InvalidInput: if one of the arguments isn't what it should be.
        RunError: if the store holds the records of another search.
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
        if isinstance(strategy, type) or not callable(getattr(strategy, "propose", None)):
            raise InvalidInput(
                f"`strategy` must be an object with a method propose(space, history, rng), but got {strategy!r}"
                + (f": say {strategy.__name__}()." if isinstance(strategy, type) else ".")
            )
        if evaluator is not None and not callable(evaluator):
            raise InvalidInput(f"`evaluator` must be callable with a candidate and a context, but got {evaluator!r}.")
        self.space = space
        self.strategy = strategy
        self.evaluator = evaluator
        self._wants = wants_of(evaluator)
        self.constraints = constraints_from(constraints)
        self.budget = None if budget is None else Budget.of(budget)
        self.executor: Executor = executor or InlineExecutor()
        self.store = store
        self.seed = _seed(seed)
        self._streams = Streams(self.seed)
        self.history = History(objectives_from(objectives), canonical=space.canonical)
        self.stopped_by = ""
        """Why `run` ended, in words."""
        self._on_record = on_record
        self._clock = clock
        self._device = device
        self._threads = threads
        self._checkpoints = checkpoints
        self._new_id = 0  # above all ids so far
        self._lost: list[int] = []  # ids of candidates whose evaluation was broken off: proposed again, first
        self._spent = 0.0  # seconds, in earlier runs of this search
        self._counted = 0
        self._useless_in_row = 0
        self._whole_seconds = 0.0  # of all evaluations that came to their end
        self._n_whole = 0
        if store is not None:
            self._replay(store)
        self._start = clock() if started is None else started

    def _replay(self, store: Store) -> None:
        seen: set[int] = set()
        for record in store:
            try:
                self.space.validate(record.arch)
                if record.losses and len(record.losses) != len(self.history.objectives):
                    raise InvalidInput(
                        f"it has {len(record.losses)} losses for {len(self.history.objectives)} objectives"
                    )
            except InvalidInput as error:
                raise RunError(
                    f"record {record.id} of the store is not one of this search: {error}\nUse another store, or the "
                    "space and the objectives that it was started with."
                ) from error
            self._keep(record)
            seen.add(record.id)
            self._spent = max(self._spent, record.elapsed_seconds)
        self._useless_in_row %= _MOST_USELESS  # a search that ended by that has a new chance: something was mended
        self._new_id = max(seen, default=-1) + 1
        self._give_back(set(range(self._new_id)) - seen)

    def _give_back(self, ids: set[int]) -> None:
        """Have the candidates of these ids proposed again."""
        for number in ids:
            self.history.drop(number)
        self._lost = sorted({*self._lost, *ids})
        self.history.next_id = self._lost[0] if self._lost else self._new_id

    def ask(self) -> Candidate:
        """The next candidate to evaluate.

        Raises:
            SpaceExhausted: if the strategy has nothing new to propose.
            RunError: if what the strategy returns is not the history's next candidate.
        """
        history = self.history
        number = history.next_id
        candidate = self.strategy.propose(self.space, history, self._streams(number))
        fits = isinstance(candidate, Candidate) and isinstance(candidate.arch, Arch) and candidate.id == number
        if not fits or not 0 < candidate.fidelity <= 1:
            raise RunError(
                f"{type(self.strategy).__name__}.propose must return history.candidate(arch) with an Arch, a fidelity "
                f"in (0, 1] and id {number}, but returned {candidate!r}."
            )
        history.start(candidate)
        if self._lost:
            self._lost.pop(0)
        else:
            self._new_id = number + 1
        history.next_id = self._lost[0] if self._lost else self._new_id
        return candidate

    def tell(self, candidate: Candidate, outcome: Outcome | Mapping[str, float] | float | Exception) -> Record:
        """Record what came of a candidate that `ask` gave.

        Args:
            candidate: the candidate.
            outcome: its metrics by name; a number, if there is one objective; or the exception that ended it.

        Raises:
            RunError: if the candidate wasn't asked for, or was told before.
        """
        asked = self.history.pending.get(candidate.id)
        if asked is not candidate and asked != candidate:
            raise RunError(f"candidate {candidate.id} wasn't asked for, or was told before: tell each one once.")
        if not isinstance(outcome, Outcome):
            outcome = self._outcome(outcome)
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

    def _outcome(self, given: Mapping[str, float] | float | Exception) -> Outcome:
        if isinstance(given, Exception):
            return Outcome(error=_reason(given))
        objectives = self.history.objectives
        if not isinstance(given, Mapping) and len(objectives) == 1:
            given = {objectives[0].metric: given}
        try:
            return Outcome(_numbers(given))
        except EvaluationError as error:
            return Outcome(error=_reason(error))

    def _judge(self, outcome: Outcome) -> tuple[Status, Mapping[str, float], tuple[float, ...], float, str | None]:
        """Status, metrics, losses, violation and error of an outcome."""
        if outcome.error is not None:
            return "failed", {}, (), 0.0, outcome.error
        metrics, objectives = outcome.metrics, self.history.objectives
        violation = 0.0
        for limit in self.constraints:
            if limit.metric in metrics:
                violation += limit.violation(metrics)
        missing = [objective.metric for objective in objectives if objective.metric not in metrics]
        if missing and violation > 0:
            return "infeasible", metrics, (), violation, None
        missing += [limit.metric for limit in self.constraints if limit.metric not in metrics]
        if missing:
            there = ", ".join(metrics) or "none"
            return "failed", metrics, (), 0.0, f"the metric {missing[0]!r} is missing; there are: {there}."
        losses = tuple([objective.loss(metrics) for objective in objectives])
        for objective, loss in zip(objectives, losses):  # noqa: B905  # `strict` costs a tenth of a microsecond
            if not math.isfinite(loss):
                return "failed", metrics, (), 0.0, f"{objective.metric} is {metrics[objective.metric]}."
        return "partial" if outcome.partial is not None else "ok", metrics, losses, violation, outcome.partial

    def _keep(self, record: Record) -> None:
        next_id = self.history.next_id
        self.history.add(record)
        if record.id < self._new_id:
            self.history.next_id = next_id
        self._useless_in_row = 0 if record.scored else self._useless_in_row + 1
        if record.status != "infeasible":
            self._counted += 1
            if record.status == "ok":
                self._whole_seconds += record.wall_seconds
                self._n_whole += 1

    def elapsed(self) -> float:
        """Seconds of search so far, earlier runs of it included."""
        return self._spent + self._clock() - self._start

    def run(self) -> History:
        """Search until the budget is used up, or the strategy has nothing new to propose.

        An interrupt (Ctrl-C) passes through; all finished records are kept, and the search can go on: by another `run`,
        or by a new search on the same store.

        Raises:
            RunError: if the search has no evaluator or no budget, or its workers can't be used.
        """
        if self.evaluator is None or self.budget is None:
            raise RunError("`run` needs an evaluator and a budget; without them use `ask` and `tell`.")
        evaluation = Evaluation(self.evaluator)
        running: dict[PendingResult, tuple[Candidate, float]] = {}
        asked_by_others = set(self.history.pending)
        try:
            while self._fill(running, evaluation, self.budget):
                self._collect(running)
        except BaseException as error:
            self.stopped_by = f"broken off: {_reason(error)}"
            raise
        finally:
            self._give_back(set(self.history.pending) - asked_by_others)
            self.executor.close()
        _log.info("search ended: %s", self.stopped_by)
        return self.history

    def _fill(
        self, running: dict[PendingResult, tuple[Candidate, float]], evaluation: Evaluation, budget: Budget
    ) -> bool:
        """Give every worker something to do; false when nothing runs any more."""
        self.stopped_by = ""
        while len(running) < self.executor.workers:
            self.stopped_by = self._reason_to_stop(budget)
            # Those that are running may yet turn out infeasible, which doesn't count; then there is room for others.
            full = budget.candidates is not None and self._counted + len(running) >= budget.candidates
            if self.stopped_by or full:
                break
            try:
                candidate = self.ask()
            except SpaceExhausted as exhausted:  # for good, unless records are still to come
                self.stopped_by = f"nothing new to propose: {exhausted}"
                break
            context = self._context_for(candidate)
            timeout = None if context.deadline is None else max(0.0, context.remaining()) + _GRACE
            running[self.executor.submit(evaluation, candidate, context, timeout=timeout)] = candidate, self._clock()
        return bool(running)

    def _collect(self, running: dict[PendingResult, tuple[Candidate, float]]) -> None:
        """Tell what is done; what overruns the budget is given up, whatever the executor does about it."""
        deadline = self._deadline()
        patience = None if deadline is None else max(0.0, deadline + 2 * _GRACE - self._clock())
        for done in self.executor.wait(running, patience):
            candidate, start = running.pop(done)
            try:
                outcome = done.result()
            except RunError:  # of the workers, not of this candidate
                raise
            except Exception as error:  # noqa: BLE001  # the worker died or took too long
                outcome = Outcome(error=_reason(error), wall_seconds=self._clock() - start)
            self.tell(candidate, outcome)
        if deadline is not None and running and self._clock() >= deadline + 2 * _GRACE:
            for candidate, start in running.values():
                text = "given up: it went on after the time was up"
                self.tell(candidate, Outcome(error=text, wall_seconds=self._clock() - start))
            running.clear()

    def _reason_to_stop(self, budget: Budget) -> str:
        if budget.candidates is not None and self._counted >= budget.candidates:
            return f"{budget.candidates} candidate{'s' if budget.candidates > 1 else ''} evaluated"
        if budget.seconds is not None:
            least = _LEAST_SHARE * self._whole_seconds / max(self._n_whole, 1)  # with less, a candidate is surely lost
            if self.elapsed() >= budget.seconds - least:
                return "time is up"
        if self._useless_in_row >= _MOST_USELESS:
            last, limits = self.history.records[-1], ", ".join(map(str, self.constraints))
            failed, broken = f"failed, the last with: {last.error}", f"break the constraints ({limits}): loosen them"
            return f"{_MOST_USELESS} candidates in a row {failed if last.status == 'failed' else broken}"
        return ""

    def _deadline(self) -> float | None:
        if self.budget is None or self.budget.seconds is None:
            return None
        return self._start - self._spent + self.budget.seconds

    def _context_for(self, candidate: Candidate) -> Context:
        # Any function of (seed, id) will do, as long as different candidates get different seeds.
        seed = (self.seed * 1_000_003 + candidate.id) % 2**31
        context = Context(seed, self._deadline(), self._device, self._threads, self._checkpoints, clock=self._clock)
        if "curves" in self._wants:
            context.earlier = self.history.fold("curves", CurveLog.add, CurveLog).curves()
        if "parent" in self._wants and candidate.parent is not None:
            context.parent = self.history.fold("by id", _by_id, dict[int, Record]).get(candidate.parent)
        return context


def _by_id(known: dict[int, Record], record: Record) -> dict[int, Record]:
    known[record.id] = record
    return known


def _seed(given: Any) -> int:
    try:
        seed = operator.index(given)
    except TypeError:
        seed = -1
    if seed < 0 or isinstance(given, bool):
        raise InvalidInput(f"`seed` must be a whole number of at least 0, but got {given!r}.")
    return seed


def _numbers(metrics: Any) -> dict[str, float]:
    """Metrics as plain numbers: whatever has a `float`, such as a tensor of one element, may come in."""
    if not isinstance(metrics, Mapping):
        raise EvaluationError(f"an evaluation must give a mapping of metrics, but gave a {type(metrics).__name__}.")
    try:
        return {str(name): float(value) for name, value in metrics.items()}
    except (TypeError, ValueError) as error:
        raise EvaluationError(f"metrics must be numbers: {error}") from error


def _reason(error: BaseException) -> str:
    """The exception in one line, with the place where it was raised; the text alone if it is one of ours."""
    text = " ".join(str(error).split())
    if not isinstance(error, EvaluationError):
        text = f"{type(error).__name__}: {text}".rstrip(": ")
    if len(text) > _LONGEST_REASON:
        text = f"{text[:_LONGEST_REASON]} …"
    frames = list(traceback.walk_tb(error.__traceback__))
    if frames and not isinstance(error, EvaluationError):
        frame, line = frames[-1]
        text += f" (in {frame.f_code.co_name}, {Path(frame.f_code.co_filename).name}:{line})"
    return text.encode("utf-8", "backslashreplace").decode()  # a lone surrogate can't be written to a file
