"""Fitting an `Encoder` and the statistics of inputs to the train part."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from netwright.core.errors import DataError, problems
from netwright.tasks.columns import MAX_VALUES, Column, LeftOut, column_values, fit_column, is_date
from netwright.tasks.encoder import Encoder, Layout
from netwright.tasks.reading import array_problems, is_frame

__all__ = ["fit_encoder", "image_layout", "statistics"]

Array = npt.NDArray[Any]

_CHANNELS = (1, 3, 4)
_LEAST_SIDE = 4
_CHUNK = 1_000_000  # numbers at a time


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
    largest = float(inputs.max()) if modality == "image" else np.inf
    encoder = Encoder(modality, layout, shape, whole=whole, largest=largest, classes=classes)  # type: ignore[arg-type]  # one of two literals
    return encoder, [note]


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
    step = max(1, _CHUNK // max(mean.size, values[:1].size))
    for start in range(0, len(values), step):  # in pieces: a whole data set in float64 may not fit
        difference = values[start : start + step] - mean
        squares += np.square(difference, out=difference).sum(axis=axes, keepdims=True)
    std = np.sqrt(squares * mean.size / max(values.size, 1))
    constant = std <= 1e-7 * np.abs(mean)
    shape = (values.shape[1],) if modality == "image" else values.shape[1:]
    return mean.reshape(shape).astype(np.float32), np.where(constant, 1.0, std).reshape(shape).astype(np.float32)


def _fit_frame(frame: Any, train_rows: Array, classes: tuple[Any, ...]) -> tuple[Encoder, list[str]]:
    columns: list[Column] = []
    left_out: dict[str, str] = {}
    found: list[str] = []
    for place, name in enumerate(map(str, frame.columns)):
        series = frame.iloc[:, place]
        values = column_values(series)
        if isinstance(values, str):
            found.append(f"column {name!r} {values}")
            continue
        column = fit_column(name, values[train_rows], date=is_date(series))
        if isinstance(column, LeftOut):
            left_out[name] = column.reason
        else:
            columns.append(column)
    if not columns and not found:
        found = [f"column {name!r} can't be used: {reason}." for name, reason in left_out.items()]
    if found:
        raise DataError(problems("these data can't be learned from", found))
    encoder = Encoder(
        "tabular",
        "columns",
        (len(columns),),
        columns=tuple(columns),
        ignored=tuple(left_out),
        named=True,
        classes=classes,
    )
    notes = [f"left out: {', '.join(f'{name} ({reason})' for name, reason in left_out.items())}."] if left_out else []
    return encoder, [*_table_notes(columns), *notes]


def _fit_table(values: Array, train_rows: Array, classes: tuple[Any, ...]) -> tuple[Encoder, list[str]]:
    columns: list[Column] = []
    found: list[str] = []
    for place in range(values.shape[1]):
        column = fit_column(f"x{place}", values[train_rows, place].astype(np.float64))
        if isinstance(column, LeftOut):  # places tell columns of an array apart: none can be left out
            found.append(f"column {place} has {column.reason}: drop it.")
        else:
            columns.append(column)
    if found:
        raise DataError(problems("these data can't be learned from", found))
    encoder = Encoder("tabular", "columns", (len(columns),), columns=tuple(columns), classes=classes)
    return encoder, _table_notes(columns)


def _table_notes(columns: list[Column]) -> list[str]:
    text = [f"{column.name} ({column.n_values} values)" for column in columns if column.kind == "text"]
    dates = [column.name for column in columns if column.kind == "date"]
    missing = [column.name for column in columns if column.indicator]
    many = [column.name for column in columns if column.n_values > len(column.values)]
    notes = [f"a table of {len(columns)} column(s), given as two axes (rows, columns)."]
    if text:
        rest = f"; only the {MAX_VALUES} most frequent values of {_listed(many)}" if many else ""
        notes.append(f"text columns became one input for each value: {_listed(text)}{rest}.")
    if dates:
        notes.append(f"dates became days since 1970, durations days: {_listed(dates)}.")
    if missing:
        notes.append(
            f"missing values became the median (text: no value), with one more input that says so: {_listed(missing)}."
        )
    return notes


def _listed(names: list[str]) -> str:
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
