"""The DARTS space: normal and reduction cells of four nodes, each with two edges from earlier ones.

Liu et al. 2019, DARTS: differentiable architecture search, https://arxiv.org/abs/1806.09055. Genotype texts go in and
out (`arch_of`, `genotype_of`), and published ones have the published numbers of parameters.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from netwright.core.arch import Arch
from netwright.core.errors import InvalidInput, problems
from netwright.core.registry import spaces
from netwright.spaces.genotypes import Edge, Genotype
from netwright.spaces.language import cell
from netwright.spaces.nodes import Call
from netwright.spaces.published import PUBLISHED
from netwright.spaces.space import Space
from netwright.spaces.zoo.stacked_cells import Node, check_network, first_order, operation, stacked, thirds

__all__ = ["OPERATIONS", "arch_of", "canonical", "darts", "genotype_of"]

OPERATIONS = (
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
"""The eight operations, in the official order."""

_NODES = (2, 3, 4, 5)


@spaces.register
def darts(
    *,
    channels: int = 16,
    n_cells: int = 8,
    none: bool = False,
    stem: str = "auto",
    input_shape: tuple[int, ...] = (3, 32, 32),
) -> Space:
    """DARTS: a normal and a reduction cell of four nodes; two edges and their operations are chosen for each node.

    Unlike the paper's code there is no auxiliary head and no dropped paths: both belong to the training. Odd sides are
    halved upwards; there they fail.

    Args:
        channels: of the first cells. The paper searches with 16, and trains the winner with 36 (ImageNet: 48).
        n_cells: how many. The paper searches with 8, and trains the winner with 20 (ImageNet: 14).
        none: whether an edge may hold nothing. The paper mixes that in while it searches, and never keeps it.
        stem: `cifar` keeps the resolution, `imagenet` makes images smaller by eight; `auto`: that from 96 pixels on.
        input_shape: (channels, height, width) of an image.

    Example:
        >>> space = darts()
        >>> f"{space.size():.3g}"
        '1.08e+18'
        >>> genotype_of(space.default()).normal[:2]
        (('sep_conv_3x3', 0), ('sep_conv_3x3', 1))
        >>> space.validate(arch_of(PUBLISHED["PDARTS"].genotype))

    Raises:
        InvalidInput: if no network can be made of these.
    """
    check_network("darts", channels=channels, stem=stem, input_shape=input_shape)
    names = OPERATIONS if none else OPERATIONS[1:]

    def make(kind: str, width: int, inputs: list[Call]) -> Call:
        stride = 2 if kind == "reduce" else 1

        def operations(source: int, _: int) -> dict[str, Call | None]:
            return {name: operation(name, width, stride if source < 2 else 1) for name in names}

        return cell(operations, 6, n_inputs=2, output="concat", inputs=inputs, stride=stride, label=kind)

    tree = stacked(thirds(n_cells), make, channels=channels, stem=stem, input_shape=input_shape)
    space = Space(tree, name="darts", canonical=canonical, constraints=uses_both_inputs if none else ())
    return space.starting_at(arch_of(PUBLISHED["DARTS_V2"].genotype))


def arch_of(genotype: Genotype | str) -> Arch:
    """The arch of a genotype, or of its text.

    Example:
        >>> arch_of(PUBLISHED["DARTS_V2"].genotype)["normal.5<-"]
        ('5<-0', '5<-2')

    Raises:
        InvalidInput: if it is none, or none of this space: other operations, or another number of nodes or outputs.
    """
    found = Genotype.parse(genotype) if isinstance(genotype, str) else genotype
    decisions: dict[str, Any] = {}
    wrong = []
    for kind in ("normal", "reduce"):
        edges = found.edges(kind)
        if found.n_nodes(kind) != 6 or sorted(found.concat(kind)) != [2, 3, 4, 5]:
            wrong.append(f"{kind!r} must have nodes 2 to 5 and put out all of them")
            continue
        known = ", ".join(OPERATIONS)
        wrong += [f"{kind!r} has {name!r}, which is none of {known}" for name, _ in edges if name not in OPERATIONS]
        for node in _NODES:
            entering = sorted(edges[2 * node - 4 : 2 * node - 2], key=_source)
            if entering[0][1] == entering[1][1]:
                wrong.append(f"node {node} of {kind!r} takes node {entering[0][1]} twice")
            if node > 2:
                decisions[f"{kind}.{node}<-"] = tuple(f"{node}<-{source}" for _, source in entering)
            decisions.update((f"{kind}.{node}<-{source}", name) for name, source in entering)
    if wrong:
        hint = "this is no arch of the darts space, which `network_of` may build all the same"
        raise InvalidInput(problems(hint, wrong))
    return Arch(decisions)


def genotype_of(arch: Arch) -> Genotype:
    """The genotype of an arch, each node's edges by their source; its text is `str` of it."""
    normal, reduce = (
        tuple((name, source) for node in _nodes(arch, kind) for source, name in node) for kind in ("normal", "reduce")
    )
    return Genotype(normal, _NODES, reduce, _NODES)


def uses_both_inputs(arch: Arch) -> bool:
    """Whether both cells take in both of their inputs: where one doesn't, there are weights that nothing trains."""
    used = (
        {source for node in _nodes(arch, kind) for source, name in node if name != "none"}
        for kind in ("normal", "reduce")
    )
    return all({0, 1} <= sources for sources in used)


@lru_cache(maxsize=100_000)
def canonical(arch: Arch) -> Arch:
    """One arch for all whose cells differ in the order of their nodes only; edges of nothing come from anywhere."""
    decisions: dict[str, Any] = {}
    for kind in ("normal", "reduce"):
        plain = tuple(_without_none(node) for node in _nodes(arch, kind))
        for node, entering in zip(_NODES, first_order(plain), strict=True):
            if node > 2:
                decisions[f"{kind}.{node}<-"] = tuple(f"{node}<-{source}" for source, _ in entering)
            decisions.update((f"{kind}.{node}<-{source}", name) for source, name in entering)
    return Arch(decisions)


def _nodes(arch: Arch, kind: str) -> tuple[Node, ...]:
    """What enters each node from 2 on, by the source."""
    nodes: list[Node] = []
    for node in _NODES:
        keys: Any = arch.get(f"{kind}.{node}<-", ("2<-0", "2<-1"))
        sources = [int(key.partition("<-")[2]) for key in keys]
        nodes.append(tuple((source, str(arch[f"{kind}.{node}<-{source}"])) for source in sources))
    return tuple(nodes)


def _without_none(node: Node) -> Node:
    """The same node with its edges of nothing moved to the first inputs that are free."""
    kept = [edge for edge in node if edge[1] != "none"]
    free = [source for source in (0, 1) if source not in [edge[0] for edge in kept]]
    return tuple(sorted([*kept, *((source, "none") for source, _ in zip(free, range(2 - len(kept)), strict=False))]))


def _source(edge: Edge) -> int:
    return edge[1]
