"""Sums of weighted tensors in one pass each way: what mixtures spend their time on, besides their options."""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["weighted_sum"]


def weighted_sum(weights: torch.Tensor, tensors: list[torch.Tensor], base: torch.Tensor | None = None) -> torch.Tensor:
    """`base + Σ weights[i] * tensors[i]`; can be differentiated twice.

    Autograd's own way keeps each product, and computes the weights' gradients also where nobody wants them.

    Args:
        weights: (n,).
        tensors: n of one shape.
        base: of the same shape; None: zero.

    Example:
        >>> weighted_sum(torch.tensor([2.0, 3.0]), [torch.ones(2), torch.ones(2)], torch.ones(2))
        tensor([6., 6.])
    """
    return _WeightedSum.apply(weights, base, *tensors)  # type: ignore[no-untyped-call]  # torch's own


class _WeightedSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weights: torch.Tensor, base: torch.Tensor | None, *tensors: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(weights, *tensors)
        factors = _factors(weights)
        first = tensors[0] * factors[0] if base is None else _added(base, tensors[0], factors[0])
        for tensor, factor in zip(tensors[1:], factors[1:], strict=True):
            if isinstance(factor, float):
                first.add_(tensor, alpha=factor)
            else:
                first.addcmul_(tensor, factor)
        return first

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (grad,) = grads
        weights, *tensors = ctx.saved_tensors
        needed, base_needed, *each = ctx.needs_input_grad
        twice = torch.is_grad_enabled()
        factors = list(weights.unbind()) if twice else _factors(weights)
        for_weights = None
        if needed:
            dots = [(grad * tensor).sum() if twice else _dot(grad, tensor) for tensor in tensors]
            for_weights = torch.stack(dots)
        for_tensors = [grad * factor if wanted else None for factor, wanted in zip(factors, each, strict=True)]
        return (for_weights, grad if base_needed else None, *for_tensors)


def _factors(weights: torch.Tensor) -> list[Any]:
    """Plain numbers where they are at hand; on another device that would wait for it."""
    return weights.tolist() if weights.device.type == "cpu" else list(weights.unbind())


def _added(base: torch.Tensor, tensor: torch.Tensor, factor: Any) -> torch.Tensor:
    return torch.add(base, tensor, alpha=factor) if isinstance(factor, float) else torch.addcmul(base, tensor, factor)


def _dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The sum of products; over the memory as it lies, where both lie alike and without gaps."""
    if a.stride() == b.stride() and _dense(a):
        return torch.dot(a.as_strided((a.numel(),), (1,)), b.as_strided((b.numel(),), (1,)))
    return (a * b).sum()


def _dense(tensor: torch.Tensor) -> bool:
    return tensor.is_contiguous() or (tensor.dim() == 4 and tensor.is_contiguous(memory_format=torch.channels_last))
