"""Where well-known data sets may lie on this machine, and how their original files are read."""

from __future__ import annotations

import gzip
import importlib
import importlib.util
import math
import os
import pickle
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from netwright.core.errors import DataError

__all__ = ["cache_folder", "data_folders", "fetch", "find_idx", "read_cifar_batch", "read_idx"]

Array = npt.NDArray[Any]

_IDX = (
    ("train-images-idx3-ubyte", "train-images.idx3-ubyte"),
    ("train-labels-idx1-ubyte", "train-labels.idx1-ubyte"),
    ("t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte"),
    ("t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte"),
)


def cache_folder() -> Path:
    """The user's cache folder for data."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "netwright"


def data_folders() -> list[Path]:
    """Existing folders to look into: that of the environment variable `NETWRIGHT_DATA`, then the cache."""
    named = os.environ.get("NETWRIGHT_DATA")
    folders = [Path(named)] if named else []
    return [folder for folder in [*folders, cache_folder()] if folder.is_dir()]


def find_idx(folders: list[Path]) -> tuple[Array, Array, Array, Array] | None:
    """Training images and labels, test images and labels from the first folder with all four original files."""
    for folder in folders:
        files = [
            next(
                (folder / (name + end) for name in names for end in ("", ".gz") if (folder / (name + end)).is_file()),
                None,
            )
            for names in _IDX
        ]
        if all(file is not None for file in files):
            first, second, third, fourth = (read_idx(file) for file in files if file is not None)
            return first, second, third, fourth
    return None


def read_idx(path: Path) -> Array:
    """An array uint8 from a file in the idx format of the MNIST data (`.gz` or not).

    Raises:
        DataError: if the file isn't in that format or is cut short.
    """
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} can't be read: {error}") from error
    if len(content) < 4 or content[:3] != b"\0\0\x08":
        raise DataError(f"{path} must be an idx file of bytes, but starts with {content[:4]!r}.")
    n_axes = content[3]
    start = 4 + 4 * n_axes
    shape = struct.unpack(f">{n_axes}I", content[4:start]) if len(content) >= start else ()
    if not shape or len(content) - start != math.prod(shape):
        raise DataError(f"{path} is cut short or too long for its shape {shape}: get it again.")
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape).copy()


def read_cifar_batch(path: Path) -> tuple[Array, Array]:
    """Images uint8 (n, 3, 32, 32) and labels of one original batch of CIFAR-10 (a pickle; only arrays are let in)."""
    try:
        with path.open("rb") as file:
            batch = _ArraysOnly(file, encoding="bytes").load()
        return np.asarray(batch[b"data"], dtype=np.uint8).reshape(-1, 3, 32, 32), np.asarray(batch[b"labels"])
    except (OSError, EOFError, LookupError, AttributeError, TypeError, ValueError, pickle.UnpicklingError) as error:
        raise DataError(f"{path} can't be read as a batch of CIFAR-10: {error}") from error


def fetch(data_id: int, name: str) -> tuple[Array, Array]:
    """Examples (n, features) and class indices of an OpenML data set, in the official order.

    Raises:
        DataError: if it can't be fetched.
    """
    datasets = importlib.import_module("sklearn.datasets")
    try:
        # pandas reads ten times as fast as liac-arff, but need not be there.
        parser = "pandas" if importlib.util.find_spec("pandas") else "liac-arff"
        found = datasets.fetch_openml(data_id=data_id, as_frame=False, parser=parser, data_home=cache_folder())
    except Exception as error:  # the network, the server, a broken file: there are no data
        raise DataError(f"{name} can't be downloaded from OpenML ({type(error).__name__}: {error}).") from error
    return found.data, found.target.astype(np.int64)


_MAKERS = {"_reconstruct": np.empty(0).__reduce__()[0], "scalar": np.float64(0).__reduce__()[0]}


class _ArraysOnly(pickle.Unpickler):
    """A pickle can run any code: this one may only make numpy arrays."""

    def find_class(self, module: str, name: str) -> Any:
        if module in {"numpy.core.multiarray", "numpy._core.multiarray"} and name in _MAKERS:
            return _MAKERS[name]
        if (module, name) in {("numpy", "ndarray"), ("numpy", "dtype")}:
            return getattr(np, name)
        if (module, name) == ("_codecs", "encode"):
            return str.encode
        raise pickle.UnpicklingError(f"the file asks for {module}.{name}, which a batch of CIFAR-10 doesn't need")
