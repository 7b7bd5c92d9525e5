"""`load`: a task by name, or from a file or folder."""

from __future__ import annotations

import difflib
import importlib
import os
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from netwright.core import registry
from netwright.core.errors import DataError, InvalidInput, MissingDependency, unknown
from netwright.tasks.from_data import task_from
from netwright.tasks.image_folder import read_image_folder
from netwright.tasks.kinds import Kind
from netwright.tasks.task import Task

__all__ = ["load"]

_ARRAYS = (("x", "y"), ("X", "y"), ("X", "Y"))
_PARTS = (("x_train", "y_train", "x_test", "y_test"), ("X_train", "y_train", "X_test", "y_test"))


def load(
    data: str, *, target: str | None = None, kind: Kind | None = None, seed: int = 0, download: bool = False
) -> Task:
    """The task of a known data set, of a file (`.npz`, `.csv`, `.parquet`) or of a folder of images by class.

    Args:
        data: a name that `netwright list` shows, or a path. A known name wins: `./digits` is the folder.
        target: the target column of a table, or the key of the targets in an `.npz` file.
        kind: found from the targets if not given.
        seed: of the splits.
        download: whether a known data set that isn't on this machine may be fetched.

    Raises:
        NotFound: for an unknown name or column; the nearest are listed.
        DataError: if there is no such file, or it can't be learned from.
        MissingDependency: if reading needs a package that isn't installed.

    Example:
        >>> load("stripes").input_shape
        (1, 8, 8)
    """
    if not isinstance(data, str | os.PathLike):
        raise InvalidInput(f"load() takes a name or a path, but got a {type(data).__name__}: use task_from() for data.")
    data = str(data)
    if data in registry.tasks:
        if target is not None:
            raise InvalidInput(
                f"`target` is for tables and .npz files; {data!r} has its own, but got target={target!r}."
            )
        task: Task = registry.tasks[data](seed=seed, download=download)
        if kind not in (None, task.kind):
            raise InvalidInput(f"{data!r} is a {task.kind} task, but got kind={kind!r}.")
        return task
    path = Path(data).expanduser()
    if path.is_dir():
        if target is not None:
            raise InvalidInput(f"`target` is for tables and .npz files; folders name the classes, but got {target!r}.")
        return _from_folder(path, kind, seed)
    if not path.is_file():
        raise _no_such_file(data, path)
    readers: dict[str, Callable[[Path, str | None, Kind | None, int], Task]] = {
        ".npz": _from_npz,
        ".csv": _from_table,
        ".parquet": _from_table,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"a data file must be one of {', '.join(readers)}, but got {path.name!r}.")
    return reader(path, target, kind, seed)


def _no_such_file(data: str, path: Path) -> Exception:
    if path.suffix or len(path.parts) > 1:
        if not path.parent.is_dir():
            return DataError(f"no file or folder {data!r}: the folder {str(path.parent)!r} doesn't exist.")
        near = difflib.get_close_matches(path.name, [other.name for other in path.parent.iterdir()], n=2, cutoff=0.5)
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        return DataError(f"no file or folder {data!r}.{hint}")
    return unknown("data set, file or folder", data, registry.tasks)


def _from_npz(path: Path, target: str | None, kind: Kind | None, seed: int) -> Task:
    try:
        # Opened here, as numpy leaves a broken archive open.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            keys = list(file)
            used = _keys(path.name, keys, target)
            arrays = [file[key] for key in used]
    except InvalidInput:
        raise
    except ValueError as error:
        raise DataError(f"{path.name} can't be read as .npz without pickles: {error}") from error
    except (OSError, EOFError, AttributeError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path.name} can't be read as .npz: {error}") from error
    test = (arrays[2], arrays[3]) if len(arrays) == 4 else None
    task = task_from(arrays[0], arrays[1], kind=kind, test=test, seed=seed, name=path.stem)
    unused = [key for key in keys if key not in used]
    return replace(task, notes=(*task.notes, f"not used: {', '.join(unused)}.")) if unused else task


