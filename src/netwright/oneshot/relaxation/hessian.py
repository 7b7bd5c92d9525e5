"""The dominant eigenvalue of the loss's Hessian in the architecture parameters, by power iteration."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

__all__ = ["dominant_eigenvalue"]


def dominant_eigenvalue(
    loss: Callable[[], torch.Tensor],
    parameters: Sequence[torch.Tensor],
    *,
    steps: int = 20,
    tolerance: float = 1e-3,
    generator: torch.Generator | None = None,
) -> float:
    """The eigenvalue of largest absolute value; products with the Hessian are exact, it is never formed.

    Args:
        loss: computes it; the same one at each call.
        parameters: in which it is twice differentiated.
        steps: of the iteration, at most.
        tolerance: the relative change at which it ends.
        generator: of the first direction.

    Example:
        >>> x = torch.tensor([1.0, 1.0], requires_grad=True)
        >>> round(dominant_eigenvalue(lambda: (torch.tensor([1.0, 3.0]) * x**2).sum(), [x], steps=50), 2)
        6.0
    """
    parameters = list(parameters)
    grads = torch.autograd.grad(loss(), parameters, create_graph=True)
    flat = torch.cat([grad.flatten() for grad in grads])
    if not flat.requires_grad:
        return 0.0  # linear in them
    generator = torch.Generator().manual_seed(0) if generator is None else generator
    direction = torch.randn(flat.shape, generator=generator).to(flat)
    value = 0.0
    for _ in range(steps):
        direction = direction / direction.norm().clamp_min(1e-30)
        found = torch.autograd.grad(flat, parameters, grad_outputs=direction, retain_graph=True, allow_unused=True)
        product = torch.cat(
            [
                torch.zeros_like(p).flatten() if g is None else g.flatten()
                for g, p in zip(found, parameters, strict=True)
            ]
        )
        before, value = value, float(direction @ product)
        direction = product
        if abs(value - before) <= tolerance * max(abs(value), 1e-12):
            break
    return value
