"""`ExamplesInMemory`: one part of the data as tensors on the device, ready for whole batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from netwright.evaluators.augmentation import cut_out, flipped, shifted
from netwright.evaluators.plan import TrainingPlan
from netwright.tasks import Split, Task

__all__ = ["ExamplesInMemory", "in_memory"]

_MOST_FLOATS = 500_000_000  # inputs of up to 2 GB are standardised once; larger ones batch by batch


@dataclass(frozen=True, slots=True, eq=False)
class ExamplesInMemory:
    """Inputs and targets as a trainer wants them.

    Attributes:
        inputs: (n, *input_shape): standardised float32, or as they are where that would take too much memory; tokens
            as they are.
        targets: (n,) class indices, or (n, n_outputs) standardised numbers.
        mean, std: broadcast over a batch; None where the inputs are standardised already, or never are.
        channels_last: how batches of images lie in memory.
    """

    inputs: torch.Tensor
    targets: torch.Tensor
    mean: torch.Tensor | None = None
    std: torch.Tensor | None = None
    channels_last: bool = False

    def __len__(self) -> int:
        return len(self.inputs)

    def batch(self, rows: torch.Tensor | slice) -> tuple[torch.Tensor, torch.Tensor]:
        """Standardised inputs and targets of some rows."""
        inputs = self.inputs[rows]
        if self.mean is not None and self.std is not None:
            inputs = (inputs.float() - self.mean) / self.std
        return self._laid(inputs), self.targets[rows]

    def first(self, n: int) -> ExamplesInMemory:
        """The first `n` examples, for quick looks; parts are shuffled when they are made only if the task says so."""
        step = max(1, len(self) // max(1, n))  # spread over the part, which may be sorted by class
        return ExamplesInMemory(self.inputs[::step][:n], self.targets[::step][:n], self.mean, self.std,
                                self.channels_last)  # fmt: skip

    def take(self, rows: torch.Tensor) -> ExamplesInMemory:
        """Some of the examples."""
        rows = rows.to(self.inputs.device)
        return ExamplesInMemory(self.inputs[rows], self.targets[rows], self.mean, self.std, self.channels_last)

    def training_batches(
        self, plan: TrainingPlan, generator: torch.Generator
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """One shuffled and augmented epoch."""
        n = len(self)
        size = min(plan.batch_size, n)
        order = torch.randperm(n, generator=generator).to(self.inputs.device)
        for start in range(0, n - size + 1, size):
            inputs, targets = self.batch(order[start : start + size])
            if inputs.dim() == 4 and (plan.crop or plan.flip or plan.cutout):
                if plan.crop:
                    inputs = shifted(inputs, plan.crop, generator)
                if plan.flip:
                    inputs = flipped(inputs, generator)
                if plan.cutout:
                    inputs = cut_out(inputs, plan.cutout, generator)
                inputs = self._laid(inputs)
            yield inputs, targets

    def _laid(self, inputs: torch.Tensor) -> torch.Tensor:
        if self.channels_last and inputs.dim() == 4:
            return inputs.contiguous(memory_format=torch.channels_last)
        return inputs.contiguous()


def in_memory(
    task: Task, split: Split, *, device: str = "cpu", channels_last: bool = True, most_floats: int = _MOST_FLOATS
) -> ExamplesInMemory:
    """A part of a task's data, standardised by the train part's statistics, on the device; tokens stay as they are.

    Args:
        task: the statistics, and the kind of data.
        split: the part.
        device: where it is put.
        channels_last: how batches of images will lie in memory.
        most_floats: larger inputs are kept as they are, and standardised batch by batch.

    Example:
        >>> from netwright.tasks import load
        >>> task = load("stripes")
        >>> examples = in_memory(task, task.validation)
        >>> examples.inputs.shape[1:], examples.inputs.dtype
        (torch.Size([1, 8, 8]), torch.float32)
    """
    inputs = torch.from_numpy(np.ascontiguousarray(split.inputs))
    targets = torch.from_numpy(np.ascontiguousarray(split.targets))
    if task.target_mean is not None and task.target_std is not None:
        targets = (targets - torch.from_numpy(task.target_mean)) / torch.from_numpy(task.target_std)
        targets = targets.float()
    if task.modality == "text":
        return ExamplesInMemory(inputs.to(device, torch.int64), targets.to(device))
    n_axes = split.inputs.ndim
    shape = (1, -1) + (1,) * (n_axes - 2) if task.modality == "image" else (1, *task.input_shape)
    mean = torch.as_tensor(np.asarray(task.input_mean), dtype=torch.float32).reshape(shape)
    std = torch.as_tensor(np.asarray(task.input_std), dtype=torch.float32).reshape(shape)
    last = channels_last and task.modality == "image"
    if inputs.numel() <= most_floats:
        inputs = (
            inputs.to(device).float().sub_(mean.to(device)).div_(std.to(device))
            if inputs.dtype == torch.uint8
            else ((inputs.to(device).float() - mean.to(device)) / std.to(device))
        )
        return ExamplesInMemory(inputs, targets.to(device), channels_last=last)
    return ExamplesInMemory(inputs.to(device), targets.to(device), mean.to(device), std.to(device), last)
