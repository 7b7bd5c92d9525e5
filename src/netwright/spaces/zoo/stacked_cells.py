"""Networks of stacked cells with two inputs: what the spaces of DARTS and NASNet share.

A cell gets the outputs of the two before it. Each passes a 1x1 convolution first, so that all nodes of a cell have its
channels; where the first of them has twice the resolution, `FactorizedReduce` halves it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TypeAlias

from netwright.core.errors import InvalidInput, unknown
from netwright.spaces.genotypes import Genotype
from netwright.spaces.language import n_outputs
from netwright.spaces.mirror import layers, nn
from netwright.spaces.nodes import Call
from netwright.spaces.space import Space

__all__ = ["OPERATIONS", "STEMS", "check_network", "first_order", "network_of", "operation", "stacked", "thirds"]

OPERATIONS = (
    "none",
    "skip_connect",
    "max_pool_3x3",
    "max_pool_5x5",
    "max_pool_7x7",
    "avg_pool_3x3",
    "nor_conv_1x1",
    "nor_conv_3x3",
    "conv_3x1_1x3",
    "conv_7x1_1x7",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
"""The operations that genotypes may name."""

STEMS = ("auto", "cifar", "imagenet")
"""What may come before the first cell, see `stacked`."""

Node: TypeAlias = "tuple[tuple[int, str], ...]"
"""The (source, operation) of what enters a node."""


def operation(name: str, channels: int, stride: int = 1) -> Call | None:
    """An operation of a genotype, by its name there; None is no edge.

    Example:
        >>> operation("sep_conv_5x5", 16, stride=2)
        SeparableConv(16, 16, 5, stride=2)

    Raises:
        NotFound: naming the operations that there are.
    """
    if name not in OPERATIONS:
        raise unknown("operation", name, OPERATIONS)
    size = int(name[-1]) if name[-1].isdigit() else 0
    if name == "none":
        return None
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else layers.FactorizedReduce(channels, channels)
    if name.startswith("max_pool"):
        return nn.MaxPool2d(size, stride=stride, padding=size // 2)
    if name.startswith("avg_pool"):
        return nn.AvgPool2d(size, stride=stride, padding=size // 2, count_include_pad=False)
    if name.startswith("nor_conv"):
        return layers.ReLUConvNorm(channels, channels, size, stride)
    if name.startswith("conv"):
        return layers.RowColumnConv(channels, channels, size, stride=stride)
    if name.startswith("dil_conv"):
        return layers.SeparableConv(channels, channels, size, stride=stride, dilation=2, repeats=1)
    return layers.SeparableConv(channels, channels, size, stride=stride)


def stacked(
    kinds: Sequence[str],
    make: Callable[[str, int, list[Call]], Call],
    *,
    channels: int,
    stem: str = "auto",
    input_shape: tuple[int, ...] = (3, 32, 32),
    end: Sequence[Call] = (),
) -> Call:
    """The network: a stem, cells, global pooling and a linear layer.

    Args:
        kinds: `normal` or `reduce` for each cell; from a reduction on, cells have twice the channels.
        make: a cell from its kind, its channels and what its two inputs pass first.
        channels: of the first cells.
        stem: `cifar` keeps the resolution and gives three times the channels, `imagenet` makes images smaller by
            eight; `auto`: the latter from 96 pixels on.
        input_shape: (channels, height, width) of an image.
        end: what comes after the last cell.
    """
    reduced = stem == "imagenet" or (stem == "auto" and min(input_shape[1:]) >= 96)
    stems = _imagenet_stem(input_shape[0], channels) if reduced else [_cifar_stem(input_shape[0], channels)]
    cells, width, after_reduction = [], channels, reduced
    for kind in kinds:
        width *= 2 if kind == "reduce" else 1
        older = (
            layers.FactorizedReduce(out_channels=width)
            if after_reduction
            else layers.ReLUConvNorm(out_channels=width, kernel_size=1)
        )
        cells.append(make(kind, width, [older, layers.ReLUConvNorm(out_channels=width, kernel_size=1)]))
        after_reduction = kind == "reduce"
    return nn.Sequential(layers.CellStack(stems, cells), *end, layers.GlobalAveragePool(), nn.LazyLinear(n_outputs))


def _cifar_stem(in_channels: int, channels: int) -> Call:
    return nn.Sequential(nn.Conv2d(in_channels, 3 * channels, 3, padding=1, bias=False), nn.BatchNorm2d(3 * channels))


def _imagenet_stem(in_channels: int, channels: int) -> list[Call]:
    half = max(1, channels // 2)
    first = nn.Sequential(
        nn.Conv2d(in_channels, half, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(half),
        nn.ReLU(),
        nn.Conv2d(half, channels, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels),
    )
    return [first, layers.ReLUConvNorm(channels, channels, 3, 2)]


def check_network(name: str, *, channels: int, stem: str, input_shape: tuple[int, ...]) -> None:
    """Refuse what no such network can be made of.

    Raises:
        InvalidInput: saying what is wrong.
    """
    if channels < 2 or channels % 2:
        raise InvalidInput(f"`channels` must be an even number, at least 2, but got {channels}.")
    if stem not in STEMS:
        raise InvalidInput(f"`stem` must be one of {', '.join(STEMS)}, but got {stem!r}.")
    if len(input_shape) != 3 or min(input_shape[1:]) < 4:
        raise InvalidInput(f"`{name}` needs images of at least 4x4 pixels, but the inputs have shape {input_shape}.")


def network_of(
    genotype: Genotype,
    *,
    channels: int = 36,
    n_cells: int = 20,
    stem: str = "auto",
    input_shape: tuple[int, ...] = (3, 32, 32),
) -> Space:
    """The network of a genotype as a space of one arch: to build, to train, to export.

    It takes any genotype, also those that are in none of the spaces: with other numbers of nodes, or nodes that take
    one input twice. Stacked as in DARTS, with reductions after one and two thirds of the cells.

    Args:
        genotype: what the cells are.
        channels: of the first cells. DARTS trains the winner with 36 on CIFAR-10, and with 48 on ImageNet.
        n_cells: how many; 20 and 14 there.
        stem: see `stacked`.
        input_shape: (channels, height, width) of an image.

    Example:
        >>> from netwright.spaces.published import PUBLISHED
        >>> space = network_of(PUBLISHED["DARTS_V2"].genotype)
        >>> model = space.build(input_shape=(3, 32, 32), n_outputs=10, device="meta")
        >>> sum(parameter.numel() for parameter in model.parameters())
        3349342
    """
    check_network("network_of", channels=channels, stem=stem, input_shape=input_shape)

    def make(kind: str, width: int, inputs: list[Call]) -> Call:
        stride = 2 if kind == "reduce" else 1
        edges = [
            (source, 2 + place // 2, operation(name, width, stride if source < 2 else 1))
            for place, (name, source) in enumerate(genotype.edges(kind))
        ]
        output = list(genotype.concat(kind))
        return layers.Cell(genotype.n_nodes(kind), edges, output=output, inputs=inputs, stride=stride)

    tree = stacked(thirds(n_cells), make, channels=channels, stem=stem, input_shape=input_shape)
    return Space(tree, name="genotype")


def thirds(n_cells: int) -> list[str]:
    """The kinds of cells with reductions after one and two thirds.

    Raises:
        InvalidInput: for fewer than three.
    """
    if n_cells < 3:
        raise InvalidInput(f"`n_cells` must be at least 3 (two of them are reductions), but got {n_cells}.")
    return ["reduce" if i in (n_cells // 3, 2 * n_cells // 3) else "normal" for i in range(n_cells)]


def first_order(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """The least of all cells that differ in the order of their nodes only: each node is its sorted edges.

    Example:
        >>> first_order((((0, "b"), (1, "b")), ((0, "a"), (1, "a"))))
        (((0, 'a'), (1, 'a')), ((0, 'b'), (1, 'b')))
    """
    places = range(2, 2 + len(nodes))
    best = nodes
    for order in itertools.permutations(places):
        number = {0: 0, 1: 1, **dict(zip(order, places, strict=True))}
        moved = tuple(tuple(sorted((number[source], name) for source, name in nodes[old - 2])) for old in order)
        if moved < best and all(
            source < place for place, node in zip(places, moved, strict=True) for source, _ in node
        ):
            best = moved
    return best
