"""What arches cost, at a glance: a ridge regression on their encodings, from a few whose costs were measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from netwright.core import Arch, Constraint
from netwright.core.errors import NetwrightError
from netwright.oneshot.extremes import Costs
from netwright.spaces import Space

__all__ = ["affordable", "buildable", "linear_guess"]

Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

_RIDGE = 1e-3  # times the number of rows
_MEASURED = 96  # arches
_LEAST = 32  # of them, where the time is short
_FEWEST = 0.05  # share of them that must hold the limits, for paths to be drawn until one does


def linear_guess(rows: Array, values: Array) -> Callable[[Array], Array]:
    """A function that guesses values of rows (asked, width), after rows (n, width) whose values (n,) are known.

    Example:
        >>> guess = linear_guess(np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0]))
        >>> guess(np.array([[3.0]])).round(1).tolist()
        [7.0]
    """
    mean, centre = values.mean(), rows.mean(0)
    x = rows - centre
    weights = np.linalg.solve(x.T @ x + _RIDGE * len(x) * np.eye(x.shape[1]), x.T @ (values - mean))

    def guess(asked: Array) -> Array:
        guessed: Array = (asked - centre) @ weights + mean
        return guessed

    return guess


def affordable(
    space: Space, costs: Costs | None, limits: Sequence[Constraint], *, seconds: float | None = None
) -> Space:
    """The space without what seems to break limits on costs: often the slowest paths, which nobody may take.

    Guessed, because measuring takes as long as training a step: near the limit it errs to both sides. Where all arches
    hold the limits, or hardly any does, the space is returned as it is.

    Args:
        space: of the paths.
        costs: measures an arch.
        limits: on some of these costs.
        seconds: that measuring may take; with too few arches measured by then, nothing is left out.

    Example:
        >>> from netwright import choice, nn
        >>> from netwright.evaluators import ModelCost
        >>> space = Space(nn.Sequential(nn.LazyLinear(choice([10, 20, 1000], label="width"))))
        >>> found = affordable(space, ModelCost(space, (4,)), [Constraint("params", 500)])
        >>> {arch["width"] for arch in found.enumerate()} == {10, 20}
        True
    """
    if costs is None or not limits:
        return space
    rng = np.random.default_rng(0)
    rows: list[Array] = []
    measured: list[list[float]] = []
    start = time.monotonic()
    for arch in dict.fromkeys(space.sample(rng) for _ in range(_MEASURED)):
        if seconds is not None and time.monotonic() - start > seconds:
            if len(rows) < _LEAST:
                return space
            break
        try:
            found = costs(arch)
        except NetwrightError:  # it can't be built
            continue
        rows.append(space.encode(arch))
        measured.append([max(1e-9, found.get(limit.metric, np.nan)) for limit in limits])
    values = np.log(np.array(measured))
    known = [i for i in range(len(limits)) if len(values) and np.isfinite(values[:, i]).all()]
    within = np.ones(len(values), bool)
    for i in known:
        within &= _holds(values[:, i], limits[i])
    if not known or within.all() or within.mean() < _FEWEST:
        return space
    guesses = [(linear_guess(np.array(rows), values[:, i]), limits[i]) for i in known]

    def seems_within(arch: Arch) -> bool:
        asked = space.encode(arch)[None]
        return all(_holds(guess(asked), limit).all() for guess, limit in guesses)

    return space.also(_Remembered(seems_within))


def buildable(space: Space, costs: Costs) -> Space:
    """The space without arches that can't be built: more poolings than an image has pixels, say.

    Args:
        space: of the paths.
        costs: measures an arch, and fails where it can't be built.

    Example:
        >>> from netwright import nn, repeat
        >>> from netwright.evaluators import ModelCost
        >>> space = Space(nn.Sequential(repeat(nn.MaxPool2d(2), 1, 9, label="depth")))
        >>> [arch["depth"] for arch in buildable(space, ModelCost(space, (1, 8, 8))).enumerate()]
        [1, 2, 3]
    """

    def can_be_built(arch: Arch) -> bool:
        try:
            costs(arch)
        except NetwrightError:
            return False
        return True

    return space.also(_Remembered(can_be_built))


def _holds(logs: Array, limit: Constraint) -> Any:
    edge = np.log(max(1e-9, limit.limit))
    return logs <= edge if limit.sense == "<=" else logs >= edge


class _Remembered:
    """A constraint whose answers are kept: paths are drawn again and again."""

    def __init__(self, holds: Any) -> None:
        self.holds = holds
        self.known: dict[Arch, bool] = {}

    def __call__(self, arch: Arch) -> bool:
        if arch not in self.known:
            self.known[arch] = bool(self.holds(arch))
        return self.known[arch]
