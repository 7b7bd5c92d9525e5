"""Blocks of mobile networks: inverted residuals with squeeze-and-excitation. Plain PyTorch, carried into exports."""

from __future__ import annotations

import torch
from torch import nn

from netwright.spaces.rounding import rounded_channels

__all__ = ["InvertedResidual", "SqueezeExcitation"]


class SqueezeExcitation(nn.Module):
    """Each channel is scaled by what all channels' means say (Hu et al. 2018, https://arxiv.org/abs/1709.01507).

    With a quarter of the channels inside and a hard sigmoid, as in MobileNetV3.

    Args:
        channels: in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = rounded_channels(channels // 4)
        self.squeeze = nn.Conv2d(channels, inner, 1)
        self.excite = nn.Conv2d(inner, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scale = torch.relu(self.squeeze(x.mean((2, 3), keepdim=True)))  # (B, C, 1, 1)
        return x * nn.functional.hardsigmoid(self.excite(scale))


class InvertedResidual(nn.Module):
    """Widen, filter each channel by itself, narrow: MobileNetV3's block (Howard et al. 2019, arXiv:1905.02244).

    The input is added where the shape stays. Inner channels come in multiples of 8, as in the Once-for-all networks.

    Args:
        in_channels, out_channels: of the block.
        kernel_size: of the depthwise convolution, odd.
        expansion: inner channels as a multiple of `in_channels`; with 1 nothing is widened.
        stride: of the depthwise convolution.
        activation: after widening and filtering.
        squeeze_excitation: whether the filtered channels are scaled by `SqueezeExcitation`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: int = 3,
        expansion: float = 6,
        stride: int = 1,
        activation: type[nn.Module] = nn.ReLU,
        squeeze_excitation: bool = False,
    ) -> None:
        super().__init__()
        inner = rounded_channels(in_channels * expansion)
        self.expand: nn.Module | None = None
        if expansion != 1:
            self.expand = nn.Sequential(
                nn.Conv2d(in_channels, inner, 1, bias=False), nn.BatchNorm2d(inner), activation()
            )
        else:
            inner = in_channels
        padding = kernel_size // 2
        self.depthwise = nn.Conv2d(inner, inner, kernel_size, stride, padding, groups=inner, bias=False)
        self.norm = nn.BatchNorm2d(inner)
        self.activation = activation()
        self.excitation = SqueezeExcitation(inner) if squeeze_excitation else None
        self.project = nn.Conv2d(inner, out_channels, 1, bias=False)
        self.project_norm = nn.BatchNorm2d(out_channels)
        self.adds = stride == 1 and in_channels == out_channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x if self.expand is None else self.expand(x)  # (B, inner, H, W)
        y = self.activation(self.norm(self.depthwise(y)))  # (B, inner, H / stride, W / stride)
        if self.excitation is not None:
            y = self.excitation(y)
        y = self.project_norm(self.project(y))  # (B, out_channels, H / stride, W / stride)
        return x + y if self.adds else y
