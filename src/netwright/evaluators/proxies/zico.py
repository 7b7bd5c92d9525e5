"""`ZiCo`: whether gradients are large and alike from batch to batch.

Li et al. 2023, https://arxiv.org/abs/2301.11300.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from netwright.core.errors import EvaluationError, InvalidInput
from netwright.core.registry import proxies
from netwright.evaluators.proxies.batch import ProxyBatch
from netwright.evaluators.proxies.passes import Need, Passes, measured

__all__ = ["ZiCo"]


@dataclass(frozen=True, slots=True)
class ZiCo:
    """Mean |gradient| over its deviation between parts of the batch, of all layers (Li et al. 2023, arXiv:2301.11300).

    For each matrix and kernel: the logarithm of the sum over weights of the mean absolute gradient divided by the
    gradient's standard deviation, leaving out weights without deviation; and the sum of these. Higher is better. The
    authors compare whole batches; here one batch is divided into equal parts.

    Attributes:
        parts: into how many the batch is divided.

    Example:
        >>> narrow, wide = (nn.Sequential(nn.Linear(3, n), nn.Tanh(), nn.Linear(n, 1)) for n in (4, 400))
        >>> batch = ProxyBatch(torch.randn(8, 3), torch.randn(8, 1), nn.functional.mse_loss)
        >>> ZiCo()(narrow, batch) < ZiCo()(wide, batch)
        True

    Raises:
        InvalidInput: if there is not more than one part.
    """

    parts: int = 2
    needs: ClassVar[frozenset[Need]] = frozenset()

    def __post_init__(self) -> None:
        if self.parts < 2:
            raise InvalidInput(f"`parts` of ZiCo must be at least 2, but got {self.parts}.")

    def __call__(self, model: nn.Module, batch: ProxyBatch) -> float:
        """The score of a model."""
        return measured(self, model, batch)

    def of(self, passes: Passes) -> float:
        """The score, from passes that others may share."""
        batch, weights = passes.batch, list(passes.weights.values())
        size = len(batch) // self.parts
        if size < 2:
            raise EvaluationError(
                f"ZiCo compares {self.parts} parts of at least two examples each, but the batch has {len(batch)}."
            )
        first = [torch.zeros_like(weight) for weight in weights]  # sums
        second = [torch.zeros_like(weight) for weight in weights]  # of squares
        absolute = [torch.zeros_like(weight) for weight in weights]
        for part in range(self.parts):
            rows = slice(part * size, (part + 1) * size)
            loss = batch.loss(passes.model(batch.inputs[rows].clone()), batch.targets[rows])
            if not loss.requires_grad or not weights:
                raise EvaluationError("ZiCo needs gradients of weights, but the loss depends on none.")
            for place, one in enumerate(torch.autograd.grad(loss, weights, allow_unused=True)):
                if one is not None:
                    first[place] += one
                    second[place] += one * one
                    absolute[place] += one.abs()
        total = 0.0
        for sums, squares, absolutes in zip(first, second, absolute, strict=True):
            variance = squares.double() / self.parts - (sums.double() / self.parts) ** 2
            known = variance > 1e-12 * squares.double() / self.parts  # else there is no deviation but rounding
            if not variance.isfinite().all():
                raise EvaluationError("ZiCo compares gradients, but some of them are no numbers (nan or infinite).")
            ratio = absolutes.double()[known] / self.parts / variance[known].sqrt()
            if float(ratio.sum()) > 0:
                total += float(ratio.sum().log())
        return total


proxies.add("zico", ZiCo)