def _keys(name: str, keys: list[str], target: str | None) -> tuple[str, ...]:
    """The keys of inputs and targets, and those of the test part if there is one."""
    for names in _PARTS:
        if set(names[:2]) <= set(keys):
            if target is not None:
                raise InvalidInput(f"{name} names its targets {names[1]!r}, but got target={target!r}.")
            return names if set(names[2:]) <= set(keys) else names[:2]
    if target is not None and target not in keys:
        raise unknown("key of the targets", target, keys)
    for inputs, targets in _ARRAYS:
        if inputs in keys and (target or targets) in keys:
            return inputs, target or targets
    raise DataError(
        f"{name} must have the keys x and y, or x_train and y_train (with x_test and y_test if the test part is "
        f"fixed), but has {', '.join(keys) or 'none'}."
    )


def _from_table(path: Path, target: str | None, kind: Kind | None, seed: int) -> Task:
    try:
        pandas: Any = importlib.import_module("pandas")
    except ImportError as error:
        raise MissingDependency(f'reading {path.name} needs pandas: pip install "netwright[frame]"') from error
    try:
        text = path.suffix.lower() == ".csv"
        frame = _separated(pandas, path) if text else pandas.read_parquet(path)
    except ImportError as error:
        raise MissingDependency(f'reading {path.name} needs pyarrow: pip install "netwright[frame]"') from error
    except (ValueError, OSError) as error:  # pandas' parser errors are ValueErrors, pyarrow's too
        raise DataError(f"{path.name} can't be read: {error}") from error
    names = [str(name) for name in frame.columns]
    frame = frame.set_axis(names, axis=1)
    if target is None:
        raise DataError(
            f"{path.name} has the columns {', '.join(names)}: say which is the target (`target=`, `--target`)."
        )
    if target not in names:
        raise unknown("target column", target, names)
    numbering = [name for name in names if name != target and _is_numbering(frame[name])]
    task = task_from(frame.drop(columns=numbering), target, kind=kind, seed=seed, name=path.stem)
    if not numbering:
        return task
    note = f"left out: {', '.join(map(repr, numbering))}, as it only numbers the rows."
    encoder = task.encoder and replace(task.encoder, ignored=(*task.encoder.ignored, *numbering))
    return replace(task, notes=(*task.notes, note), encoder=encoder)


def _separated(pandas: Any, path: Path) -> Any:
    """A table whose columns are separated by commas; or, if that gives one column only, by semicolons or tabs."""
    # In one piece: read in chunks, a column may come out as a mix of types.
    frame = pandas.read_csv(path, low_memory=False)
    header = str(frame.columns[0]) if len(frame.columns) == 1 else ""
    for separator in (";", "\t"):
        if separator in header:
            frame = pandas.read_csv(path, sep=separator, low_memory=False)
            # Where columns are separated by semicolons, 1.5 is often written 1,5.
            other = pandas.read_csv(path, sep=separator, decimal=",", low_memory=False)
            numbers = [len(table.select_dtypes("number").columns) for table in (frame, other)]
            return other if numbers[1] > numbers[0] else frame
    return frame


def _is_numbering(series: Any) -> bool:
    """Whether a column is the row number that pandas writes: where rows are sorted by class, it would give it away."""
    if not str(series.name).startswith("Unnamed: ") or series.dtype.kind not in "iu":
        return False
    return bool((series.to_numpy() == np.arange(len(series)) + series.iloc[0]).all()) if len(series) else False


def _from_folder(path: Path, kind: Kind | None, seed: int) -> Task:
    if kind == "regression":
        raise InvalidInput("a folder of images by class is a classification task, but got kind='regression'.")
    inputs, labels, test, notes = read_image_folder(path)
    task = task_from(inputs, labels, kind="classification", test=test, seed=seed, name=path.resolve().name)
    return replace(task, notes=(*notes, *task.notes[1:]))
