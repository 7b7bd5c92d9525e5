"""What a model says for a whole part of the data, without gradients."""

from __future__ import annotations

import torch
from torch import nn

from netwright.evaluators.examples_in_memory import ExamplesInMemory
from netwright.evaluators.plan import Precision
from netwright.tasks import Split, Task

__all__ = ["outputs_of", "score"]

_BATCH = 512


def outputs_of(model: nn.Module, examples: ExamplesInMemory, *, precision: Precision = "float32") -> torch.Tensor:
    """The outputs float32 (n, n_outputs) in evaluation mode; the model's mode is put back."""
    was_training = model.training
    model.eval()
    device = examples.inputs.device.type
    found = []
    try:
        with torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16"):
            for start in range(0, len(examples), _BATCH):
                inputs, _ = examples.batch(slice(start, start + _BATCH))
                found.append(model(inputs).float().cpu())
    finally:
        model.train(was_training)
    return torch.cat(found)


def score(
    model: nn.Module, examples: ExamplesInMemory, task: Task, split: Split, *, precision: Precision = "float32"
) -> dict[str, float]:
    """The task's metrics of a model that takes standardised inputs.

    Args:
        examples: the split, in memory.
        split: the targets in their own units.
    """
    return task.metrics(outputs_of(model, examples, precision=precision), split.targets)
