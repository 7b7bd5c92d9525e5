"""Weights of options that are disturbed while the network learns, so that it doesn't lean on them (SDARTS).

Chen & Hsieh 2020, https://arxiv.org/abs/2002.05283: the loss then is smooth around the architecture parameters. Torch
is imported when one is used, not before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch

    from netwright.oneshot.relaxed import Relaxed

__all__ = ["Adversarial", "Perturbation", "RandomNoise"]


class Perturbation(Protocol):
    """Changes the weights of options before the network's weights are trained."""

    def __call__(self, relaxed: Relaxed, progress: float, loss: Callable[[], torch.Tensor]) -> None:
        """Sample the network's mixtures anew, disturbed.

        Args:
            relaxed: the network, just sampled.
            progress: of the search, 0..1.
            loss: of the batch that is trained on, with the weights of options that are set then.
        """
        ...


@dataclass(frozen=True, slots=True)
class RandomNoise:
    """Uniform noise: SDARTS-RS.

    Attributes:
        radius: the largest change of a weight at the end; it grows linearly from a tenth of that.
    """

    radius: float = 0.3

    def __call__(self, relaxed: Relaxed, progress: float, loss: Callable[[], torch.Tensor]) -> None:
        import torch

        reach = self.radius * max(0.1, progress)
        drawn = relaxed.drawn
        tables = [
            weights.detach() + (torch.rand(weights.shape, generator=relaxed.generator) * 2 - 1).to(weights) * reach
            for weights in drawn.tables
        ]
        relaxed.use(_on_the_simplex(relaxed, tables, drawn.tables), drawn.actives)


@dataclass(frozen=True, slots=True)
class Adversarial:
    """The worst change within reach, by projected gradient ascent: SDARTS-ADV.

    Attributes:
        radius: the largest change of a weight at the end; it grows linearly from a tenth of that.
        steps: of the ascent.
    """

    radius: float = 0.3
    steps: int = 7

    def __call__(self, relaxed: Relaxed, progress: float, loss: Callable[[], torch.Tensor]) -> None:
        import torch

        reach = self.radius * max(0.1, progress)
        drawn = relaxed.drawn
        start = [weights.detach() for weights in drawn.tables]
        changes = [torch.zeros_like(weights) for weights in start]
        for _ in range(self.steps):
            moved = [(weights + c).requires_grad_() for weights, c in zip(start, changes, strict=True)]
            relaxed.use(moved, drawn.actives)
            grads = torch.autograd.grad(loss(), moved, allow_unused=True)
            changes = [
                (c + (0.0 if g is None else 2 * reach / self.steps * _uphill(g))).clamp(-reach, reach)
                for c, g in zip(changes, grads, strict=True)
            ]
        worst = [weights + c for weights, c in zip(start, changes, strict=True)]
        relaxed.use(_on_the_simplex(relaxed, worst, start), drawn.actives)


def _uphill(grad: torch.Tensor) -> torch.Tensor:
    """The signs of a gradient along the rows' sums, which stay what they are."""
    return (grad - grad.mean(-1, keepdim=True)).sign()


def _on_the_simplex(
    relaxed: Relaxed, tables: Sequence[torch.Tensor], before: Sequence[torch.Tensor]
) -> list[torch.Tensor]:
    """Weights that aren't negative and sum to what they did before; nothing for what is dropped."""
    found = []
    for number, (table, old) in enumerate(zip(tables, before, strict=True)):
        kept = table.clamp_min(1e-6).masked_fill(relaxed.alphas.dropped(number), 0.0)
        found.append(kept * (old.detach().sum(-1, keepdim=True) / kept.sum(-1, keepdim=True)))
    return found
