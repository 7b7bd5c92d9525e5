"""What an arch costs, without its weights ever being made: parameters, FLOPs, activations."""

from __future__ import annotations

import itertools

import torch
from torch import nn

from netwright.core.arch import Arch
from netwright.models.build import build
from netwright.models.evaluation_mode import evaluating
from netwright.models.example import example_inputs
from netwright.models.meter import Meter
from netwright.spaces import Space

__all__ = ["cost", "cost_of", "n_parameters"]


def n_parameters(model: nn.Module) -> int:
    """The number of trainable parameters.

    Example:
        >>> n_parameters(nn.Linear(4, 3))
        15
    """
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def cost(space: Space, arch: Arch, *, input_shape: tuple[int, ...], n_outputs: int | None = None) -> dict[str, float]:
    """Parameters, FLOPs and activation memory of an arch, on torch's meta device.

    Returns:
        `params`: trainable parameters; `flops`: of one example's forward pass, a multiply-add counted as two (so
        twice the MACs that many papers call FLOPs); `activation_mb`: megabytes (1e6 bytes, float32) of all
        operations' outputs for one example, which is about what training keeps.

    Example:
        >>> from netwright import nn, Space
        >>> cost(Space(nn.Sequential(nn.Linear(4, 3))), Arch({}), input_shape=(4,))["params"]
        15.0
    """
    return cost_of(build(space, arch, input_shape=input_shape, n_outputs=n_outputs, device="meta"), input_shape)


def cost_of(model: nn.Module, input_shape: tuple[int, ...]) -> dict[str, float]:
    """The same for a model at hand, on whatever device; it stays as it is.

    Example:
        >>> cost_of(nn.Linear(4, 3), (4,))["flops"]
        24.0
    """
    with evaluating(model), torch.no_grad():
        tensors = dict(itertools.chain(model.named_parameters(), model.named_buffers()))
        shapes = {name: torch.empty_like(tensor, device="meta") for name, tensor in tensors.items()}
        example = example_inputs(model, input_shape, device="meta")
        try:
            with Meter() as meter:
                torch.func.functional_call(model, shapes, (example,))
        except (RuntimeError, TypeError):  # a module that looks at values: let it see some
            device = next((tensor.device for tensor in tensors.values()), torch.device("cpu"))
            example = example_inputs(model, input_shape, device=device)
            with Meter() as meter:
                model(example)
    return {
        "params": float(n_parameters(model)),
        "flops": float(meter.flops),
        "activation_mb": meter.elements * 4 / 1e6,
    }
