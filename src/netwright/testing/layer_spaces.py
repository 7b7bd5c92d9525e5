"""Small spaces, one for each kind of layer whose weights arches share: what the laws of supernets are tried on."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn as torch_nn

from netwright.spaces import Space, choice, defer, derive, integer, layers, n_outputs, nn, repeat

__all__ = ["layer_spaces"]


class First(torch_nn.Module):
    """The outputs of a recurrent layer without its state."""

    def forward(self, x: tuple[torch.Tensor, ...]) -> torch.Tensor:
        return x[0]


class Attention(torch_nn.Module):
    """A user's own block of torch's layers."""

    def __init__(self, in_features: int, heads: int, dim: int) -> None:
        super().__init__()
        self.inputs = torch_nn.Linear(in_features, heads * dim)
        self.attention = torch_nn.MultiheadAttention(heads * dim, heads, batch_first=True)
        self.norm = torch_nn.LayerNorm(heads * dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.inputs(x)
        return self.norm(x + self.attention(x, x, x, need_weights=False)[0])


class Own(torch_nn.Module):
    """A leaf with its own parameters, of which nobody knows how they are sliced, and a random buffer."""

    def __init__(self, in_features: int, width: int) -> None:
        super().__init__()
        self.scale = torch_nn.Parameter(torch.rand(width, in_features))
        self.tied = torch_nn.Linear(in_features, width)
        self.tied.weight = self.scale
        self.register_buffer("noise", torch.randn(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.tied(x) + x @ self.scale.T + self.noise


class Declared(torch_nn.Module):
    """A leaf that says how it is sliced."""

    elastic_axes: ClassVar = {"scale": ("prefix",)}

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = torch_nn.Parameter(torch.rand(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.scale


class WithLazyParts(torch_nn.Module):
    """A user's own class with torch's lazy layers inside."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = torch_nn.LazyLinear(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x)


class Doubling(torch_nn.Module):
    """A user's own container: it has weights beside the part that it is given."""

    def __init__(self, in_features: int, body: torch_nn.Module) -> None:
        super().__init__()
        self.linear = torch_nn.Linear(in_features, in_features)
        self.body = body

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(self.linear(x)) + x


def _ending(*parts: Any) -> Space:
    return Space(nn.Sequential(*parts, nn.Flatten(), nn.LazyLinear(n_outputs)))


def _convolutions(dimensions: int) -> Space:
    conv, norm = getattr(nn, f"LazyConv{dimensions}d"), getattr(nn, f"LazyBatchNorm{dimensions}d")
    return _ending(conv(choice([4, 8, 12]), choice([1, 3, 5]), padding="same"), norm(), nn.ReLU())


def _recurrent(layer: Any, **more: Any) -> Space:
    directions = choice([True, False])
    return _ending(
        layer(
            hidden_size=choice([4, 8]), num_layers=choice([1, 2, 3]), bidirectional=directions, batch_first=True, **more
        ),
        defer(First),
    )


def layer_spaces() -> dict[str, tuple[Space, tuple[int, ...]]]:
    """Spaces by what is elastic in them, with the shape of an input.

    Example:
        >>> space, shape = layer_spaces()["Conv2d"]
        >>> shape, space.size()
        ((3, 8, 8), 9)
    """
    width = choice([4, 8, 12])
    model = choice([8, 16])
    units = integer(1, 16)
    return {
        "Conv1d": (_convolutions(1), (3, 12)),
        "Conv2d": (_convolutions(2), (3, 8, 8)),
        "Conv3d": (_convolutions(3), (2, 5, 5, 5)),
        "grouped": (
            _ending(nn.LazyConv2d(width, 3), nn.LazyConv2d(choice([8, 16]), 3, groups=choice([1, 2, 4]))),
            (3, 8, 8),
        ),
        "depthwise": (
            _ending(
                nn.LazyConv2d(width, 1),
                nn.LazyConv2d(width, choice([3, 5]), groups=width, padding="same"),
                nn.GroupNorm(choice([2, 4]), width),
            ),
            (4, 8, 8),
        ),
        "ConvTranspose2d": (
            _ending(nn.LazyConv2d(width, 3), nn.LazyConvTranspose2d(choice([2, 6]), choice([2, 4]), stride=2)),
            (4, 8, 8),
        ),
        "norms": (
            _ending(
                nn.LazyLinear(width),
                choice([nn.LayerNorm(), nn.RMSNorm(), nn.LazyBatchNorm1d(), None]),
                nn.PReLU(width),
            ),
            (6,),
        ),
        "InstanceNorm2d": (
            _ending(nn.LazyConv2d(width, 3), nn.InstanceNorm2d(width, affine=True, track_running_stats=True)),
            (3, 8, 8),
        ),
        "LSTM": (_recurrent(nn.LSTM), (7, 6)),
        "LSTM with a projection": (_recurrent(nn.LSTM, proj_size=choice([1, 3])), (7, 6)),
        "GRU": (_recurrent(nn.GRU), (7, 6)),
        "RNN": (_recurrent(nn.RNN, nonlinearity=choice(["tanh", "relu"])), (7, 6)),
        "MultiheadAttention": (
            _ending(nn.LazyLinear(width), repeat(defer(Attention, heads=choice([1, 2, 4]), dim=choice([4, 8])), 1, 3)),
            (7, 6),
        ),
        "TransformerEncoderLayer": (
            _ending(
                nn.LazyLinear(model),
                nn.TransformerEncoderLayer(model, choice([1, 2, 4]), dim_feedforward=choice([8, 32]), batch_first=True),
            ),
            (7, 6),
        ),
        "Dropout": (_ending(nn.LazyLinear(width), nn.Dropout(choice([0.1, 0.5]))), (6,)),
        "own leaves": (
            _ending(nn.LazyLinear(width), defer(Declared, width), defer(Own, width=choice([3, 5]))),
            (6,),
        ),
        "own lazy parts": (_ending(nn.LazyLinear(width), defer(WithLazyParts, choice([3, 5]))), (6,)),
        "own containers": (
            _ending(nn.LazyLinear(width), defer(Doubling, body=choice([nn.Identity(), nn.LazyLinear(width)]))),
            (6,),
        ),
        "arithmetic": (
            _ending(nn.LazyLinear(units), nn.LazyLinear(derive(lambda n: 64 // n, units)), nn.LazyLinear(2 * units)),
            (6,),
        ),
        "ResidualBlock": (
            _ending(
                layers.ResidualBlock(
                    out_channels=width,
                    kernel_size=choice([3, 5]),
                    stride=choice([1, 2]),
                    expansion=choice([0.5, 1.0]),
                    skip=choice([True, False]),
                ),
                layers.Residual(choice([nn.Identity(), nn.LazyConv2d(width, 3, padding=1)])),
            ),
            (3, 8, 8),
        ),
    }
