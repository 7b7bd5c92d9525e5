"""`undisturbed`: whatever is done to a model inside, it comes out as it went in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

__all__ = ["draw_from", "undisturbed"]


def draw_from(seed: int, model: nn.Module) -> None:
    """Start torch's generators from a seed: the processor's, and those of the devices that a model is on.

    Example:
        >>> with undisturbed(nn.ReLU(), seed=0):
        ...     draw_from(3, nn.ReLU())
        ...     first = torch.rand(1)
        ...     draw_from(3, nn.ReLU())
        ...     torch.equal(first, torch.rand(1))
        True
    """
    torch.default_generator.manual_seed(seed)
    for device in _devices(model):
        torch.cuda.set_rng_state(torch.Generator(device).manual_seed(seed).get_state(), device)


def _devices(model: nn.Module) -> set[torch.device]:
    return {tensor.device for tensor in model.parameters() if tensor.device.type == "cuda"}


@contextmanager
def undisturbed(model: nn.Module, *, seed: int) -> Iterator[None]:
    """Inside, gradients are recorded and torch's generators start from a seed; afterwards all is as before.

    Put back are the mode of every part, the buffers (running statistics), and the state of torch's generators. Weights
    and gradients are not: who uses this leaves them alone (`torch.autograd.grad`, `torch.func.functional_call`).

    Example:
        >>> norm = nn.BatchNorm1d(2).eval()
        >>> with undisturbed(norm, seed=0):
        ...     _ = norm.train()(torch.randn(8, 2))
        >>> norm.training, norm.running_mean
        (False, tensor([0., 0.]))
    """
    modes = [(module, module.training) for module in model.modules()]
    buffers = [
        (module, name, buffer, None if buffer is None else buffer.detach().clone())
        for module in model.modules()
        for name, buffer in module._buffers.items()  # noqa: SLF001  # those of this module alone, by their own names
    ]
    try:
        with (
            torch.random.fork_rng(devices=list(_devices(model))),
            torch.inference_mode(mode=False),
            torch.enable_grad(),
        ):
            draw_from(seed, model)
            yield
    finally:
        for module, training in modes:
            module.training = training
        with torch.no_grad():
            for module, name, buffer, before in buffers:
                if buffer is not None and before is not None:
                    buffer.copy_(before)
                module._buffers[name] = buffer  # noqa: SLF001  # also where a module put another tensor there
