"""`GradientMeans`: what several paths of a step use moves by the mean of their gradients, not by their sum."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

__all__ = ["GradientMeans"]


class GradientMeans:
    """Counts how many paths of a step give each shared parameter a gradient, and divides by that.

    So a parameter's step is as long when a batch trains five paths as when it trains one, whether all of them use it or
    only one does.

    Args:
        module: whose parameters are shared.

    Example:
        >>> layer = nn.Linear(1, 1, bias=False)
        >>> with GradientMeans(layer) as means:
        ...     means.expect(2)
        ...     for x in (1.0, 3.0):
        ...         layer(torch.tensor([[x]])).sum().backward()
        ...     means.divide()
        >>> float(layer.weight.grad)
        2.0
    """

    def __init__(self, module: nn.Module) -> None:
        self._parameters = list(module.parameters())
        self._counting = False
        self._counts: dict[torch.Tensor, int] = {}
        self._hooks: list[Any] = []

    def __enter__(self) -> GradientMeans:
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def expect(self, n_paths: int) -> None:
        """So many paths are trained before the next `divide`; one alone needs no counting."""
        self._counting = n_paths > 1
        if self._counting and not self._hooks:
            self._hooks = [
                p.register_post_accumulate_grad_hook(self._count)  # type: ignore[no-untyped-call]  # torch's own
                for p in self._parameters
            ]

    def _count(self, parameter: torch.Tensor) -> None:
        if self._counting:
            self._counts[parameter] = self._counts.get(parameter, 0) + 1

    def divide(self) -> None:
        """Turn the sums of gradients into means."""
        several = [(p.grad, n) for p, n in self._counts.items() if n > 1 and p.grad is not None]
        if several:
            gradients, counts = zip(*several, strict=True)
            torch._foreach_div_(gradients, [float(n) for n in counts])  # as torch's own optimizers
        self._counts.clear()
