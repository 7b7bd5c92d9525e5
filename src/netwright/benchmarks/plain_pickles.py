"""Reading pickles of plain numbers from others: whatever else a file asks for is refused, never run."""

from __future__ import annotations

import bz2
import codecs
import collections
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import numpy as np

from netwright.core.errors import DataError

__all__ = ["PlainUnpickler", "read_pickle", "read_torch_file"]


def _allowed() -> dict[tuple[str, str], Any]:
    """What a file may name: containers, and numpy's numbers and arrays under their old and new addresses."""
    found: dict[tuple[str, str], Any] = {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("_codecs", "encode"): codecs.encode,
        ("builtins", "set"): set,
        ("__builtin__", "set"): set,
        ("numpy", "dtype"): np.dtype,
        ("numpy", "ndarray"): np.ndarray,
    }
    # What numpy's own numbers and arrays say of themselves: the addresses differ between its versions.
    scalar = np.float64(0).__reduce__()[0]
    reconstruct = np.zeros(1).__reduce__()[0]
    from_buffer = np.zeros(1).__reduce_ex__(5)[0]
    for package in ("numpy.core", "numpy._core"):
        found[f"{package}.multiarray", "scalar"] = scalar
        found[f"{package}.multiarray", "_reconstruct"] = reconstruct
        found[f"{package}.numeric", "_frombuffer"] = from_buffer
    return found


_ALLOWED = _allowed()


class PlainUnpickler(pickle.Unpickler):
    """Makes numbers, texts, arrays and containers; raises for anything else."""

    def find_class(self, module: str, name: str) -> Any:
        """What the file names, if it is allowed.

        Raises:
            DataError: if it is not.
        """
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise DataError(
                f"a table must hold numbers, texts and containers only, but this file asks for {module}.{name}: it is "
                "none of the known tables, or not an honest one."
            ) from None


def read_pickle(path: Path) -> Any:
    """The content of a pickle file, compressed by bz2 (its name ends with 2) or not.

    Raises:
        DataError: if it can't be read, or has more than plain numbers.
    """
    try:
        with bz2.open(path) if path.name.endswith("2") else path.open("rb") as file:
            return PlainUnpickler(file).load()
    except (pickle.UnpicklingError, EOFError, OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path.name} can't be read as a table ({type(error).__name__}: {error}).") from error


def read_torch_file(path: Path) -> Any:
    """The content of a file that torch.save wrote, without tensors: numbers, texts, arrays and containers.

    Raises:
        DataError: if it can't be read, or has more than that.
    """
    import torch

    reader = SimpleNamespace(Unpickler=PlainUnpickler, load=_load, __name__="plain_pickles")
    try:
        return torch.load(path, map_location="cpu", pickle_module=reader, weights_only=False)
    except (pickle.UnpicklingError, EOFError, OSError, ValueError, RuntimeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path.name} can't be read as a table ({type(error).__name__}: {error}).") from error


def _load(file: IO[bytes], **options: Any) -> Any:
    return PlainUnpickler(file, **options).load()
