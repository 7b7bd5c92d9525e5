"""What an arch costs, without its weights ever being made: parameters, FLOPs, activations."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from netwright.core.arch import Arch
from netwright.models.build import build
from netwright.spaces import Space

__all__ = ["cost", "cost_of", "n_parameters"]


def n_parameters(model: nn.Module) -> int:
    """The number of trainable parameters."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def cost(space: Space, arch: Arch, *, input_shape: tuple[int, ...], n_outputs: int | None = None) -> dict[str, float]:
    """Parameters, FLOPs and activation memory of an arch, on torch's meta device.

    Returns:
        `params`: trainable parameters; `flops`: of one example's forward pass, a multiply-add counted as two (so
        twice the MACs that many papers call FLOPs); `activation_mb`: megabytes (1e6 bytes, float32) of all layers'
        outputs for one example, which is what training keeps.

    Example:
        >>> from netwright import nn, Space
        >>> cost(Space(nn.Sequential(nn.Linear(4, 3))), Arch({}), input_shape=(4,))["params"]
        15.0
    """
    model = build(space, arch, input_shape=input_shape, n_outputs=n_outputs, device="meta")
    return cost_of(model, input_shape)


def cost_of(model: nn.Module, input_shape: tuple[int, ...]) -> dict[str, float]:
    """The same for a model at hand (which stays as it is)."""
    held = 0

    def keep(_: nn.Module, __: object, output: object) -> None:
        nonlocal held
        if isinstance(output, torch.Tensor):
            held += output.numel()

    leaves = [module for module in model.modules() if not list(module.children())]
    handles = [module.register_forward_hook(keep) for module in leaves]
    was_training = model.training
    parameter = next(model.parameters(), None)
    device = torch.device("meta") if parameter is None else parameter.device
    model.eval()
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model(torch.zeros(1, *input_shape, device=device))
    finally:
        model.train(was_training)
        for handle in handles:
            handle.remove()
    return {
        "params": float(n_parameters(model)),
        "flops": float(counter.get_total_flops()),
        "activation_mb": held * 4 / 1e6,
    }
