"""NAS-Bench-101: cells trained for 4, 12, 36 and 108 epochs on CIFAR-10.

Ying et al. 2019, https://arxiv.org/abs/1902.09635.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from netwright.benchmarks.benchmark import Benchmark
from netwright.benchmarks.tables import Lookup, Table, data_file
from netwright.core import Arch
from netwright.core.errors import DataError
from netwright.core.registry import benchmarks
from netwright.spaces.listed import ListedSpace
from netwright.spaces.space import Space
from netwright.spaces.zoo.nb101 import EDGES, OPERATIONS, arches_of, cell_of
from netwright.spaces.zoo.nb101 import nb101 as nb101_space

__all__ = ["EPOCHS", "FIDELITIES", "edges_and_ways", "nb101_20k_cifar10"]

EPOCHS = (4, 12, 36, 108)
FIDELITIES = tuple(epochs / 108 for epochs in EPOCHS)


@benchmarks.register
def nb101_20k_cifar10() -> Benchmark:
    """NAS-Bench-101 on CIFAR-10: 20,000 of its cells as the space, 4 to 108 epochs.

    `val_accuracy` in percent, of one of the three runs; the file has no test accuracy. Fewer epochs are runs of their
    own, and cost in proportion. The space is a `ListedSpace`: of the steps of one edge or operation from a cell, one in
    twenty leads to another of the 20,000, so the neighbours of a cell are the sixteen that are nearest by their edges
    and ways (`edges_and_ways`), those of one step among them.

    Example:
        >>> from netwright.core.registry import benchmarks
        >>> benchmarks.summary("nb101-20k-cifar10")
        'NAS-Bench-101 on CIFAR-10: 20,000 of its cells as the space, 4 to 108 epochs.'
    """
    data_file("nb101_20k.npz")
    return Benchmark(
        "nb101-20k-cifar10",
        _space(),
        Lookup(_table),
        objective="max:val_accuracy",
        seconds_metric="train_seconds",
        fidelities=FIDELITIES,
    )


@lru_cache(maxsize=1)
def _space() -> Space:
    return ListedSpace(nb101_space(), _cells(), features=edges_and_ways)


@lru_cache(maxsize=1)
def _cells() -> tuple[Arch, ...]:
    """The arches of the table, in its order."""
    with np.load(data_file("nb101_20k.npz")) as file:
        names = tuple(map(str, file["op_names"]))
        if names != OPERATIONS:
            raise DataError(f"nb101_20k.npz must name the operations {OPERATIONS}, but names {names}: another file?")
        matrices = np.unpackbits(file["adjacency"], axis=1)[:, :49].reshape(-1, 7, 7)
        return tuple(arches_of(matrices, file["ops"], file["n_vertices"]))


def _table() -> Table:
    arches = _cells()
    with np.load(data_file("nb101_20k.npz")) as file:
        seconds = file["train_time_108ep"].astype(np.float64)
        params = file["params"]
        columns = {
            epochs / 108: {
                "val_accuracy": 100 * file[f"val_acc_{epochs}ep"].astype(np.float64),
                "train_seconds": seconds * (epochs / 108),
                "params": params,
            }
            for epochs in EPOCHS
        }
    return Table(columns, arches=arches)


def edges_and_ways(space: Space, arches: Sequence[Arch]) -> np.ndarray[Any, Any]:  # noqa: ARG001  # as `features`
    """Features of NAS-Bench-101 cells that are equal for isomorphic ones, shape (n_arches, 16 + 364).

    How many edges lead from which operation (or the input) to which other (or the output), and how often each sequence
    of operations comes on the ways from input to output (the path encoding of BANANAS, White et al. 2021,
    https://arxiv.org/abs/1910.11858).
    """
    n_labels = len(OPERATIONS)
    there = np.zeros((len(arches), 7, 7), dtype=bool)
    codes = np.zeros((len(arches), 7), dtype=np.int64)  # 0 input, 1 … 3 operations, 4 output
    codes[:, 6] = n_labels + 1
    for row, arch in enumerate(arches):
        cell = cell_of(arch)
        if cell is None:
            continue
        last = cell.n_vertices - 1
        for source, target in cell.edges:
            there[row, source, 6 if target == last else target] = True
        codes[row, 1:last] = [code + 1 for code in cell.operations]
    edges = np.zeros((len(arches), (n_labels + 2) ** 2), dtype=np.float32)
    ways = np.zeros((len(arches), sum(n_labels**length for length in range(6))), dtype=np.float32)
    rows = np.arange(len(arches))
    for source, target in EDGES:
        np.add.at(edges, (rows, codes[:, source] * (n_labels + 2) + codes[:, target]), there[:, source, target])
    # A way is a set of vertices in their order: look at each of the 32 sets whether all its steps are there.
    for members in range(32):
        stops = [0, *(vertex for vertex in range(1, 6) if members >> (vertex - 1) & 1), 6]
        whole = np.ones(len(arches), dtype=bool)
        column = np.zeros(len(arches), dtype=np.int64)
        for source, target in itertools.pairwise(stops):
            whole &= there[:, source, target]
            if target < 6:
                column = column * n_labels + codes[:, target] - 1
        column += sum(n_labels**length for length in range(len(stops) - 2))
        ways[rows[whole], column[whole]] += 1
    used = [a * (n_labels + 2) + b for a in range(n_labels + 1) for b in range(1, n_labels + 2)]
    return np.hstack([edges[:, used], ways])
