"""What the tests of the front doors share: small spaces, short trainings, and a progress that remembers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from netwright import Space, choice, n_outputs, nn
from netwright.automl import Result, search
from netwright.evaluators import TrainingPlan

SHORT = TrainingPlan(epochs=2, batch_size=64, optimizer="adamw", lr=0.02)


class Told:
    """Remembers what a search tells; `at` may be raised where it is wanted."""

    def __init__(self, at: Callable[[str, Any], None] | None = None) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.at = at

    def _note(self, name: str, value: Any) -> None:
        self.calls.append((name, value))
        if self.at is not None:
            self.at(name, value)

    def started(self, facts):
        self._note("started", facts)

    def stage(self, name, text):
        self._note("stage", name)

    def record(self, record, history, elapsed, limit):
        self._note("record", (record, len(history), elapsed, limit))

    def epoch(self, done, total, values):
        self._note("epoch", (done, total, values))

    def finished(self, result):
        self._note("finished", result)

    def of(self, name: str) -> list[Any]:
        """The values of all calls of this name."""
        return [value for known, value in self.calls if known == name]

    @property
    def names(self) -> list[str]:
        """The calls in their order, stages by their names."""
        return [value if name == "stage" else name for name, value in self.calls]


@pytest.fixture
def told() -> Told:
    """A progress that remembers."""
    return Told()


@pytest.fixture
def telling() -> type[Told]:
    """A progress that remembers, and calls a function of yours each time."""
    return Told


@pytest.fixture(scope="session")
def widths() -> Space:
    """Five dense networks."""
    return Space(
        nn.Sequential(
            nn.LazyLinear(choice([2, 4, 8, 16, 32], label="width", default=8)),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.LazyLinear(n_outputs),
        ),
        name="widths",
    )


@pytest.fixture(scope="session")
def filters() -> Space:
    """Four small convolutional networks."""
    return Space(
        nn.Sequential(
            nn.LazyConv2d(choice([4, 8], label="filters"), choice([1, 3], label="kernel", default=3), padding="same"),
            nn.LazyBatchNorm2d(),
            nn.ReLU(),
            nn.Flatten(),
            nn.LazyLinear(n_outputs),
        ),
        name="filters",
    )


@pytest.fixture
def short(widths) -> Callable[..., Result]:
    """A short search: three candidates of two epochs each on `blobs`, what isn't said otherwise."""

    def run(**given: Any) -> Result:
        usual: dict[str, Any] = {"space": widths, "task": "blobs", "budget": "3 candidates", "plan": SHORT}
        return search(**{**usual, **given})

    return run


@pytest.fixture(scope="session")
def finished(widths, tmp_path_factory) -> Result:
    """A finished search in a folder of its own; not to be changed."""
    folder = tmp_path_factory.mktemp("runs") / "blobs"
    return search(widths, "blobs", budget="3 candidates", plan=SHORT, out=folder)
