"""Fidelity as the resolution of images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from netwright.core import Candidate, Context
from netwright.core.errors import InvalidInput
from netwright.evaluators.fidelity_whole import whole_training
from netwright.evaluators.plan import TrainingPlan
from netwright.evaluators.training import Training
from netwright.spaces import Space
from netwright.tasks import Split, Task

__all__ = ["ResolutionFidelity"]

_BATCH = 4096  # images that are made smaller at a time


@dataclass(frozen=True, slots=True, eq=False)
class ResolutionFidelity:
    """Trains on smaller images: fidelity is the share of the pixels, which is about the share of the computation.

    The validation part is made smaller, too: scores of one fidelity can be compared with each other, not with those of
    another. Each is a whole training, so nothing is continued, and only full trainings leave a checkpoint. An arch that
    can't be built for so small an image fails there, and never goes on: choose `least_side` such that all can.

    Attributes:
        space, task, plan: as for `Training`; the task is of images.
        least_side: pixels that the shorter side has at least.

    Example:
        >>> from netwright.core import Arch
        >>> from netwright import nn, n_outputs, layers, Space
        >>> from netwright.tasks import load
        >>> space = Space(
        ...     nn.Sequential(nn.LazyConv2d(4, 3), nn.ReLU(), layers.GlobalAveragePool(), nn.LazyLinear(n_outputs))
        ... )
        >>> evaluator = ResolutionFidelity(space, load("stripes"), TrainingPlan(epochs=1, batch_size=32))
        >>> evaluator(Candidate(0, Arch({}), fidelity=0.25), Context())["side"]
        4.0

    Raises:
        InvalidInput: if the task isn't one of images, or as `Training`.
    """

    space: Space
    task: Task
    plan: TrainingPlan | None = None
    least_side: int = 4

    def __post_init__(self) -> None:
        if self.task.modality != "image":
            raise InvalidInput(f"ResolutionFidelity needs images, but the task {self.task.name!r} has none.")
        if self.plan is None:
            object.__setattr__(self, "plan", TrainingPlan.for_task(self.task))
        Training(self.space, self.task, self.plan)

    @property
    def fidelities(self) -> tuple[float, ...]:
        """Those that differ: one for each side that the smaller images can have."""
        side = min(self.task.input_shape[1:])
        return tuple((pixels / side) ** 2 for pixels in range(min(self.least_side, side), side + 1))

    def __call__(self, candidate: Candidate, context: Context) -> dict[str, float]:
        """The metrics of a training on images of this size, and `side`, the pixels of their shorter side."""
        height, width = self.task.input_shape[1:]
        scale = max(candidate.fidelity**0.5, min(1.0, self.least_side / min(height, width)))
        size = (round(scale * height), round(scale * width))
        task = _resized(self.task, size)
        metrics = whole_training(Training(self.space, task, self.plan), candidate, context)
        return {**metrics, "side": float(min(size))}


@lru_cache(maxsize=4)
def _resized(task: Task, size: tuple[int, int]) -> Task:
    """The same object each time: what is in memory for it is found again."""
    if size == task.input_shape[1:]:
        return task
    parts = [Split(_smaller(part.inputs, size), part.targets) for part in (task.train, task.validation)]
    return replace(task, train=parts[0], validation=parts[1])


def _smaller(images: np.ndarray[Any, Any], size: tuple[int, int]) -> np.ndarray[Any, Any]:
    """Images (n, channels, height, width) whose pixels are means over those of the larger ones."""
    found = np.empty((*images.shape[:2], *size), dtype=images.dtype)
    for start in range(0, len(images), _BATCH):
        batch = torch.from_numpy(np.ascontiguousarray(images[start : start + _BATCH])).float()
        made = functional.interpolate(batch, size=size, mode="area").numpy()
        found[start : start + _BATCH] = np.rint(made) if images.dtype == np.uint8 else made
    return found
