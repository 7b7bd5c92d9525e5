"""The official files of NAS-Bench-101, read without TensorFlow.

A `.tfrecord` is a row of records: eight bytes of length, four of a checksum, the data, four of another checksum. The
data are JSON: the cell's hash, the epochs, its adjacency matrix and operations as texts, and the metrics of one run as
a protocol buffer in base64 (the benchmark's `model_metrics.proto`).
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from netwright.core.errors import DataError
from netwright.spaces.zoo.nb101 import OPERATIONS

__all__ = ["Run101", "read_cells", "save_cells", "tfrecords"]

Columns: TypeAlias = "dict[str, np.ndarray[Any, Any]]"
Run101: TypeAlias = "tuple[float, float, float]"
"""Seconds of training, validation and test accuracy of one run at its end."""

_VERTICES = 7


def tfrecords(path: Path) -> Iterator[bytes]:
    """The records of a file, one after the other; checksums are not looked at.

    Raises:
        DataError: if the file ends within a record.
    """
    with path.open("rb") as file:
        while start := file.read(12):
            length = struct.unpack("<Q", start[:8])[0] if len(start) == 12 else -1
            data = file.read(length + 4) if 0 <= length < 2**31 else b""
            if len(data) != length + 4:
                raise DataError(f"{path.name} must be a row of whole records, but ends within one: load it again.")
            yield data[:-4]


def read_cells(source: str | Path) -> Columns:
    """All cells of a `.tfrecord`, or of a file of `save_cells`, by column.

    `hash` (n_cells, 16) bytes, `n_vertices`, `adjacency` (n_cells, 7) bits of a 7x7 matrix, `ops` (n_cells, 5) indices
    into `op_names` (255: no such vertex), `params`; and for each number of epochs e the means over the runs:
    `val_acc_eep`, `test_acc_eep` (shares of 1) and `train_time_eep` (seconds).

    Raises:
        DataError: if there is no such file, or it is none of these.
    """
    path = Path(source).expanduser()
    if not path.is_file():
        raise DataError(f"a table of NAS-Bench-101 must be a file, but there is none at {path}.")
    if path.suffix == ".npz":
        with np.load(path) as file:
            if "adjacency" not in file or tuple(map(str, file.get("op_names", ()))) != OPERATIONS:
                raise DataError(f"{path.name} must have `adjacency` and `op_names` {OPERATIONS}: it is another file.")
            return {name: file[name] for name in file.files}
    cells: dict[str, tuple[str, str, int]] = {}
    runs: dict[tuple[str, int], list[Run101]] = {}
    for record in tfrecords(path):
        try:
            key, epochs, adjacency, operations, metrics = json.loads(record)
            run, params = _run(base64.b64decode(metrics))
        except (ValueError, TypeError, IndexError, struct.error) as error:
            raise DataError(f"{path.name} is no file of NAS-Bench-101: a record can't be read ({error}).") from error
        cells.setdefault(key, (adjacency, operations, params))
        runs.setdefault((key, int(epochs)), []).append(run)
    if not cells:
        raise DataError(f"{path.name} has no records: load it again.")
    return _columns(cells, runs)


def save_cells(source: str | Path, file: Path) -> None:
    """Write what `read_cells` finds as a small `.npz`, which opens at once.

    Put it as `nb101.npz` into the folder of NETWRIGHT_DATA, and the benchmark uses it.
    """
    np.savez_compressed(file, **read_cells(source))  # type: ignore[arg-type]  # arrays by name


def _columns(cells: dict[str, tuple[str, str, int]], runs: dict[tuple[str, int], list[Run101]]) -> Columns:
    matrices = np.zeros((len(cells), _VERTICES, _VERTICES), dtype=np.uint8)
    operations = np.full((len(cells), _VERTICES - 2), 255, dtype=np.uint8)
    n_vertices = np.zeros(len(cells), dtype=np.uint8)
    codes = {name: code for code, name in enumerate(OPERATIONS)}
    for row, (adjacency, names, _) in enumerate(cells.values()):
        inner = names.split(",")[1:-1]
        n = n_vertices[row] = len(inner) + 2
        matrices[row, :n, :n] = np.array(list(adjacency), dtype=np.uint8).reshape(n, n)
        operations[row, : n - 2] = [codes[name] for name in inner]
    columns: Columns = {
        "hash": np.array([list(bytes.fromhex(key)) for key in cells], dtype=np.uint8),
        "n_vertices": n_vertices,
        "adjacency": np.packbits(matrices.reshape(len(cells), -1), axis=1),
        "ops": operations,
        "op_names": np.array(OPERATIONS),
        "params": np.array([params for _, _, params in cells.values()], dtype=np.int64),
    }
    for epochs in sorted({epochs for _, epochs in runs}):
        means = np.array([np.mean(runs.get((key, epochs), [(np.nan,) * 3]), axis=0) for key in cells], np.float32)
        for i, name in enumerate(("train_time", "val_acc", "test_acc")):
            columns[f"{name}_{epochs}ep"] = means[:, i]
    return columns


def _run(message: bytes) -> tuple[Run101, int]:
    """The last evaluation of a run, and the number of parameters."""
    fields = list(_fields(message))
    evaluations = [value for number, value in fields if number == 1]
    params = next((value for number, value in fields if number == 2), 0)
    last = dict(_fields(evaluations[-1]))
    seconds, validation, test = (struct.unpack("<d", last[number])[0] for number in (2, 4, 5))
    return (seconds, validation, test), params


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a protocol buffer, as (number, value): whole numbers, else bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if kind == 2:
            length, at = _varint(message, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"a field of the unknown kind {kind}")
        yield key >> 3, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """A whole number of seven bits a byte, and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
