"""What the tests of benchmarks share: two small tables, of a smooth and of a rugged function."""

from __future__ import annotations

import math

import pytest

from netwright import Space, integer
from netwright.benchmarks import Benchmark, Lookup, Table


def toy_table(peak: int) -> Table:
    """100 arches on a grid; higher is better, and the larger `x` the longer an evaluation takes."""
    arches = tuple(toy_space().enumerate())
    values = [100.0 - (a["x"] - peak) ** 2 - (a["y"] - 3) ** 2 + 3 * math.sin(7 * a["x"] * a["y"]) for a in arches]
    tests = [value - 1 - 0.1 * (i % 3) for i, value in enumerate(values)]
    seconds = [10.0 * (1 + a["x"]) for a in arches]
    low = {"score": [value - 5 * (i % 4) for i, value in enumerate(values)], "seconds": [s / 10 for s in seconds]}
    return Table({0.1: low, 1.0: {"score": values, "test_score": tests, "seconds": seconds}}, arches=arches)


def toy_space() -> Space:
    """Two numbers."""
    return Space({"x": integer(0, 9), "y": integer(0, 9)}, name="toy")


def toy_benchmark(name: str = "toy", peak: int = 6) -> Benchmark:
    """A benchmark of such a table."""
    return Benchmark(
        name,
        toy_space(),
        Lookup(toy_table, (peak,)),
        objective="max:score",
        test_metric="test_score",
        seconds_metric="seconds",
        fidelities=(0.1, 1.0),
    )


@pytest.fixture
def toy() -> Benchmark:
    """A benchmark with one peak."""
    return toy_benchmark()


@pytest.fixture
def other_toy() -> Benchmark:
    """The same with its peak somewhere else."""
    return toy_benchmark("other", 1)
