"""The NASNet space: cells of five blocks; each takes two earlier outputs, an operation on each, and adds them.

Zoph et al. 2018, Learning transferable architectures for scalable image recognition, https://arxiv.org/abs/1707.07012.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from netwright.core.arch import Arch
from netwright.core.errors import InvalidInput, problems
from netwright.core.registry import spaces
from netwright.spaces.genotypes import Edge, Genotype
from netwright.spaces.language import choice
from netwright.spaces.mirror import layers, nn
from netwright.spaces.nodes import Call, Choice
from netwright.spaces.published import PUBLISHED
from netwright.spaces.space import Space
from netwright.spaces.zoo.stacked_cells import Node, check_network, first_order, operation, stacked

__all__ = ["OPERATIONS", "arch_of", "canonical", "genotype_of", "nasnet", "nasnet_a"]

OPERATIONS = (
    "skip_connect",
    "conv_3x1_1x3",
    "conv_7x1_1x7",
    "dil_conv_3x3",
    "avg_pool_3x3",
    "max_pool_3x3",
    "max_pool_5x5",
    "max_pool_7x7",
    "nor_conv_1x1",
    "nor_conv_3x3",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
)
"""The thirteen operations, in the paper's order."""

_NODES = (2, 3, 4, 5, 6)


@spaces.register
def nasnet(
    *,
    channels: int = 16,
    n_normal: int = 2,
    stem: str = "auto",
    input_shape: tuple[int, ...] = (3, 32, 32),
) -> Space:
    """NASNet: a normal and a reduction cell of five blocks, each the sum of two operations on earlier outputs.

    A cell puts out the blocks that no other takes. Where this differs from the paper: two outputs of a block are added
    (the paper's controller could also concatenate them, which no published cell does); a cell takes in both of its
    inputs; the dilated convolution is depthwise-separable, and what skips at half the resolution is a
    `FactorizedReduce`; no auxiliary head and no dropped paths, which belong to the training.

    Args:
        channels: of the first cells.
        n_normal: normal cells before, between and after the two reductions: the N of the paper, 6 there for CIFAR-10.
        stem: `cifar` keeps the resolution, `imagenet` makes images smaller by eight (by convolutions, not by cells as
            in the paper); `auto`: that from 96 pixels on.
        input_shape: (channels, height, width) of an image.

    Example:
        >>> space = nasnet()
        >>> space.default() == arch_of(PUBLISHED["NASNet"].genotype)
        True
        >>> f"{space.without_constraints().size():.2g}"
        '5.1e+33'

    Raises:
        InvalidInput: if no network can be made of these.
    """
    check_network("nasnet", channels=channels, stem=stem, input_shape=input_shape)

    def make(kind: str, width: int, inputs: list[Call]) -> Call:
        stride = 2 if kind == "reduce" else 1
        edges = [_edge(kind, node, slot, width, stride) for node in _NODES for slot in (1, 2)]
        return layers.Cell(7, edges, output="unused", inputs=inputs, stride=stride)

    kinds = _kinds(n_normal)
    tree = stacked(kinds, make, channels=channels, stem=stem, input_shape=input_shape, end=[nn.ReLU()])
    space = Space(tree, name="nasnet", canonical=canonical, constraints=uses_both_inputs)
    return space.starting_at(arch_of(PUBLISHED["NASNet"].genotype))


