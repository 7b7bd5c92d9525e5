"""What goes into a model to see what comes out: numbers, or whole numbers where it begins with an embedding."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["example_inputs", "input_dtype"]


def example_inputs(
    model: nn.Module,
    input_shape: tuple[int, ...],
    n: int = 1,
    *,
    device: str | torch.device = "cpu",
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """Inputs (n, *input_shape) of the type that a model takes.

    Args:
        model: tells the type, see `input_dtype`.
        input_shape: of one example.
        n: how many examples.
        device: where they are put.
        generator: draws them (normal numbers, or the tokens 0 and 1); None: zeros.

    Example:
        >>> example_inputs(nn.Sequential(nn.Embedding(10, 4)), (3,))
        tensor([[0, 0, 0]])
    """
    dtype = input_dtype(model)
    if generator is None:
        return torch.zeros(n, *input_shape, dtype=dtype, device=device)
    if dtype.is_floating_point:
        return torch.randn((n, *input_shape), dtype=dtype, generator=generator).to(device)
    return torch.randint(0, 2, (n, *input_shape), dtype=dtype, generator=generator).to(device)


def input_dtype(model: nn.Module) -> torch.dtype:
    """The type of a model's inputs: what it says in its attribute `input_dtype`, or its first part does.

    A first part that says nothing takes int64 if it is an embedding, and float32 otherwise.

    Example:
        >>> input_dtype(nn.Linear(4, 3))
        torch.float32
    """
    for module in model.modules():  # a module before its parts, parts in their order
        said = getattr(module, "input_dtype", None)
        if isinstance(said, torch.dtype):
            return said
        if isinstance(module, (nn.Embedding, nn.EmbeddingBag)):
            return torch.int64
        if next(module.children(), None) is None:
            break
    return torch.float32
