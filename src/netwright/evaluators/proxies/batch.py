"""`ProxyBatch`: the one batch that proxies look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from netwright.core.errors import InvalidInput
from netwright.evaluators.training import cached_examples
from netwright.tasks import Task

__all__ = ["ProxyBatch"]


@dataclass(frozen=True, slots=True, eq=False)
class ProxyBatch:
    """Examples, what they should give, and how to tell how far off a model is.

    Attributes:
        inputs: (batch, *input_shape), standardised, on the model's device. Whole numbers (tokens) are fine, but some
            proxies need inputs that can be changed a little.
        targets: as `loss` takes them: classes int64 (batch,), or numbers (batch, n_outputs).
        loss: from outputs and targets to a scalar.
        seed: of whatever a proxy draws, and of dropout.

    Example:
        >>> batch = ProxyBatch(torch.zeros(4, 2), torch.zeros(4, 1), torch.nn.functional.mse_loss)
        >>> len(batch), batch.seed
        (4, 0)

    Raises:
        InvalidInput: if there are fewer than two examples, or not one target for each.
    """

    inputs: torch.Tensor
    targets: torch.Tensor
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    seed: int = 0

    def __post_init__(self) -> None:
        if self.inputs.dim() < 1 or len(self.inputs) < 2 or len(self.inputs) != len(self.targets):
            raise InvalidInput(
                "a batch for proxies must have at least two examples and a target for each, but got inputs "
                f"{tuple(self.inputs.shape)} and targets {tuple(self.targets.shape)}."
            )

    def __len__(self) -> int:
        return len(self.inputs)

    @classmethod
    def of(cls, task: Task, n: int = 64, *, seed: int = 0, device: str = "cpu") -> ProxyBatch:
        """Examples of a task's train part, drawn at random.

        Args:
            task: the data and the loss.
            n: examples; all of the train part if it has fewer.
            seed: which ones, and the batch's own seed.
            device: where they are put.

        Example:
            >>> from netwright.tasks import load
            >>> ProxyBatch.of(load("stripes"), 8).inputs.shape
            torch.Size([8, 1, 8, 8])
        """
        examples = cached_examples(task, task.train, device, channels_last=True)
        rows = np.random.default_rng((seed, 0x9A0C)).permutation(len(examples))[:n]
        inputs, targets = examples.batch(torch.from_numpy(np.sort(rows)).to(examples.inputs.device))
        return cls(inputs, targets, task.loss, seed)
