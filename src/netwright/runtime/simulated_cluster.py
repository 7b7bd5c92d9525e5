"""`SimulatedCluster`: many workers on a virtual clock, for evaluators that know how long an evaluation really took."""

from __future__ import annotations

import heapq
import logging
import math
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import is_dataclass, replace
from operator import attrgetter
from typing import Any

from netwright.core.errors import EvaluationError, InvalidInput
from netwright.core.protocols import PendingResult

__all__ = ["SimulatedCall", "SimulatedCluster"]

_log = logging.getLogger(__name__)


class SimulatedCluster:
    """Workers that take simulated time: what would be done first comes back first, and nobody waits.

    A call is made at once, in this process; its result is kept until the virtual clock reaches the moment at which it
    would have been there. Give the clock to the search too, and all its times are simulated ones: budgets in seconds,
    each record's `elapsed_seconds` and `wall_seconds`. Calls that end at the same moment come in the order of their
    submission, so the same search gives the same records each time. Proposing takes no simulated time.

    Args:
        workers: how many calls run at the same time; others wait for a free worker.
        seconds: how long an evaluation takes: the name of one of its metrics, or a function of its metrics.
        otherwise: seconds of a call that doesn't say: one that failed, or whose time is no finite number above 0. Where
            there is no metric of that name, a warning is logged, once.

    Example:
        >>> from netwright import Search, Space, choice
        >>> from netwright.evaluators import Function
        >>> from netwright.strategies import Grid
        >>> space = Space({"x": choice([30, 10, 20])})
        >>> cluster = SimulatedCluster(2, seconds="loss")
        >>> evaluator = Function(lambda arch: float(arch["x"]))
        >>> search = Search(space, Grid(), evaluator, budget="1h", executor=cluster, clock=cluster.clock)
        >>> [(record.arch["x"], record.elapsed_seconds) for record in search.run().records]
        [(10, 10.0), (30, 30.0), (20, 30.0)]

    Raises:
        InvalidInput: if an argument isn't what it should be.
    """

    def __init__(
        self, workers: int, *, seconds: str | Callable[[Mapping[str, float]], float], otherwise: float = 60.0
    ) -> None:
        if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
            raise InvalidInput(f"`workers` of a simulated cluster must be at least 1, but got {workers!r}.")
        if not isinstance(seconds, str) and not callable(seconds):
            raise InvalidInput(
                "`seconds` of a simulated cluster must be the name of a metric or a function of the metrics, but got "
                f"{seconds!r}."
            )
        if not 0 < otherwise < math.inf:
            raise InvalidInput(f"`otherwise` of a simulated cluster must be positive, but got {otherwise!r}.")
        self.workers = workers
        self._metric = seconds if isinstance(seconds, str) else None
        self._seconds: Callable[[Mapping[str, float]], Any] = (
            (lambda metrics: metrics.get(seconds)) if isinstance(seconds, str) else seconds
        )
        self._warned = False
        self._otherwise = otherwise
        self._now = 0.0
        self._number = 0
        self._free: list[float] = [0.0] * workers  # when each worker is free: a heap
        self._ends: list[tuple[float, int, SimulatedCall]] = []  # of calls that run or are not fetched yet: a heap
        self._n_open = 0  # calls that `wait` hasn't given yet

    def clock(self) -> float:
        """Simulated seconds since the cluster was made."""
        return self._now

    def submit(self, fn: Callable[..., Any], /, *args: Any, timeout: float | None = None) -> SimulatedCall:
        """Make the call now; its result is there when the clock has reached its end.

        A call that takes more than `timeout` simulated seconds is ended then, with an `EvaluationError`.
        """
        value: Any = None
        error: Exception | None = None
        try:
            value = fn(*args)
        except Exception as raised:  # noqa: BLE001  # raised again by `result`
            error = raised
        seconds = self._time_of(value)
        if timeout is not None and seconds > timeout:
            value, error = None, EvaluationError(f"it took longer than {timeout:.6g} simulated seconds and was ended.")
            seconds = timeout
        elif is_dataclass(value) and not isinstance(value, type) and hasattr(value, "wall_seconds"):
            value = replace(value, wall_seconds=seconds)  # an outcome of the search: what it says is simulated too
        end = max(self._now, self._free[0]) + seconds
        heapq.heapreplace(self._free, end)
        call = SimulatedCall(self, self._number, end, value, error)
        heapq.heappush(self._ends, (end, self._number, call))
        self._number += 1
        self._n_open += 1
        return call

    def _time_of(self, value: Any) -> float:
        metrics = getattr(value, "metrics", None)
        if not isinstance(metrics, Mapping) or not metrics:
            return self._otherwise
        if self._metric is not None and self._metric not in metrics and not self._warned:
            self._warned = True
            _log.warning(
                "no metric %r says how long an evaluation took; there are: %s. It counts as %.6g simulated seconds.",
                self._metric,
                ", ".join(metrics),
                self._otherwise,
            )
        seconds = self._seconds(metrics)
        if isinstance(seconds, (int, float)) and 0 < seconds < math.inf:
            return float(seconds)
        return self._otherwise

    def wait(self, pending: Iterable[PendingResult], timeout: float | None = None) -> list[PendingResult]:
        """Move the clock to the next end among the pending calls, or by `timeout`; those that are done by then."""
        asked: Any = pending if isinstance(pending, (Mapping, AbstractSet)) else set(pending)
        if not asked:
            return []
        latest = math.inf if timeout is None else self._now + max(0.0, timeout)
        if len(asked) == self._n_open:  # a search waits for all that runs: then only the next ones are looked at
            done = self._next_ended(asked, latest)
            if done is not None:
                return list(done)
        end = min(call.end for call in asked)
        self._now = max(self._now, min(end, latest))
        ended = sorted((call for call in asked if call.end <= self._now), key=_number)
        for call in ended:
            self._give(call)
        return ended

    def _next_ended(self, asked: Any, latest: float) -> list[SimulatedCall] | None:
        """The calls that end next, none if that is too late; None if one of them isn't asked for."""
        while self._ends[0][2].given:
            heapq.heappop(self._ends)
        moment = max(self._now, self._ends[0][0])
        if moment > latest:
            self._now = latest
            return []
        popped = []
        while self._ends and self._ends[0][0] <= moment:
            popped.append(heapq.heappop(self._ends))
        done = [call for _, _, call in popped if not call.given]
        if any(call not in asked for call in done):
            for entry in popped:
                heapq.heappush(self._ends, entry)
            return None
        self._now = moment
        done.sort(key=_number)
        for call in done:
            self._give(call)
        return done

    def _give(self, call: SimulatedCall) -> None:
        if not call.given:
            call.given = True
            self._n_open -= 1

    def close(self) -> None:
        """Forget all calls under way; the workers are free, and the clock stays where it is."""
        for _, _, call in self._ends:
            call.given = True
        self._ends.clear()
        self._n_open = 0
        self._free = [self._now] * self.workers

    def advance(self, moment: float) -> None:
        """Move the clock forward to a moment; a clock never goes back."""
        self._now = max(self._now, moment)


class SimulatedCall:
    """A call whose result is there when its cluster's clock has reached its end.

    Attributes:
        number: 0, 1, 2 … in the order of submission.
        end: when it is done, by the clock.
        given: whether `wait` has given it.
    """

    __slots__ = ("_cluster", "_error", "_value", "end", "given", "number")

    def __init__(self, cluster: SimulatedCluster, number: int, end: float, value: Any, error: Exception | None) -> None:
        self._cluster = cluster
        self.number = number
        self.end = end
        self.given = False
        self._value = value
        self._error = error

    def done(self) -> bool:
        """Whether the clock has reached its end."""
        return self._cluster.clock() >= self.end

    def result(self, timeout: float | None = None) -> Any:
        """What the call returned; raises what it raised. Moves the clock to its end, if that is within `timeout`."""
        now = self._cluster.clock()
        if timeout is not None and self.end > now + timeout:
            self._cluster.advance(now + max(0.0, timeout))
            raise TimeoutError(f"the call goes on for {self.end - self._cluster.clock():.6g} more simulated seconds")
        self._cluster.advance(self.end)
        if self._error is not None:
            raise self._error
        return self._value


_number = attrgetter("number")
