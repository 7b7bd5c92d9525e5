"""`PathSampler`: which paths of a supernet a training step trains.

A sampler is a frozen set of settings. `begin` gives the paths of one training: they are asked before each step, with a
generator of that step's own, so a training that goes on from a checkpoint trains the same paths. What learns on the way
(a controller, a predictor) is `LearningPaths`, whose state goes into the checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from netwright.core import Arch
from netwright.oneshot.extremes import Costs
from netwright.spaces import Space

__all__ = ["LearningPaths", "PathSampler", "Paths", "Score", "Turn"]

Score: TypeAlias = Callable[[Arch], float]
"""From an arch to its path's loss on a batch of the validation part: the same batch within a step."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One path's part in a training step.

    Attributes:
        arch: the path.
        targets: weight of its loss against the targets.
        teaching: weight of its loss against what the step's teacher says.
        teaches: whether what it says is what later paths of the step learn from. With no weight at all it isn't
            trained itself.

    Example:
        >>> Turn(Arch({"width": 8})).targets
        1.0
    """

    arch: Arch
    targets: float = 1.0
    teaching: float = 0.0
    teaches: bool = False

    @property
    def learns(self) -> bool:
        """Whether it is trained."""
        return self.targets > 0 or self.teaching > 0


class Paths(Protocol):
    """The paths of one training."""

    def step(self, rng: np.random.Generator, progress: float, score: Score) -> Sequence[Turn]:
        """The paths of the next step, in their order.

        Args:
            rng: of this step.
            progress: how much of the training is done, from 0 to 1.
            score: looks how good a path is now; costs a forward pass.
        """
        ...


@runtime_checkable
class LearningPaths(Paths, Protocol):
    """Paths that depend on what was learned on the way."""

    def state(self) -> Mapping[str, Any]:
        """All that was learned, as plain numbers, texts and lists."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to what `state` returned."""
        ...


class PathSampler(Protocol):
    """Settings of a sampler: a frozen dataclass."""

    def begin(self, space: Space, costs: Costs | None = None) -> Paths:
        """The paths of a training.

        Args:
            space: of the paths; its training choices are left out.
            costs: FLOPs and parameters of an arch, for samplers that ask; without, larger numbers count as dearer.
        """
        ...
