"""NAS-Bench-101: cells trained for 4, 12, 36 and 108 epochs on CIFAR-10.

Ying et al. 2019, https://arxiv.org/abs/1902.09635.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from netwright.benchmarks.benchmark import Benchmark
from netwright.benchmarks.nb101_files import read_cells
from netwright.benchmarks.tables import Lookup, Table, data_file, data_folder
from netwright.core import Arch
from netwright.core.errors import DataError
from netwright.core.registry import benchmarks
from netwright.spaces.listed import ListedSpace
from netwright.spaces.space import Space
from netwright.spaces.zoo.nb101 import EDGES, OPERATIONS, arches_of, cell_of, is_a_cell, official_hash
from netwright.spaces.zoo.nb101 import nb101 as nb101_space

__all__ = ["EPOCHS", "FIDELITIES", "edges_and_ways", "nb101_20k_cifar10", "nb101_cifar10"]

EPOCHS = (4, 12, 36, 108)
FIDELITIES = tuple(epochs / 108 for epochs in EPOCHS)

_PART = "nb101_20k.npz"
_FILES = ("nb101.npz", "nasbench_full.tfrecord", "nasbench_only108.tfrecord")


@benchmarks.register
def nb101_cifar10(*, source: str | Path | None = None) -> Benchmark:
    """NAS-Bench-101 on CIFAR-10: all of its 423,624 cells, 4 to 108 epochs.

    Accuracies in percent, means of three runs. Fewer epochs are runs of their own. The space is `nb101`; a cell is
    found by its official hash, so all arches of one cell have the same numbers.

    Args:
        source: the official `.tfrecord`, or what `save_cells` made of it (reading the first takes minutes); looked for
            in the folder of NETWRIGHT_DATA if not given.

    Example:
        >>> from netwright.core.registry import benchmarks
        >>> benchmarks.summary("nb101-cifar10")
        'NAS-Bench-101 on CIFAR-10: all of its 423,624 cells, 4 to 108 epochs.'

    Raises:
        DataError: if the file isn't found; it says where it is looked for.
    """
    path = _found() if source is None else Path(source).expanduser()
    if not path.is_file():
        raise DataError(f"the table of NAS-Bench-101 must be a file, but there is none at {path}.")
    return Benchmark(
        "nb101-cifar10",
        nb101_space(),
        Lookup(_whole_table, (str(path),)),
        objective="max:val_accuracy",
        test_metric="test_accuracy",
        seconds_metric="train_seconds",
        fidelities=FIDELITIES if path.name != "nasbench_only108.tfrecord" else (1.0,),
    )


@benchmarks.register
def nb101_20k_cifar10() -> Benchmark:
    """NAS-Bench-101 on CIFAR-10: 20,000 of its cells as the space, 4 to 108 epochs.

    `val_accuracy` in percent, of one of the three runs; the file has no test accuracy. Fewer epochs are runs of their
    own, and cost in proportion. The space is a `ListedSpace`: of the steps of one edge or operation from a cell, one in
    twenty leads to another of the 20,000, so the neighbours of a cell are the sixteen that are nearest by their edges
    and ways (`edges_and_ways`).

    Example:
        >>> from netwright.core.registry import benchmarks
        >>> benchmarks.summary("nb101-20k-cifar10")
        'NAS-Bench-101 on CIFAR-10: 20,000 of its cells as the space, 4 to 108 epochs.'

    Raises:
        DataError: if the file isn't found; it says where it is looked for.
    """
    data_file(_PART)
    return Benchmark(
        "nb101-20k-cifar10",
        _listed(),
        Lookup(_table),
        objective="max:val_accuracy",
        seconds_metric="train_seconds",
        fidelities=FIDELITIES,
    )


def _found() -> Path:
    folder = data_folder()
    for name in _FILES:
        if (folder / name).is_file():
            return folder / name
    raise DataError(
        f"the table of NAS-Bench-101 must be one of {', '.join(_FILES)} in {folder}, but none of them is there: load "
        "the official file (https://github.com/google-research/nasbench says from where), and put it there."
    )


@lru_cache(maxsize=1)
def _listed() -> Space:
    return ListedSpace(nb101_space(), _cells(), features=edges_and_ways)


@lru_cache(maxsize=1)
def _cells() -> tuple[Arch, ...]:
    """The arches of the table of 20,000, in its order."""
    return tuple(_arches(read_cells(data_file(_PART))))


def _arches(cells: dict[str, Any]) -> list[Arch]:
    matrices = np.unpackbits(cells["adjacency"], axis=1)[:, :49].reshape(-1, 7, 7)
    return arches_of(matrices, cells["ops"], cells["n_vertices"])


def _table() -> Table:
    return Table(_columns(read_cells(data_file(_PART))), arches=_cells())


def _whole_table(source: str) -> Table:
    cells = read_cells(source)
    rows = {bytes(own).hex(): row for row, own in enumerate(cells["hash"])}

    def row_of(arch: Arch) -> int | None:
        return rows.get(official_hash(arch)) if is_a_cell(arch) else None

    return Table(_columns(cells), arches=lambda: _arches(cells), row=row_of)


def _columns(cells: dict[str, Any]) -> dict[float, dict[str, Any]]:
    """What a file has of each number of epochs; where it has no time of its own, a share of that of all 108."""
    columns: dict[float, dict[str, Any]] = {}
    whole = cells["train_time_108ep"].astype(np.float64)
    for epochs, fidelity in zip(EPOCHS, FIDELITIES, strict=True):
        if f"val_acc_{epochs}ep" in cells:
            own = columns[fidelity] = {"val_accuracy": 100 * cells[f"val_acc_{epochs}ep"].astype(np.float64)}
            if f"test_acc_{epochs}ep" in cells:
                own["test_accuracy"] = 100 * cells[f"test_acc_{epochs}ep"].astype(np.float64)
            own["train_seconds"] = cells.get(f"train_time_{epochs}ep", whole * fidelity)
            own["params"] = cells["params"]
    return columns


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
