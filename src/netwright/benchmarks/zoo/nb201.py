"""NAS-Bench-201: 15,625 trained cells.

Dong & Yang 2020, NAS-Bench-201, https://arxiv.org/abs/2001.00326; the numbers are those of NATS-Bench's topology space,
Dong et al. 2021, https://arxiv.org/abs/2009.00437. The hardware metrics of CIFAR-10 are HW-NAS-Bench's, Li et al. 2021,
https://arxiv.org/abs/2103.10584.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from netwright.benchmarks.benchmark import Benchmark
from netwright.benchmarks.tables import Lookup, Table, data_file
from netwright.core import Arch
from netwright.core.errors import DataError
from netwright.core.registry import benchmarks
from netwright.spaces.space import Space
from netwright.spaces.zoo.nb201 import EDGES, OPERATIONS
from netwright.spaces.zoo.nb201 import nb201 as nb201_space

__all__ = ["DECISIONS", "LOW", "cells", "nb201_cifar10", "nb201_cifar100", "row_of", "the_space"]

LOW = 12 / 200
"""The low fidelity: the separate runs of 12 epochs."""

DECISIONS = tuple(f"cell.{target}<-{source}" for target, source in EDGES)
"""The names of the six decisions, in the order of the official string."""

_HARDWARE = {
    "edgegpu_latency": "edgegpu_ms",
    "edgegpu_energy": "edgegpu_mj",
    "raspi4_latency": "raspi4_ms",
    "fpga_latency": "fpga_ms",
    "fpga_energy": "fpga_mj",
}
_PLACES = tuple((name, len(OPERATIONS) ** (len(DECISIONS) - 1 - i)) for i, name in enumerate(DECISIONS))
_CODES = {operation: code for code, operation in enumerate(OPERATIONS)}


@benchmarks.register
def nb201_cifar10() -> Benchmark:
    """NAS-Bench-201 on CIFAR-10: 15,625 cells, 12 and 200 epochs, costs on five devices.

    Accuracies in percent: `val_accuracy` of training on one half of the training images (mean of up to three runs),
    `test_accuracy` of training on all of them. `flops` as the official table counts them (multiply-accumulates).

    Example:
        >>> from netwright.core.registry import benchmarks
        >>> benchmarks.summary("nb201-cifar10")
        'NAS-Bench-201 on CIFAR-10: 15,625 cells, 12 and 200 epochs, costs on five devices.'
    """
    return _benchmark("cifar10")


@benchmarks.register
def nb201_cifar100() -> Benchmark:
    """NAS-Bench-201 on CIFAR-100: 15,625 cells, 12 and 200 epochs.

    As `nb201_cifar10`, but both accuracies are of networks trained on all training images, and measured on two halves
    of the test images.

    Example:
        >>> from netwright.core.registry import benchmarks
        >>> benchmarks.summary("nb201-cifar100")
        'NAS-Bench-201 on CIFAR-100: 15,625 cells, 12 and 200 epochs.'
    """
    return _benchmark("cifar100")


def _benchmark(data_set: str) -> Benchmark:
    data_file("nb201.npz")  # what is missing is said at once, not by the first evaluation
    return Benchmark(
        f"nb201-{data_set}",
        the_space(),
        Lookup(_table, (data_set,)),
        objective="max:val_accuracy",
        test_metric="test_accuracy",
        seconds_metric="train_seconds",
        fidelities=(LOW, 1.0),
    )


@lru_cache(maxsize=1)
def the_space() -> Space:
    """The space, one object for all tables of it: what is remembered about it serves them all."""
    return nb201_space()


def row_of(rows: np.ndarray[Any, np.dtype[np.int64]], arch: Arch) -> int | None:
    """The place of an arch in a table, where `rows` gives it by the place in the order of enumeration; -1: nowhere."""
    place = 0
    for name, weight in _PLACES:
        code = _CODES.get(arch.get(name))
        if code is None:
            return None
        place += code * weight
    row = int(rows[place])
    return row if row >= 0 else None


def cells(operations: np.ndarray[Any, Any]) -> tuple[Arch, ...]:
    """The arches of rows of indices into `OPERATIONS`, shape (n_arches, 6), in the order of the official string."""
    return tuple(
        Arch(dict(zip(DECISIONS, map(OPERATIONS.__getitem__, row), strict=True))) for row in operations.tolist()
    )


def _table(data_set: str) -> Table:
    with np.load(data_file("nb201.npz")) as file:
        names = tuple(map(str, file["op_names"]))
        if names != OPERATIONS:
            raise DataError(f"nb201.npz must name the operations {OPERATIONS}, but names {names}: is it another file?")
        operations = file["ops"]
        seconds = file[f"train_time_200ep_{data_set}"].astype(np.float64)
        common = {
            "params": file[f"params_{data_set}"],
            "flops": file[f"flops_{data_set}"],
            "latency_ms": 1e3 * file[f"latency_{data_set}"].astype(np.float64),
        }
        columns = {
            LOW: {
                "val_accuracy": file[f"val_acc_12ep_{data_set}"],
                "test_accuracy": file[f"test_acc_12ep_{data_set}"],
                "train_seconds": seconds * LOW,
            },
            1.0: {
                "val_accuracy": np.nanmean(file[f"val_acc_200ep_seeds_{data_set}"].astype(np.float64), axis=1),
                "test_accuracy": file[f"test_acc_200ep_{data_set}"],
                "train_seconds": seconds,
            },
        }
    if data_set == "cifar10":
        common |= _hardware()
    weights = np.array([weight for _, weight in _PLACES])
    rows = np.full(len(OPERATIONS) ** len(DECISIONS), -1, dtype=np.int64)
    rows[operations.astype(np.int64) @ weights] = np.arange(len(operations))
    return Table(
        {fidelity: {**own, **common} for fidelity, own in columns.items()},
        arches=lambda: cells(operations),
        row=lambda arch: row_of(rows, arch),
    )


def _hardware() -> dict[str, Any]:
    """HW-NAS-Bench's columns, where its file is there."""
    try:
        path = data_file("nb201_hardware_cifar10.npz")
    except DataError:
        return {}
    with np.load(path) as file:
        values = file["values"]
        return {_HARDWARE[str(name)]: values[:, i] for i, name in enumerate(file["metrics"])}
