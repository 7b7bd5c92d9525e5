"""Layers that spaces are made of beside `torch.nn`'s own. Plain PyTorch: exported models carry their source.

`netwright.layers.Name(...)` defers a call of one of these. An `in_channels` that is left out is filled in at the build.
"""

from __future__ import annotations

import torch
from torch import nn

from netwright.models.attention import (
    PatchEmbedding,
    SelfAttention,
    TokenEmbedding,
    TransformerBlock,
    TransformerEncoder,
)
from netwright.models.inverted_residual import InvertedResidual, SqueezeExcitation
from netwright.models.layers_cells import Cell, CellStack, FactorizedReduce, RowColumnConv, SeparableConv
from netwright.models.layers_recurrent import (
    From,
    Highway,
    LastStep,
    LockedDropout,
    OutputBias,
    RecurrentCell,
    RowsAsSteps,
    TiedDecoder,
)

__all__ = [
    "Cell",
    "CellStack",
    "ConvNormReLU",
    "Destandardise",
    "FactorizedReduce",
    "From",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Highway",
    "InvertedResidual",
    "LastStep",
    "LockedDropout",
    "NB101Cell",
    "NB201Reduction",
    "OutputBias",
    "PatchEmbedding",
    "ReLUConvNorm",
    "RecurrentCell",
    "Residual",
    "ResidualBlock",
    "RowColumnConv",
    "RowsAsSteps",
    "SelfAttention",
    "SeparableConv",
    "SqueezeExcitation",
    "Standardise",
    "TiedDecoder",
    "TokenEmbedding",
    "TransformerBlock",
    "TransformerEncoder",
]


class Standardise(nn.Module):
    """(x - mean) / std: raw data in, what the network was trained on out.

    Args:
        shape: of `mean` and `std`: the first axes of one example. `Standardise(3)` works by channel on images
            (3, height, width) and by feature on rows (3,); `Standardise(8, 8)` by element on examples (8, 8).
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("std", torch.ones(shape))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shape = (1, *self.mean.shape) + (1,) * (x.dim() - self.mean.dim() - 1)
        return (x.to(self.mean.dtype) - self.mean.view(shape)) / self.std.view(shape)


class Destandardise(nn.Module):
    """x * std + mean: from standardised predictions to the targets' own units.

    Args:
        shape: of `mean` and `std`: the first axes of one prediction, usually (n_outputs,).
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("std", torch.ones(shape))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shape = (1, *self.mean.shape) + (1,) * (x.dim() - self.mean.dim() - 1)
        return x * self.std.view(shape) + self.mean.view(shape)


class GlobalAveragePool(nn.Module):
    """The mean over all positions: (batch, channels, *positions) → (batch, channels)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(2).mean(2)


class GlobalMaxPool(nn.Module):
    """The largest value over all positions: (batch, channels, *positions) → (batch, channels)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(2).amax(2)


