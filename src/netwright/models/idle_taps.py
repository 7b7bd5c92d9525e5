"""Convolutions with idle taps: elements of a kernel that see nothing but padding, as most of a 5x5 one on one pixel.

Their gradient is zero. In bfloat16 on processors, torch (2.13, by oneDNN) leaves it unwritten instead: it is whatever
was in that memory before, NaN at times, and one NaN makes all of a clipped gradient NaN. Such a convolution is
therefore computed in float32; all others stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch
from torch import nn

__all__ = ["has_idle_taps", "keep_steady", "steady"]


@lru_cache(maxsize=4096)
def has_idle_taps(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> bool:
    """Whether some element of a kernel never meets the input, along one axis.

    Args:
        size: of the input.
        kernel, stride, padding, dilation: of the convolution.

    Example:
        >>> has_idle_taps(1, kernel=5, padding=2), has_idle_taps(5, kernel=5, padding=2)
        (True, False)
    """
    n_outputs = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    first = [range(tap * dilation - padding, size, stride) for tap in range(kernel)]  # what a tap meets, by output
    return any(all(at < 0 for at in met[:n_outputs]) for met in first)


@contextmanager
def steady(model: nn.Module) -> Iterator[nn.Module]:
    """A model whose gradients are right in bfloat16, too; afterwards it is as before.

    Example:
        >>> model = nn.Conv2d(1, 2, 5, padding=2)
        >>> with steady(model), torch.autocast("cpu", torch.bfloat16):
        ...     model(torch.zeros(1, 1, 1, 1)).dtype
        torch.bfloat16
    """
    handles = [handle for module in model.modules() for handle in keep_steady(module)]
    try:
        yield model
    finally:
        for handle in handles:
            handle.remove()


def keep_steady(module: nn.Module) -> tuple[Any, ...]:
    """The same for one layer and for good; the handles of its hooks, none where it can't have idle taps."""
    if not isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d)) or module.padding_mode != "zeros":
        return ()
    if module.padding == "valid" or max(module.kernel_size) == 1 or not any(map(max, _paddings(module))):
        return ()
    guard = _Guard()
    return module.register_forward_pre_hook(guard.before), module.register_forward_hook(guard.after, always_call=True)


class _Guard:
    """A layer's hooks: where it has idle taps, automatic casts are off while it computes."""

    def __init__(self) -> None:
        self.off: list[Any] = []

    def before(self, module: Any, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...] | None:
        x = inputs[0]
        if x.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
            return None
        sizes, paddings = list(x.shape[-len(module.kernel_size) :]), _paddings(module)
        if module.padding == "same":  # of an odd number of zeros, torch puts one beside the input first
            sizes = [size + (sum(both) % 2) for size, both in zip(sizes, paddings, strict=True)]
        axes = zip(sizes, module.kernel_size, module.stride, map(min, paddings), module.dilation, strict=True)
        if not any(has_idle_taps(*axis) for axis in axes):
            return None
        self.off.append(off := torch.autocast("cpu", enabled=False))
        off.__enter__()  # type: ignore[no-untyped-call]  # torch's own
        return (x.float(),)

    def after(self, module: Any, inputs: Any, output: Any) -> torch.Tensor | None:
        if not self.off:
            return None
        self.off.pop().__exit__(None, None, None)
        return output.to(torch.get_autocast_dtype("cpu")) if isinstance(output, torch.Tensor) else None


def _paddings(module: Any) -> list[tuple[int, int]]:
    """Before and after each axis."""
    if module.padding == "same":
        totals = [d * (k - 1) for d, k in zip(module.dilation, module.kernel_size, strict=True)]
        return [(total // 2, total - total // 2) for total in totals]
    return [(n, n) for n in module.padding]
