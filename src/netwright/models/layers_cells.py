"""Cells and what they are made of: the layers of cell-based spaces. Use them as `netwright.layers.Name(...)`.

`Cell` and `CellStack` are containers: they get their parts as arguments and hold no weights of their own, so the same
classes serve single networks, paths of a supernet and relaxations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

__all__ = ["Cell", "CellStack", "FactorizedReduce", "RowColumnConv", "SeparableConv"]


class Cell(nn.Module):
    """A graph of operations: the first nodes are the inputs, every later one the sum of its edges' operations.

    Args:
        n_nodes: the number of nodes, the inputs included.
        edges: (source, target, operation), or lists of such; None as operation is no edge. A node without edges is
            zero.
        output: the `last` node; or nodes that are concatenated along the channels: `concat` (all but the inputs),
            `unused` (those of them that no edge leaves), or a list of nodes.
        inputs: a module for each input, that it passes first; without it there is one input, taken as it is.
        stride: of the edges from the inputs: what tells the size of a node without edges.

    Attributes:
        wiring: (source, target) of each edge.
        operations: the module of each edge, in the same order.
        ending: the nodes that are put out.
    """

    def __init__(
        self,
        n_nodes: int,
        edges: list[Any],
        output: str | Sequence[int] = "last",
        inputs: Sequence[nn.Module] | None = None,
        stride: int = 1,
    ) -> None:
        super().__init__()
        flat = [edge for item in edges for edge in (item if isinstance(item, list) else [item])]
        kept = [(source, target, op) for source, target, op in flat if op is not None]
        self.n_nodes = n_nodes
        self.n_inputs = 1 if inputs is None else len(inputs)
        self.stride = stride
        self.wiring = [(source, target) for source, target, _ in kept]
        sources = {source for source, _ in self.wiring}
        inner = range(self.n_inputs, n_nodes)
        named = {"last": [n_nodes - 1], "concat": list(inner), "unused": [n for n in inner if n not in sources]}
        self.ending = named[output] if isinstance(output, str) else list(output)
        self.inputs = None if inputs is None else nn.ModuleList(inputs)
        self.operations = nn.ModuleList([op for _, _, op in kept])

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        states = list(inputs)
        if self.inputs is not None:
            states = [module(x) for module, x in zip(self.inputs, inputs, strict=True)]
        for node in range(self.n_inputs, self.n_nodes):
            entering = [
                op(states[source])
                for (source, target), op in zip(self.wiring, self.operations, strict=False)
                if target == node
            ]
            total = entering[0] if entering else self.nothing(states[0])
            for value in entering[1:]:
                total = total + value
            states.append(total)
        ending = [states[node] for node in self.ending]
        return torch.cat(ending, dim=1) if len(ending) > 1 else ending[0]

    def nothing(self, x: torch.Tensor) -> torch.Tensor:
        """Zeros of the shape that a node has, from an input (batch, channels, *positions)."""
        if self.stride == 1:
            return torch.zeros_like(x)
        return x.new_zeros((*x.shape[:2], *(-(-size // self.stride) for size in x.shape[2:])))


class CellStack(nn.Module):
    """Cells, each of which gets what the two parts before it gave: (the one before the last, the last).

    Args:
        stems: what comes before, one after the other; the first gives both inputs where it is the only one.
        cells: called with two inputs each.
    """

    def __init__(self, stems: Sequence[nn.Module], cells: Sequence[nn.Module]) -> None:
        super().__init__()
        self.stems = nn.ModuleList(stems)
        self.cells = nn.ModuleList(cells)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        before = last = x
        for number, stem in enumerate(self.stems):
            y = stem(last)
            before, last = (last if number else y), y
        for cell in self.cells:
            before, last = last, cell(before, last)
        return last


class SeparableConv(nn.Module):
    """ReLU, depthwise and 1x1 convolution, batch normalisation, usually twice: `sep_conv` and `dil_conv` of DARTS.

    Liu et al. 2019, https://arxiv.org/abs/1806.09055; after Zoph et al. 2018, https://arxiv.org/abs/1707.07012.

    Args:
        in_channels, out_channels: of the block.
        kernel_size: of the depthwise convolutions, odd.
        stride: of the first one.
        dilation: of the depthwise convolutions.
        repeats: how many times.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        repeats: int = 2,
    ) -> None:
        super().__init__()
        padding = dilation * (kernel_size // 2)
        parts: list[nn.Module] = []
        for number in range(repeats):
            width, step = (out_channels, 1) if number else (in_channels, stride)
            parts += [
                nn.ReLU(),
                nn.Conv2d(width, width, kernel_size, step, padding, dilation, groups=width, bias=False),
                nn.Conv2d(width, out_channels, 1, bias=False),
                nn.BatchNorm2d(out_channels),
            ]
        self.layers = nn.Sequential(*parts)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


class RowColumnConv(nn.Module):
    """ReLU, a 1xk and a kx1 convolution, batch normalisation: `conv_7x1_1x7` of NASNet (arXiv:1707.07012)."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, *, stride: int = 1) -> None:
        super().__init__()
        half = kernel_size // 2
        self.row = nn.Conv2d(in_channels, out_channels, (1, kernel_size), (1, stride), (0, half), bias=False)
        self.column = nn.Conv2d(out_channels, out_channels, (kernel_size, 1), (stride, 1), (half, 0), bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.column(self.row(torch.relu(x))))


class FactorizedReduce(nn.Module):
    """Half the resolution with 1x1 convolutions that leave no pixel out: ReLU, two of them, batch normalisation.

    The second one starts one pixel further to the right and below; each gives half of the channels. An odd side is
    padded there, so that 7x7 becomes 4x4 (Zoph et al. 2018, https://arxiv.org/abs/1707.07012).
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels - out_channels // 2, 1, stride=2, bias=False)
        self.conv2 = nn.Conv2d(in_channels, out_channels // 2, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(x)
        bottom, right = x.shape[-2] % 2, x.shape[-1] % 2
        shifted = functional.pad(x, (0, right, 0, bottom)) if bottom or right else x
        return self.norm(torch.cat([self.conv1(x), self.conv2(shifted[..., 1:, 1:])], dim=1))
