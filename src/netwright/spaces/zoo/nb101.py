"""The NAS-Bench-101 space: cells of up to seven vertices and nine edges, stacked in a fixed network.

Ying et al. 2019, NAS-Bench-101, https://arxiv.org/abs/1902.09635. The 423,624 different networks have the benchmark's
own numbers of parameters; `official_hash` is the key under which its file keeps a cell.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from netwright.core.arch import Arch
from netwright.core.errors import InvalidInput, InvalidSpace
from netwright.core.registry import spaces
from netwright.spaces.graph import INPUT, OUTPUT, ArchGraph
from netwright.spaces.language import choice, n_outputs
from netwright.spaces.mirror import layers, nn
from netwright.spaces.nodes import Call
from netwright.spaces.space import Space

__all__ = [
    "EDGES",
    "MOST_EDGES",
    "OPERATIONS",
    "Cell101",
    "arch_of",
    "arches_of",
    "canonical",
    "cell_of",
    "nb101",
    "official_hash",
]

OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
"""The three operations, in the official order."""

EDGES = tuple((source, target) for target in range(1, 7) for source in range(target))
"""(source, target) of the 21 edges that there may be between seven vertices; 0 is the input, 6 the output."""

MOST_EDGES = 9

_EDGE_NAMES = tuple(f"cell.{target}<-{source}" for source, target in EDGES)
_OPERATION_NAMES = tuple(f"cell.op{vertex}" for vertex in range(1, 6))


@dataclass(frozen=True, slots=True)
class Cell101:
    """A cell without what its output doesn't depend on.

    Attributes:
        operations: indices into `OPERATIONS` of the vertices between input and output.
        edges: (source, target), sorted; 0 is the input, the last vertex the output.

    Example:
        >>> Cell101((0,), ((0, 1), (1, 2))).n_vertices
        3
    """

    operations: tuple[int, ...]
    edges: tuple[tuple[int, int], ...]

    @property
    def n_vertices(self) -> int:
        """Input and output included."""
        return len(self.operations) + 2


class _Space(Space):
    """A `Space` that knows its arches as cells: the tree holds a cell in one call, which says nothing of its inside."""

    def graph(self, arch: Arch) -> ArchGraph:
        cell = cell_of(arch)
        if cell is None:
            return ArchGraph((INPUT, OUTPUT), ())
        return ArchGraph((INPUT, *(OPERATIONS[code] for code in cell.operations), OUTPUT), cell.edges)

    def probes(self) -> Iterator[Arch]:
        """Arches with every operation and every projection as wide as it can be: for weights that arches share."""
        chain = tuple(itertools.pairwise(range(7)))
        yield from (arch_of((code,) * 5, chain) for code in range(len(OPERATIONS)))
        for vertex in range(1, 7):
            there = {(0, vertex), (vertex, 6)} if vertex < 6 else {(0, 6)}
            decisions: dict[str, Any] = dict.fromkeys(_OPERATION_NAMES, OPERATIONS[0])
            yield Arch(decisions | {name: int(edge in there) for edge, name in zip(EDGES, _EDGE_NAMES, strict=True)})


@spaces.register
def nb101(*, channels: int = 128, n_cells: int = 3, input_shape: tuple[int, ...] = (3, 32, 32)) -> Space:
    """NAS-Bench-101: cells of up to seven vertices and nine edges with three operations, in a fixed network.

    A decision for each of 21 possible edges and five operations. Edges and vertices between which and the output (or
    the input) there is no way don't count; `canonical` leaves them out and gives isomorphic cells one form.

    Args:
        channels: of the first stack; the second and third have twice and four times as many.
        n_cells: cells in each stack. The benchmark's own are 128 and 3.
        input_shape: (channels, height, width) of an image.

    Example:
        >>> space = nb101()
        >>> official_hash(space.default())
        'b5fb4f6193360330b6ff6a52cbf0cad7'
    """
    if channels < 1 or n_cells < 1:
        raise InvalidInput(f"`channels` and `n_cells` must be at least 1, but got {channels} and {n_cells}.")
    if len(input_shape) != 3 or min(input_shape[1:]) < 4:
        raise InvalidInput(f"`nb101` needs images of at least 4x4 pixels, but the inputs have shape {input_shape}.")
    edges = [choice([0, 1], label=name) for name in _EDGE_NAMES]
    operations = [choice(list(OPERATIONS), label=name) for name in _OPERATION_NAMES]
    stem = [nn.Conv2d(input_shape[0], channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
    parts: list[Call] = stem
    width = channels
    for stack in range(3):
        if stack:
            parts.append(nn.MaxPool2d(2, 2))
        for number in range(n_cells):
            wider = 2 * width if stack and not number else width
            parts.append(layers.NB101Cell(width, wider, edges, operations))
            width = wider
    head = [layers.GlobalAveragePool(), nn.Linear(width, n_outputs)]
    space = _Space(nn.Sequential(*parts, *head), name="nb101", constraints=is_a_cell, canonical=canonical)
    # Two convolutions with a skip connection around them.
    return space.starting_at(arch_of((0, 0), ((0, 1), (0, 3), (1, 2), (2, 3))))


def is_a_cell(arch: Arch) -> bool:
    """Whether a way leads from input to output, over nine edges at most: what the benchmark has trained."""
    cell = cell_of(arch)
    return cell is not None and len(cell.edges) <= MOST_EDGES


def cell_of(arch: Arch) -> Cell101 | None:
    """The cell of an arch without what doesn't count; None if no way leads from the input to the output.

    Example:
        >>> cell_of(arch_of((2, 0), ((0, 1), (1, 3), (0, 2))))
        Cell101(operations=(2,), edges=((0, 1), (1, 2)))
    """
    present = [edge for edge, name in zip(EDGES, _EDGE_NAMES, strict=True) if arch[name]]
    reached = {0}
    for source, target in present:  # by target, and sources come before their targets
        if source in reached:
            reached.add(target)
    used = {6}
    for source, target in reversed(present):
        if target in used:
            used.add(source)
    kept = sorted(reached & used)
    if 0 not in kept or 6 not in kept:
        return None
    number = {vertex: i for i, vertex in enumerate(kept)}
    operations = tuple(_CODES[arch[_OPERATION_NAMES[vertex - 1]]] for vertex in kept[1:-1])
    return Cell101(operations, tuple(sorted((number[s], number[t]) for s, t in present if s in number and t in number)))


_CODES: dict[Any, int] = {operation: code for code, operation in enumerate(OPERATIONS)}


def arch_of(operations: Sequence[int], edges: Sequence[tuple[int, int]]) -> Arch:
    """The arch of a cell; vertices that it doesn't have get the first operation and no edges.

    Args:
        operations: indices into `OPERATIONS` of the vertices between input and output, at most five.
        edges: (source, target); 0 is the input, the vertex after the last operation is the output.

    Raises:
        InvalidSpace: if there are too many vertices, or an edge that doesn't lead to a later vertex.
    """
    last = len(operations) + 1
    wrong = [edge for edge in edges if not 0 <= edge[0] < edge[1] <= last]
    if last > 6 or wrong or not all(0 <= code < len(OPERATIONS) for code in operations):
        raise InvalidSpace(
            f"a cell has at most five operations out of {', '.join(OPERATIONS)} and edges from earlier to later "
            f"vertices, but got operations={tuple(operations)}, edges={tuple(edges)}."
        )
    placed = {(source, 6 if target == last else target) for source, target in edges}
    decisions: dict[str, Any] = {name: int(edge in placed) for edge, name in zip(EDGES, _EDGE_NAMES, strict=True)}
    codes = [*operations, *[0] * (5 - len(operations))]
    decisions.update((name, OPERATIONS[code]) for name, code in zip(_OPERATION_NAMES, codes, strict=True))
    return Arch(decisions)


def arches_of(matrices: np.ndarray[Any, Any], operations: np.ndarray[Any, Any], n_vertices: Any) -> list[Arch]:
    """The arches of many cells at once, as tables keep them.

    Args:
        matrices: 1 for each edge from row to column, shape (n_cells, 7, 7).
        operations: indices into `OPERATIONS`, shape (n_cells, 5); what is behind a cell's own doesn't count.
        n_vertices: of each cell, input and output included, shape (n_cells,).
    """
    last = np.asarray(n_vertices, dtype=np.int64) - 1
    rows = np.arange(len(matrices))
    placed = np.array(matrices, dtype=bool)
    placed[rows, :, 6] = matrices[rows, :, last]
    small = np.flatnonzero(last < 6)
    placed[small, :, last[small]] = False
    edges = np.stack([placed[:, source, target] for source, target in EDGES], axis=1).astype(int).tolist()
    codes = np.where(np.arange(5) < last[:, None] - 1, operations, 0)
    names = (*_EDGE_NAMES, *_OPERATION_NAMES)
    return [
        Arch(dict(zip(names, (*there, *map(OPERATIONS.__getitem__, own)), strict=True)))
        for there, own in zip(edges, codes.tolist(), strict=True)
    ]


@lru_cache(maxsize=100_000)
def canonical(arch: Arch) -> Arch:
    """One arch for all isomorphic cells: of all orders of the vertices, that with the first operations, then edges."""
    cell = cell_of(arch)
    if cell is None:
        return arch
    n_inner = len(cell.operations)
    orders = _orders(n_inner)  # (n_orders, n_inner + 2): the vertex at each place
    matrix = np.zeros((n_inner + 2, n_inner + 2), dtype=np.int64)
    matrix[tuple(zip(*cell.edges, strict=True))] = 1
    moved = matrix[orders[:, :, None], orders[:, None, :]]  # (n_orders, n_vertices, n_vertices)
    upwards = ~np.tril(moved).any((1, 2))
    codes = np.array([0, *cell.operations, 0])[orders[:, 1:-1]]
    keys = codes @ (3 ** np.arange(n_inner)[::-1]) * 2**36
    places = np.triu_indices(n_inner + 2, 1)
    keys += moved[:, places[0], places[1]] @ (2 ** np.arange(len(places[0]))[::-1])
    best = int(np.flatnonzero(upwards)[np.argmin(keys[upwards])])
    return arch_of(codes[best].tolist(), list(zip(*(axis.tolist() for axis in np.nonzero(moved[best])), strict=True)))


@lru_cache(maxsize=6)
def _orders(n_inner: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    inner = list(itertools.permutations(range(1, n_inner + 1)))
    return np.array([[0, *order, n_inner + 1] for order in inner], dtype=np.int64)


def official_hash(arch: Arch) -> str:
    """The 32 hexadecimal digits under which the benchmark's file keeps the cell; equal for isomorphic cells.

    Each vertex starts with its numbers of edges out and in and its label, and as often as there are vertices takes in
    what its neighbours have.

    Raises:
        InvalidSpace: if no way leads from the input to the output.
    """
    cell = cell_of(arch)
    if cell is None:
        raise InvalidSpace(f"a cell needs a way from input to output, but there is none in {arch}.")
    return _hash(cell)


@lru_cache(maxsize=100_000)
def _hash(cell: Cell101) -> str:
    vertices = range(cell.n_vertices)
    before = [[s for s, t in cell.edges if t == vertex] for vertex in vertices]
    behind = [[t for s, t in cell.edges if s == vertex] for vertex in vertices]
    labels = [-1, *cell.operations, -2]
    digests = [_md5(str((len(behind[v]), len(before[v]), labels[v]))) for v in vertices]
    for _ in vertices:
        digests = [
            _md5(
                "|".join(["".join(sorted(digests[w] for w in near)) for near in (before[v], behind[v])] + [digests[v]])
            )
            for v in vertices
        ]
    return _md5(str(sorted(digests)))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