class Residual(nn.Module):
    """x + body(x): a skip connection around any module that keeps the shape."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x)


class ResidualBlock(nn.Module):
    """Two convolutions with a skip connection (He et al. 2016, https://arxiv.org/abs/1512.03385).

    Args:
        in_channels, out_channels: where they differ, or with a stride, the skip connection is a 1x1 convolution
            after average pooling (He et al. 2019, https://arxiv.org/abs/1812.01187, ResNet-D).
        kernel_size: of both convolutions, odd.
        stride: of the first one.
        expansion: inner channels as a multiple of `out_channels`.
        skip: False leaves the connection out: a plain block.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: int = 3,
        stride: int = 1,
        expansion: float = 1.0,
        activation: type[nn.Module] = nn.ReLU,
        skip: bool = True,
    ) -> None:
        super().__init__()
        inner = max(1, round(out_channels * expansion))
        padding = kernel_size // 2
        self.conv1 = nn.Conv2d(in_channels, inner, kernel_size, stride=stride, padding=padding, bias=False)
        self.norm1 = nn.BatchNorm2d(inner)
        self.act1 = activation()
        self.conv2 = nn.Conv2d(inner, out_channels, kernel_size, padding=padding, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.act2 = activation()
        self.skip: nn.Module | None = None
        if skip:
            parts: list[nn.Module] = [nn.AvgPool2d(stride, ceil_mode=True)] if stride > 1 else []
            if in_channels != out_channels:
                parts += [nn.Conv2d(in_channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)]
            self.skip = nn.Sequential(*parts) if parts else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.act1(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        if self.skip is not None:
            y = y + self.skip(x)
        return self.act2(y)


class ReLUConvNorm(nn.Module):
    """ReLU, convolution, batch normalisation: an operation of NAS-Bench-201 (Dong & Yang 2020, arXiv:2001.00326)."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(torch.relu(x)))


class NB201Reduction(nn.Module):
    """The residual block between the stages of NAS-Bench-201: halves the resolution, changes the channels."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv_a = ReLUConvNorm(in_channels, out_channels, 3, 2)
        self.conv_b = ReLUConvNorm(out_channels, out_channels, 3)
        self.shortcut = nn.Sequential(nn.AvgPool2d(2, stride=2), nn.Conv2d(in_channels, out_channels, 1, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.shortcut(x) + self.conv_b(self.conv_a(x))


class ConvNormReLU(nn.Module):
    """Convolution, batch normalisation, ReLU: an operation of NAS-Bench-101 (Ying et al. 2019, arXiv:1902.09635)."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.norm(self.conv(x)))


class NB101Cell(nn.Module):
    """The cell of NAS-Bench-101 (Ying et al. 2019, https://arxiv.org/abs/1902.09635).

    Vertex 0 is the input; it reaches others by 1x1 convolutions. What enters a vertex is summed, with the channels cut
    to its own number. What enters the output is concatenated; an edge from the input is added to that. Vertices
    without a way from the input or to the output are left out.

    Args:
        in_channels, out_channels: of the cell.
        edges: 0 or 1 for each edge: 1<-0, 2<-0, 2<-1, 3<-0, and so on to the last vertex, the output.
        operations: `conv3x3-bn-relu`, `conv1x1-bn-relu` or `maxpool3x3` for each vertex between input and output.
    """

    def __init__(self, in_channels: int, out_channels: int, edges: list[int], operations: list[str]) -> None:
        super().__init__()
        last = len(operations) + 1
        pairs = [(source, target) for target in range(1, last + 1) for source in range(target)]
        present = [pair for pair, there in zip(pairs, edges, strict=True) if there]
        reached, used = {0}, {last}
        for source, target in present:
            if source in reached:
                reached.add(target)
        for source, target in reversed(present):
            if target in used:
                used.add(source)
        self.last = last
        self.wiring = [(s, t) for s, t in present if {s, t} <= reached & used]
        ending = [source for source, target in self.wiring if target == last and source > 0]
        # The vertices before the output share its channels, the first ones one more if they don't divide evenly.
        channels = {0: in_channels, last: out_channels}
        for place, vertex in enumerate(ending):
            channels[vertex] = out_channels // len(ending) + (place < out_channels % len(ending))
        for vertex in range(last - 1, 0, -1):
            if vertex not in channels and vertex in reached & used:
                channels[vertex] = max(channels[target] for source, target in self.wiring if source == vertex)
        self.channels = channels
        self.projections = nn.ModuleDict(
            {str(t): ConvNormReLU(in_channels, channels[t], 1) for s, t in self.wiring if s == 0}
        )
        self.operations = nn.ModuleDict()
        for vertex in range(1, last):
            if vertex in channels:
                operation, width = operations[vertex - 1], channels[vertex]
                kernel_size = {"conv3x3-bn-relu": 3, "conv1x1-bn-relu": 1}.get(operation)
                self.operations[str(vertex)] = (
                    nn.MaxPool2d(3, stride=1, padding=1)
                    if kernel_size is None
                    else ConvNormReLU(width, width, kernel_size)
                )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        projected = {target: project(x) for target, project in self.projections.items()}
        states: dict[int, torch.Tensor] = {}
        for name, operation in self.operations.items():
            vertex = int(name)
            entering = [states[s][:, : self.channels[vertex]] for s, t in self.wiring if t == vertex and s > 0]
            if name in projected:
                entering.append(projected[name])
            total = entering[0]
            for value in entering[1:]:
                total = total + value
            states[vertex] = operation(total)
        ending = [states[source] for source, target in self.wiring if target == self.last and source > 0]
        if not ending:
            return projected[str(self.last)]
        y = torch.cat(ending, dim=1) if len(ending) > 1 else ending[0]
        return y + projected[str(self.last)] if str(self.last) in projected else y
