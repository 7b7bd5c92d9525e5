"""Reading what users hand over (arrays, tensors, tables, lists, datasets) as numpy arrays or a pandas table."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from netwright.core.errors import DataError

__all__ = ["array_problems", "is_dataset", "is_frame", "read_dataset", "read_inputs", "read_targets"]

Array = npt.NDArray[Any]


def is_frame(values: Any) -> bool:
    """Whether this is a pandas DataFrame (without importing pandas)."""
    return hasattr(values, "iloc") and hasattr(values, "columns")


def is_dataset(values: Any) -> bool:
    """Whether this is a map-style dataset of (input, target) pairs, as torch's `Dataset`."""
    known = isinstance(values, list | tuple | dict | str | bytes | np.ndarray) or hasattr(values, "dtype")
    return not known and not hasattr(values, "columns") and hasattr(type(values), "__getitem__")


def read_dataset(dataset: Any, subject: str = "the dataset") -> tuple[Array, Array]:
    """Inputs and targets of a dataset, each item read once.

    Raises:
        DataError: if it has no length, an item is not a pair, or the inputs differ in shape.
    """
    try:
        n_items = len(dataset)
    except (TypeError, NotImplementedError) as error:
        raise DataError(
            f"{subject} must have a length and be indexed by number, but {type(dataset).__name__}: {error}"
        ) from error
    inputs, targets = [], []
    for index in range(n_items):
        item = dataset[index]
        if not isinstance(item, tuple | list) or len(item) != 2:
            raise DataError(
                f"each item of {subject} must be a pair (input, target), but item {index} is {type(item).__name__}."
            )
        inputs.append(_as_array(item[0]))
        targets.append(_as_array(item[1]))
    for what, arrays, remedy in (("inputs", inputs, "resize them"), ("targets", targets, "give one label or vector")):
        shapes = sorted({array.shape for array in arrays})
        if len(shapes) > 1:
            raise DataError(f"all {what} of {subject} must have one shape, but there are {shapes[:5]}: {remedy}.")
    if not inputs:
        return np.empty((0, 0)), np.empty((0,))
    return np.stack(inputs), np.array([target.tolist() for target in targets])


def read_inputs(values: Any, found: list[str]) -> Any:
    """An array, or the table itself; what is wrong goes to `found`."""
    if is_frame(values):
        names = [str(name) for name in values.columns]
        double = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
        if double:
            found.append(f"X has columns of the same name: {', '.join(map(repr, double))}.")
        if len(values) == 0 or not names:
            found.append(f"X is empty: it has shape {tuple(values.shape)}.")
        return values
    if _is_sparse(values):
        found.append("X is sparse: give a dense array (X.toarray()), or reduce its dimensions first.")
        return np.empty((0, 0))
    try:
        array = _as_array(values)
    except ValueError:
        found.append("X has rows of different length: all examples must have one shape.")
        return np.empty((0, 0))
    if array.dtype == object:
        found.append("X is an array of objects: give numbers (X.astype(float)), or a DataFrame for columns of text.")
    elif array.dtype.kind in "US":
        found.append("X is an array of text: give a DataFrame, in which each column has its own type.")
    elif array.dtype.kind == "c":
        found.append("X holds complex numbers: give real and imaginary part as two features.")
    elif array.dtype.kind not in "biuf":
        found.append(f"X must hold numbers, but its type is {array.dtype}.")
    if array.ndim < 2:
        found.append(
            f"X must have one row for each example, but its shape is {array.shape}: X.reshape(-1, 1) makes one feature."
        )
    if array.size == 0:
        found.append(f"X is empty: it has shape {array.shape}.")
    return array


def read_targets(values: Any, found: list[str]) -> Array:
    """Targets (n,) or (n, n_outputs) as numbers, text or objects; what is wrong goes to `found`."""
    if _is_sparse(values):
        found.append("y is sparse: give a dense array (y.toarray()).")
        return np.empty((0,))
    try:
        array = _as_array(values)
    except ValueError:
        found.append("y has rows of different length: give one target for each example.")
        return np.empty((0,))
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in (1, 2):
        found.append(f"y must have shape (n,) or (n, n_outputs), but its shape is {array.shape}.")
    elif array.size == 0:
        found.append(f"y is empty: it has shape {array.shape}.")
    elif array.dtype.kind == "c":
        found.append("y holds complex numbers: give real and imaginary part as two outputs.")
    elif array.dtype.kind in "Mm":
        found.append("y holds dates or durations: turn them into numbers.")
    elif array.dtype.kind == "f":
        largest = float(np.finfo(np.float32).max)
        n_missing, n_infinite = int(np.isnan(array).sum()), int((np.abs(array) > largest).sum())
        if n_missing:
            found.append(f"y has {n_missing} missing values (NaN): drop those rows.")
        if n_infinite:
            found.append(f"y has {n_infinite} infinite or too large values: drop those rows.")
    elif array.dtype == object:
        return _read_objects(array, found)
    return array


def array_problems(values: Array, *, allow_missing: bool) -> list[str]:
    """What keeps an array of numbers from being learned from."""
    if values.dtype.kind != "f":
        return []
    largest = float(np.finfo(np.float32).max)
    # One look without a copy of the data; NaN makes the comparison false.
    if not values.size or max(-float(values.min()), float(values.max())) <= largest:
        return []
    found = []
    n_infinite = int((np.abs(values) > largest).sum())
    if n_infinite:
        found.append(f"X has {n_infinite} infinite or too large values: replace them.")
    if not allow_missing and (n_missing := int(np.isnan(values).sum())):
        found.append(f"X has {n_missing} missing values (NaN); only tables may have them: replace them.")
    return found


def _read_objects(array: Array, found: list[str]) -> Array:
    missing = np.array([_is_missing(value) for value in array.ravel()])
    if missing.any():
        found.append(f"y has {int(missing.sum())} missing values: drop those rows.")
        return array
    kinds = {type(value) for value in array.ravel()}
    if kinds <= {str} or kinds <= {bool, np.bool_}:
        return np.array(array.tolist())
    if all(issubclass(kind, int | float | np.number) and kind is not bool for kind in kinds):
        return np.array(array.tolist())
    names = ", ".join(sorted(kind.__name__ for kind in kinds))
    found.append(f"y must hold labels of one type or numbers, but it holds {names}.")
    return array


def _is_missing(value: Any) -> bool:
    # pandas' own missing values are known by name: pandas may not be installed.
    if isinstance(value, float | np.floating):
        return bool(np.isnan(value))
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def _is_sparse(values: Any) -> bool:
    return type(values).__module__.startswith("scipy.sparse") or getattr(values, "is_sparse", False) is True


def _as_array(values: Any) -> Array:
    if hasattr(values, "detach"):  # a torch tensor, on whatever device
        values = values.detach().cpu()
        return np.asarray((values.float() if str(values.dtype) == "torch.bfloat16" else values).numpy())
    return np.asarray(values)
