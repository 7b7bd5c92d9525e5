"""Fitting an `Encoder` and the statistics of inputs to the train part."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from netwright.core.errors import DataError, problems
from netwright.tasks.columns import Column, column_values, fit_column
from netwright.tasks.encoder import Encoder, Layout
from netwright.tasks.reading import array_problems, is_frame

__all__ = ["fit_encoder", "image_layout", "statistics"]

Array = npt.NDArray[Any]

_CHANNELS = (1, 3, 4)
_LEAST_SIDE = 4
_CHUNK = 4096


def fit_encoder(inputs: Any, train_rows: Array, classes: tuple[Any, ...]) -> tuple[Encoder, list[str]]:
    """The encoder that the train part calls for, and notes for the user.

    Args:
        inputs: all examples: an array, or a table.
        train_rows: row numbers of the train part: medians and text values are taken from them.
        classes: labels in the order of their indices.

    Raises:
        DataError: if some column or value can't be used; every problem is listed.
    """
    if is_frame(inputs):
        return _fit_frame(inputs, train_rows, classes)
    table = inputs.ndim == 2
    found = array_problems(inputs, allow_missing=table)
    if found:
        raise DataError(problems("these data can't be learned from", found))
    if table:
        return _fit_table(inputs, train_rows, classes)
    shape = tuple(inputs.shape[1:])
    layout, note = image_layout(shape)
    modality = "array" if layout == "as given" else "image"
    whole = modality == "image" and inputs.dtype == np.uint8
    return Encoder(modality, layout, shape, whole=whole, classes=classes), [note]  # type: ignore[arg-type]  # one of two literals


def image_layout(shape: tuple[int, ...]) -> tuple[Layout, str]:
    """How an example of this shape is read, with a note that says so.

    Example:
        >>> image_layout((32, 32, 3))[0], image_layout((1, 28, 28))[0], image_layout((28, 28))[0]
        ('hwc', 'chw', 'hw')
    """
    if len(shape) == 2 and min(shape) >= _LEAST_SIDE:
        return "hw", f"{shape[0]}x{shape[1]} grey images (examples of two axes)."
    if len(shape) == 3:
        sides = {"chw": shape[1:], "hwc": shape[:2]}
        channels = {"chw": shape[0], "hwc": shape[2]}
        fitting = [layout for layout in sides if channels[layout] in _CHANNELS and min(sides[layout]) >= _LEAST_SIDE]
        if fitting:
            best = max(fitting, key=lambda layout: min(sides[layout]))
            where = "first" if best == "chw" else "last"
            note = f"{sides[best][0]}x{sides[best][1]} images, {channels[best]} channel(s) given {where}"
            both = " (the last axis could be the channels too)" if len(fitting) == 2 and best == "chw" else ""
            return ("chw" if best == "chw" else "hwc"), note + both + "."
    return "as given", (
        f"arrays of shape {shape}, not images: those have shape (h, w), (c, h, w) or (h, w, c) with 1, 3 or 4 channels "
        f"and sides of at least {_LEAST_SIDE}."
    )


def statistics(values: Array, modality: str) -> tuple[Array, Array]:
    """Mean and standard deviation float32: per channel of images, else per element of one example.

    A constant has standard deviation 1.

    Example:
        >>> statistics(np.array([[0.0, 5.0], [2.0, 5.0]]), "tabular")
        (array([1., 5.], dtype=float32), array([1., 1.], dtype=float32))
    """
    axes = (0, 2, 3) if modality == "image" else (0,)
    mean = values.mean(axis=axes, dtype=np.float64, keepdims=True)
    squares = np.zeros_like(mean)
    for start in range(0, len(values), _CHUNK):  # in pieces: a whole data set in float64 may not fit
        squares += ((values[start : start + _CHUNK] - mean) ** 2).sum(axis=axes, keepdims=True)
    std = np.sqrt(squares * mean.size / max(values.size, 1))
    constant = std <= 1e-7 * np.abs(mean)
    shape = (values.shape[1],) if modality == "image" else values.shape[1:]
    return mean.reshape(shape).astype(np.float32), np.where(constant, 1.0, std).reshape(shape).astype(np.float32)


def _fit_frame(frame: Any, train_rows: Array, classes: tuple[Any, ...]) -> tuple[Encoder, list[str]]:
    columns: list[Column] = []
    found: list[str] = []
    for place, name in enumerate(map(str, frame.columns)):
        values = column_values(frame.iloc[:, place])
        column = values if isinstance(values, str) else fit_column(name, values[train_rows])
        if isinstance(column, str):
            found.append(f"column {name!r} {column}")
        else:
            columns.append(column)
    if found:
        raise DataError(problems("these data can't be learned from", found))
    encoder = Encoder("tabular", "columns", (len(columns),), columns=tuple(columns), named=True, classes=classes)
    return encoder, _table_notes(columns)


def _fit_table(values: Array, train_rows: Array, classes: tuple[Any, ...]) -> tuple[Encoder, list[str]]:
    columns: list[Column] = []
    found: list[str] = []
    for place in range(values.shape[1]):
        column = fit_column(f"x{place}", values[train_rows, place].astype(np.float64))
        if isinstance(column, str):
            found.append(f"column {place} {column}")
        else:
            columns.append(column)
    if found:
        raise DataError(problems("these data can't be learned from", found))
    encoder = Encoder("tabular", "columns", (len(columns),), columns=tuple(columns), classes=classes)
    return encoder, _table_notes(columns)


def _table_notes(columns: list[Column]) -> list[str]:
    text = [column for column in columns if column.kind == "text"]
    missing = [column.name for column in columns if column.indicator]
    notes = [f"a table of {len(columns)} column(s), given as two axes (rows, columns)."]
    if text:
        shown = ", ".join(f"{column.name} ({len(column.values)} values)" for column in text[:10])
        notes.append(f"text columns became one input for each value: {shown}{', …' if len(text) > 10 else ''}.")
    if missing:
        shown = ", ".join(missing[:10])
        notes.append(
            f"missing values became the median (text: no value), with one more input that says so: "
            f"{shown}{', …' if len(missing) > 10 else ''}."
        )
    return notes
