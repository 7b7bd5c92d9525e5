"""A small space, its evaluator, and an executor on a simulated clock."""

from __future__ import annotations

import pytest

from netwright import Space, choice
from netwright.runtime import Done


class Clock:
    """Seconds that pass when somebody says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Simulated:
    """Workers on a simulated clock: a call is made at once, its result is there after `seconds(candidate)`."""

    def __init__(self, workers, clock, seconds, *, ends_calls=True):
        self.workers = workers
        self.clock = clock
        self.seconds = seconds
        self.ends_calls = ends_calls
        self.ready = {}
        self.closed = 0

    def submit(self, fn, /, *args, timeout=None):
        seconds = self.seconds(args[0])
        if timeout is not None and seconds > timeout and self.ends_calls:
            call, seconds = Done(error=TimeoutError("ended from outside")), timeout
        else:
            call = Done(fn(*args))
        self.ready[call] = self.clock.now + seconds
        return call

    def wait(self, pending, timeout=None):
        pending = list(pending)
        first = min(self.ready[call] for call in pending)
        if timeout is not None and first > self.clock.now + timeout:
            self.clock.now += timeout
            return []
        self.clock.now = max(self.clock.now, first)
        return [call for call in pending if self.ready[call] <= self.clock.now]

    def close(self):
        self.closed += 1


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def simulated(clock):
    def make(workers, seconds=lambda _: 1.0, **options):
        return Simulated(workers, clock, seconds, **options)

    return make


@pytest.fixture
def space():
    return Space({f"c{i}": choice(list(range(4))) for i in range(4)})


@pytest.fixture
def evaluate():
    """The sum of the decisions; some arches fail, some break a limit on `size`."""

    def evaluator(candidate, context):
        values = list(candidate.arch.values())
        if values[:2] == [3, 3]:
            raise ValueError("threes don't go together")
        if values[0] == 0:
            return {"size": 9.0}
        return {"size": float(values[0]), "loss": float("nan") if values[3] == 2 else float(sum(values))}

    return evaluator
