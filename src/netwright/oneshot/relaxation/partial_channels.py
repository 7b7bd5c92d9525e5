"""Partial channels: 1/k of the channels go through the options, the others are passed on.

Xu et al. 2020, PC-DARTS, https://arxiv.org/abs/1907.05737. Here the options work with the first 1/k of their weights'
channels, so the mixture still shares the weights of the supernet.
"""

from __future__ import annotations

import copy
from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from netwright.core.errors import InvalidSpace

__all__ = ["Thin", "rejoined", "split_channels"]


def split_channels(x: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The first 1/k of the channels, and the others.

    Raises:
        InvalidSpace: if they can't be split so.
    """
    if x.dim() < 2 or x.shape[1] % k:
        raise InvalidSpace(
            f"partial channels need a number of channels that can be divided by {k}, but got shape "
            f"{tuple(x.shape[1:])}: give the space other widths, or choose another `partial`."
        )
    some, others = torch.split(x, [x.shape[1] // k, x.shape[1] - x.shape[1] // k], dim=1)
    channels_last = x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last)
    return some.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format), others


def rejoined(mixed: torch.Tensor, others: torch.Tensor, k: int) -> torch.Tensor:
    """Both kinds of channels together, taken by turns, so that the next mixture gets others.

    Where the options made the positions fewer, the other channels are pooled (their maxima).

    Example:
        >>> rejoined(torch.tensor([[0.0]]), torch.tensor([[1.0, 2.0]]), 3)
        tensor([[0., 1., 2.]])
    """
    if mixed.shape[2:] != others.shape[2:]:
        pool = {3: functional.adaptive_max_pool1d, 4: functional.adaptive_max_pool2d, 5: functional.adaptive_max_pool3d}
        others = pool[others.dim()](others, mixed.shape[2:])
    y = torch.cat([mixed, others], dim=1)
    if y.dim() == 4 and y.is_contiguous(memory_format=torch.channels_last) and not y.is_contiguous():
        n, c, height, width = y.shape
        turned = y.permute(0, 2, 3, 1).reshape(n, height, width, k, c // k).transpose(3, 4)
        return turned.reshape(n, height, width, c).permute(0, 3, 1, 2)
    return y.reshape(len(y), k, -1, *y.shape[2:]).transpose(1, 2).reshape(y.shape)


class Thin(nn.Module):
    """A module on the first 1/k of its channels, with the first 1/k of its own weights.

    Made of convolutions, normalisations of channels, and layers without weights. It has no weights itself.

    Args:
        module: keeps its number of channels.
        k: divides it.

    Example:
        >>> conv = nn.Conv2d(8, 8, 3, padding=1)
        >>> Thin(conv, 4)(torch.zeros(1, 2, 5, 5)).shape
        torch.Size([1, 2, 5, 5])

    Raises:
        InvalidSpace: naming the layer that can't be cut.
    """

    def __init__(self, module: nn.Module, k: int) -> None:
        super().__init__()
        pairs: list[tuple[nn.Module, nn.Module]] = []
        self.k = k
        self._pairs = pairs
        self._copy = [_shadow(module, k, pairs)]  # in a list, so that it is no part: its parameters are the module's

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer, thin in self._pairs:
            for name, parameter in layer._parameters.items():  # noqa: SLF001  # as torch's own tools
                if parameter is not None:
                    thin._parameters[name] = _part(parameter, layer, self.k)  # type: ignore[assignment]  # noqa: SLF001
            for name, buffer in layer._buffers.items():  # noqa: SLF001
                if buffer is not None and buffer.dim():
                    thin._buffers[name] = buffer[: len(buffer) // self.k]  # noqa: SLF001
        return self._copy[0](x)

    def train(self, mode: bool = True) -> Thin:  # torch's signature
        """The mode of the copy."""
        super().train(mode)
        self._copy[0].train(mode)
        return self


def _part(parameter: torch.Tensor, layer: nn.Module, k: int) -> torch.Tensor:
    part = parameter[: len(parameter) // k]
    return (
        part[:, : part.shape[1] // k] if isinstance(layer, _ConvNd) and part.dim() > 1 and layer.groups == 1 else part
    )


def _shadow(module: nn.Module, k: int, pairs: list[tuple[nn.Module, nn.Module]]) -> nn.Module:
    """The same structure with fewer channels; layers with weights are noted beside their originals."""
    module = getattr(module, "settled", None) or module  # of a layer that waited for its input
    thin = copy.copy(module)
    thin.__dict__["_parameters"] = dict(module._parameters)  # noqa: SLF001
    thin.__dict__["_buffers"] = dict(module._buffers)  # noqa: SLF001
    thin.__dict__["_forward_pre_hooks"] = OrderedDict()  # what binds the original to the shared weights
    thin.__dict__["_modules"] = {
        name: None if child is None else _shadow(child, k, pairs)
        for name, child in module._modules.items()  # noqa: SLF001
    }
    own = [name for name, parameter in module._parameters.items() if parameter is not None]  # noqa: SLF001
    if isinstance(thin, _ConvNd) and not isinstance(thin, _ConvTransposeNd):
        depthwise = thin.groups > 1
        if thin.in_channels % k or thin.out_channels % k or (depthwise and thin.groups % k):
            raise InvalidSpace(
                f"partial channels of 1/{k} can't cut {module}: its channels and groups must be divisible by {k}."
            )
        thin.in_channels, thin.out_channels = thin.in_channels // k, thin.out_channels // k
        if depthwise:
            thin.groups //= k
    elif isinstance(thin, _NormBase):
        thin.num_features //= k
    elif own:
        raise InvalidSpace(
            f"partial channels cut convolutions and batch normalisations, but not {type(module).__name__}: "
            "leave it out of the options, or use a method that mixes all channels, such as `drnas` with partial=1."
        )
    if own or module._buffers:  # noqa: SLF001
        pairs.append((module, thin))
    return thin
