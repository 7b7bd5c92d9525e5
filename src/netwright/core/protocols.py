"""The contracts between the parts of a search. A plug-in is any object that satisfies one of these.

A strategy never sees a model, a task, an executor or a store; an evaluator never sees a strategy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from netwright.core.arch import Arch
from netwright.core.curves import Curves
from netwright.core.history import History
from netwright.core.record import Candidate, Record

__all__ = [
    "Context",
    "Evaluator",
    "Executor",
    "PendingResult",
    "Recipe",
    "SearchSpace",
    "Store",
    "Strategy",
    "wants_of",
]

_MOST_WRAPPED = 100  # wrappers around an evaluator


@runtime_checkable
class SearchSpace(Protocol):
    """What a strategy may ask of a space. `netwright.Space` is one; an open-ended space is another."""

    def sample(self, rng: np.random.Generator) -> Arch:
        """A random arch."""
        ...

    def default(self) -> Arch:
        """The arch that a careful person would start from."""
        ...

    def mutate(self, arch: Arch, rng: np.random.Generator) -> Arch:
        """A copy with one decision changed."""
        ...

    def crossover(self, first: Arch, second: Arch, rng: np.random.Generator) -> Arch:
        """A child with decisions of both."""
        ...

    def neighbours(self, arch: Arch) -> Iterator[Arch]:
        """Every arch that differs by one step of one decision."""
        ...

    def enumerate(self, resolution: int = 5) -> Iterator[Arch]:
        """Every arch, in a fixed order; a real takes `resolution` values."""
        ...

    def encode(self, arch: Arch) -> np.ndarray[Any, np.dtype[np.float64]]:
        """A vector of fixed length, different for different arches."""
        ...

    def validate(self, arch: Arch) -> None:
        """Raise `InvalidSpace` with every problem found, or do nothing."""
        ...

    def canonical(self, arch: Arch) -> Arch:
        """One representative of all arches that work the same."""
        ...

    def size(self) -> float:
        """The number of arches; infinite with a real."""
        ...


class Strategy(Protocol):
    """How to explore. Pure: the same space, history and generator give the same candidate."""

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """The next candidate (`history.candidate(arch)`), or `SpaceExhausted` when there is nothing new."""
        ...


@dataclass(slots=True)
class Context:
    """What an evaluation may use.

    Attributes:
        seed: for whatever the evaluation draws; different for each candidate, the same on every run.
        deadline: the time (as of `clock()`) at which it must return what it has; None: no limit.
        device: where to compute, as torch names it.
        threads: how many processor threads it may use.
        checkpoints: a folder that outlives the evaluation, or None.
        curves: values per epoch by name; filled through `log`.
        partial: set by an evaluation that ended before its time and returns what it has: why.
        earlier: the learning curves of earlier candidates, for an evaluator that wants them (see `wants_of`).
        parent: the record of the candidate's parent, for an evaluator that wants it, if the search has one.
        on_log: told the values of each `log`, in the process in which the search runs.
    """

    seed: int = 0
    deadline: float | None = None
    device: str = "cpu"
    threads: int | None = None
    checkpoints: Path | None = None
    curves: dict[str, list[float]] = field(default_factory=dict)
    partial: str | None = None
    clock: Callable[[], float] = time.time
    earlier: Curves | None = None
    parent: Record | None = None
    on_log: Callable[[Mapping[str, float]], None] | None = None

    def log(self, **values: float) -> None:
        """Add a point to each named curve (once an epoch, say)."""
        for name, value in values.items():
            self.curves.setdefault(name, []).append(float(value))
        if self.on_log is not None:
            self.on_log(values)

    def remaining(self) -> float:
        """Seconds until the deadline; infinite without one."""
        return float("inf") if self.deadline is None else self.deadline - self.clock()


class Evaluator(Protocol):
    """How to score. Knows no strategy; returns named metrics and raises for a failure.

    Must be picklable to be used with several workers. One that wants to know of earlier candidates says so by an
    attribute `wants`: see `wants_of`.
    """

    def __call__(self, candidate: Candidate, context: Context) -> Mapping[str, float]:
        """The candidate's metrics."""
        ...


def wants_of(evaluator: object) -> frozenset[str]:
    """What an evaluator wants a context to have: `curves` (its `earlier`), `parent`, or both.

    It says so by an attribute `wants`. A wrapper that says nothing wants what it wraps as `evaluator`.

    Example:
        >>> class Wrapped:
        ...     wants = frozenset({"curves"})
        >>> class Wrapper:
        ...     evaluator = Wrapped()
        >>> wants_of(Wrapper()), wants_of(print)
        (frozenset({'curves'}), frozenset())
    """
    for _ in range(_MOST_WRAPPED):
        found = getattr(evaluator, "wants", None)
        if found is not None:
            return frozenset(found)
        evaluator = getattr(evaluator, "evaluator", None)
        if evaluator is None:
            break
    return frozenset()


class PendingResult(Protocol):
    """The part of `concurrent.futures.Future` that a search uses."""

    def done(self) -> bool:
        """Whether `result` returns at once."""
        ...

    def result(self, timeout: float | None = None) -> Any:
        """What the call returned; raises what it raised."""
        ...


class Executor(Protocol):
    """Where evaluations run."""

    @property
    def workers(self) -> int:
        """How many calls run at the same time."""
        ...

    def submit(self, fn: Callable[..., Any], /, *args: Any, timeout: float | None = None) -> PendingResult:
        """Run `fn(*args)`; a call that takes longer than `timeout` seconds is ended, where that is possible."""
        ...

    def wait(self, pending: Iterable[PendingResult], timeout: float | None = None) -> list[PendingResult]:
        """Block until at least one call is done (or `timeout` seconds passed); those that are done, oldest first."""
        ...

    def close(self) -> None:
        """End all workers."""
        ...


class Store(Protocol):
    """An append-only journal of records, safe to kill."""

    def append(self, record: Record) -> None:
        """Write a record; it is safe from a kill of this process when this returns."""
        ...

    def __iter__(self) -> Iterator[Record]:
        """The records in the order in which they were appended."""
        ...


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a method (a function in `netwright.methods`) returns: how to explore, and how to score if that differs.

    Attributes:
        strategy: how to explore.
        evaluator: makes the method's own evaluator from the usual one; None: the usual one as it is.
        reason: why this and nothing else, in a sentence, where the method chose; the report shows it.
        prepare: what comes before the search, such as the training of shared weights: takes the usual evaluator and a
            context, and returns the recipe that is then searched with (its own `prepare` is not asked). It ends by the
            context's deadline, and goes on from what it left in the folder of checkpoints, where nothing called `*.pt`
            lasts. None: nothing.
        weights: the weights (a state dict) with which the final training of an arch begins; None: fresh ones.
    """

    strategy: Strategy
    evaluator: Callable[[Evaluator], Evaluator] | None = None
    reason: str = field(default="", compare=False)
    prepare: Callable[[Evaluator, Context], Recipe] | None = None
    weights: Callable[[Arch], Mapping[str, Any]] | None = field(default=None, compare=False, repr=False)
