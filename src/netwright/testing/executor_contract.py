"""What any executor has to hold: each call's own result comes back, failures included, whatever happens to others."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from netwright.core import Candidate, Context, Executor, PendingResult, Record
from netwright.core.errors import EvaluationError
from netwright.loop import Search
from netwright.runtime import InlineExecutor
from netwright.spaces import Space, choice
from netwright.strategies import Grid, Random

__all__ = ["check_executor"]

_SHORT_SECONDS = 0.2
_LONG_SECONDS = 600.0  # nobody waits for it


def check_executor(make_executor: Callable[[], Executor], *, ends_calls: bool = False) -> None:
    """Check that an executor keeps its contract.

    Checked: every call gives its own result or raises what it raised; `wait` gives the calls that are done, in the
    order of their submission, and nothing else; a search through it has all records, ids without gaps and failures;
    it can be closed twice, and with calls under way.

    Args:
        make_executor: makes a new executor.
        ends_calls: whether it ends calls that exceed their `timeout` and survives the death of a worker: then this
            is checked too.

    Example:
        >>> check_executor(InlineExecutor)

    Raises:
        AssertionError: saying which rule is broken.
    """
    for check in (_check_results, _check_errors, _check_search, *([_check_ends] if ends_calls else [])):
        executor = make_executor()
        try:
            check(executor)
        finally:
            executor.close()
    executor = make_executor()
    if ends_calls:
        executor.submit(_sleep, _LONG_SECONDS)
    executor.close()
    executor.close()


def _check_results(executor: Executor) -> None:
    name = type(executor).__name__
    if executor.workers < 1:
        raise AssertionError(f"`workers` of {name} must be at least 1, but is {executor.workers}.")
    if list(executor.wait([])):
        raise AssertionError(f"`wait` of {name} must give nothing where nothing is pending.")
    given = [(number, f"text {number}") for number in range(3 * executor.workers + 1)]
    pending = [executor.submit(_echo, *arguments) for arguments in given]
    of_call = {id(call): arguments for call, arguments in zip(pending, given, strict=True)}
    order = {id(call): position for position, call in enumerate(pending)}
    while pending:
        done = _waited(executor, pending)
        positions = [order[id(call)] for call in done]
        if positions != sorted(positions):
            raise AssertionError(f"`wait` of {name} must give the calls in the order of their submission.")
        for call in done:
            value = call.result()
            if value != of_call[id(call)]:
                raise AssertionError(f"{name} gave {value!r} as the result of the call with {of_call[id(call)]!r}.")
            pending.remove(call)
    _check_short_wait(executor)


def _check_short_wait(executor: Executor) -> None:
    """A `wait` that is shorter than the call gives nothing, unless the call was done when `submit` returned."""
    call = executor.submit(_sleep, _SHORT_SECONDS)
    early = call.done()
    done = list(executor.wait([call], _SHORT_SECONDS / 10))
    if done and not (early or call.done()):
        raise AssertionError(f"`wait` of {type(executor).__name__} gave a call that is not done.")
    if _result_of(executor, call) != "slept":
        raise AssertionError(f"{type(executor).__name__} lost a call that was waited for in vain once.")


def _check_errors(executor: Executor) -> None:
    name = type(executor).__name__
    for error in (ValueError("a wrong value"), TimeoutError("a server didn't answer"), EvaluationError("gave up")):
        try:
            value = _result_of(executor, executor.submit(_fail, error))
        except Exception as raised:
            if type(raised) is not type(error) or str(raised) != str(error):
                raise AssertionError(
                    f"{name} must raise what the call raised, {error!r}, but raised {raised!r}."
                ) from raised
        else:
            raise AssertionError(f"{name} must raise what the call raised, {error!r}, but gave {value!r}.")
    if _result_of(executor, executor.submit(_echo, 1)) != (1,):
        raise AssertionError(f"{name} must go on after a call that failed.")


def _check_search(executor: Executor) -> None:
    name = type(executor).__name__
    expected = {record.id: record for record in _search(InlineExecutor(), Random())}
    found = _search(executor, Random())
    if sorted(record.id for record in found) != sorted(expected):
        raise AssertionError(f"a search through {name} has the ids {sorted(record.id for record in found)}.")
    # What Random proposes depends on the id alone, so it must be the same with any number of workers.
    for record in found:
        if record != expected[record.id]:
            raise AssertionError(
                f"a search through {name} must give the records of one in this process, but gave\n  {record}\n"
                f"instead of\n  {expected[record.id]}"
            )


def _check_ends(executor: Executor) -> None:
    name = type(executor).__name__
    calls: dict[str, Callable[[], PendingResult]] = {
        "exceeds its timeout": lambda: executor.submit(_sleep, _LONG_SECONDS, timeout=_SHORT_SECONDS),
        "loses its worker": lambda: executor.submit(_die),
    }
    for what, submit in calls.items():
        try:
            value = _result_of(executor, submit())
        except EvaluationError:
            pass
        else:
            raise AssertionError(f"{name} must raise EvaluationError for a call that {what}, but gave {value!r}.")
    pending = [executor.submit(_echo, number) for number in range(2 * executor.workers)]
    if [_result_of(executor, call) for call in pending] != [(number,) for number in range(2 * executor.workers)]:
        raise AssertionError(f"{name} must go on with other workers after some have died.")
    space = Space({"x": choice([0, 1, 2, 3])})
    search = Search(space, Grid(), _dies_at_one, budget="4 candidates", executor=executor)
    statuses = {record.arch["x"]: record.status for record in search.run().records}
    if statuses != {0: "ok", 1: "failed", 2: "ok", 3: "ok"}:
        raise AssertionError(f"a dead worker must be one failed record in a search through {name}, but got {statuses}.")


def _search(executor: Executor, strategy: Random) -> list[Record]:
    space = Space({"x": choice(list(range(9))), "y": choice(list(range(9)))})
    search = Search(space, strategy, _loss, constraints="x<=7", budget="20 candidates", executor=executor, seed=3)
    # Infeasible candidates don't count, so the last ones depend on the order in which they come in.
    return [record for record in search.run().records if record.id < 20]


def _waited(executor: Executor, pending: list[PendingResult]) -> list[PendingResult]:
    done = list(executor.wait(pending))
    if not done:
        raise AssertionError(f"`wait` of {type(executor).__name__} must block until a call is done.")
    if any(call not in pending or not call.done() for call in done):
        raise AssertionError(f"`wait` of {type(executor).__name__} must give calls that are pending and done.")
    return done


def _result_of(executor: Executor, call: PendingResult) -> Any:
    _waited(executor, [call])
    return call.result()


# What is called, in a worker perhaps.


def _echo(*arguments: Any) -> tuple[Any, ...]:
    return arguments


def _fail(error: Exception) -> None:
    raise error


def _sleep(seconds: float) -> str:
    time.sleep(seconds)
    return "slept"


def _die() -> None:
    os._exit(3)


def _loss(candidate: Candidate, context: Context) -> dict[str, float]:  # noqa: ARG001  # an evaluator
    x, y = candidate.arch["x"], candidate.arch["y"]
    assert isinstance(x, int)
    assert isinstance(y, int)
    if y == 3:
        raise TimeoutError("three takes too long")
    return {"x": float(x)} if x > 7 else {"x": float(x), "loss": float("nan") if y == 5 else x + 0.1 * y}


def _dies_at_one(candidate: Candidate, context: Context) -> dict[str, float]:  # noqa: ARG001  # an evaluator
    if candidate.arch["x"] == 1:
        _die()
    return {"loss": 0.0}