def nasnet_a(
    *, channels: int = 32, n_normal: int = 6, stem: str = "auto", input_shape: tuple[int, ...] = (3, 32, 32)
) -> Space:
    """NASNet-A as its authors' code builds it, as a space of one arch: 6 @ 768 for CIFAR-10.

    Unlike in the genotype that DARTS gives of it, the normal cell also puts out the output of the cell before the last,
    and the reduction cell one block that another takes. In that code the first cell takes the older of its inputs, the
    stem's output, as it is and makes it narrower in each operation instead: 18,304 parameters more.

    Args:
        channels: of the first cells; the last have four times as many, times six outputs.
        n_normal, stem, input_shape: see `nasnet`.

    Example:
        >>> model = nasnet_a().build(input_shape=(3, 32, 32), n_outputs=10, device="meta")
        >>> model[-1], sum(parameter.numel() for parameter in model.parameters())
        (Linear(in_features=768, out_features=10, bias=True), 3328234)
    """
    check_network("nasnet_a", channels=channels, stem=stem, input_shape=input_shape)
    genotype = PUBLISHED["NASNet"].genotype
    ending = {"normal": [0, 2, 3, 4, 5, 6], "reduce": [3, 4, 5, 6]}

    def make(kind: str, width: int, inputs: list[Call]) -> Call:
        stride = 2 if kind == "reduce" else 1
        edges = [
            (source, 2 + place // 2, operation(name, width, stride if source < 2 else 1))
            for place, (name, source) in enumerate(genotype.edges(kind))
        ]
        return layers.Cell(7, edges, output=ending[kind], inputs=inputs, stride=stride)

    tree = stacked(_kinds(n_normal), make, channels=channels, stem=stem, input_shape=input_shape, end=[nn.ReLU()])
    return Space(tree, name="nasnet_a")


def _kinds(n_normal: int) -> list[str]:
    if n_normal < 1:
        raise InvalidInput(f"`n_normal` must be at least 1, but got {n_normal}.")
    stack = ["normal"] * n_normal
    return [*stack, "reduce", *stack, "reduce", *stack]


def _edge(kind: str, node: int, slot: int, width: int, stride: int) -> Choice:
    """What enters a block at one of its two places: from where, and through which operation."""
    name = f"{kind}.{node}"
    edges: dict[Any, Any] = {
        source: (
            source,
            node,
            choice(
                {key: operation(key, width, stride if source < 2 else 1) for key in OPERATIONS},
                label=f"{name}.operation{slot}",
            ),
        )
        for source in range(node)
    }
    return choice(edges, label=f"{name}.input{slot}")


def arch_of(genotype: Genotype | str) -> Arch:
    """The arch of a genotype, or of its text.

    Raises:
        InvalidInput: if it is none, or none of this space: other operations, another number of blocks, or outputs that
            aren't the unused blocks.
    """
    found = Genotype.parse(genotype) if isinstance(genotype, str) else genotype
    decisions: dict[str, Any] = {}
    wrong = []
    for kind in ("normal", "reduce"):
        edges = found.edges(kind)
        if len(edges) != 2 * len(_NODES):
            wrong.append(f"{kind!r} must have nodes 2 to 6")
            continue
        wrong += [f"{kind!r} has the operation {name!r}" for name, _ in edges if name not in OPERATIONS]
        if sorted(found.concat(kind)) != _unused(edges):
            wrong.append(f"'{kind}_concat' must be the nodes that no other takes, {_unused(edges)}")
        for place, (name, source) in enumerate(edges):
            node, slot = 2 + place // 2, 1 + place % 2
            decisions[f"{kind}.{node}.input{slot}"] = source
            decisions[f"{kind}.{node}.operation{slot}"] = name
    if wrong:
        hint = "this is no arch of the nasnet space, which `network_of` may build all the same"
        raise InvalidInput(problems(hint, wrong))
    return Arch(decisions)


def genotype_of(arch: Arch) -> Genotype:
    """The genotype of an arch; its text is `str` of it."""
    normal, reduce = (
        tuple((name, source) for node in _nodes(arch, kind) for source, name in node) for kind in ("normal", "reduce")
    )
    return Genotype(normal, tuple(_unused(normal)), reduce, tuple(_unused(reduce)))


def uses_both_inputs(arch: Arch) -> bool:
    """Whether both cells take in both of their inputs: where one doesn't, there are weights that nothing trains."""
    return all({0, 1} <= {source for node in _nodes(arch, kind) for source, _ in node} for kind in ("normal", "reduce"))


@lru_cache(maxsize=100_000)
def canonical(arch: Arch) -> Arch:
    """One arch for all whose cells differ only in the order of their blocks, or of what these add."""
    decisions: dict[str, Any] = {}
    for kind in ("normal", "reduce"):
        plain = tuple(tuple(sorted(node)) for node in _nodes(arch, kind))
        for node, entering in zip(_NODES, first_order(plain), strict=True):
            for slot, (source, name) in enumerate(entering, 1):
                decisions[f"{kind}.{node}.input{slot}"] = source
                decisions[f"{kind}.{node}.operation{slot}"] = name
    return Arch(decisions)


def _nodes(arch: Arch, kind: str) -> tuple[Node, ...]:
    """The (source, operation) of what enters each block."""
    names = [(f"{kind}.{node}.input{slot}", f"{kind}.{node}.operation{slot}") for node in _NODES for slot in (1, 2)]
    edges: list[Any] = [(arch[source], arch[name]) for source, name in names]
    return tuple((edges[place], edges[place + 1]) for place in range(0, len(edges), 2))


def _unused(edges: tuple[Edge, ...]) -> list[int]:
    taken = {source for _, source in edges}
    return [node for node in _NODES if node not in taken]
