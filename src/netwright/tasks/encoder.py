"""`Encoder`: how the user's examples become a model's inputs, kept for the day of prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from netwright.core.errors import DataError, InvalidInput, problems
from netwright.tasks.columns import Column
from netwright.tasks.reading import array_problems, is_frame, read_inputs

__all__ = ["Encoder", "Layout"]

Array = npt.NDArray[Any]
Layout = Literal["hw", "chw", "hwc", "columns", "as given"]


@dataclass(frozen=True, slots=True, eq=False)
class Encoder:
    """Turns examples like those of the train part into inputs, and class indices into labels.

    Attributes:
        modality: of the task.
        layout: of one example as the user gives it; images leave as channels first.
        shape: of one example as the user gives it.
        columns: of a table.
        ignored: columns of a table that say nothing: a new table may have them or not.
        named: whether the table came with names (a DataFrame): new tables are then matched by name.
        whole: whether images came as uint8; they stay so, and the trainer makes floats of one batch at a time.
        largest: value of the images, which tells 0..1 from 0..255.
        classes: the labels in the order of the indices; () for regression.

    Example:
        >>> from netwright.tasks import task_from
        >>> encoder = task_from(np.arange(40.0).reshape(20, 2), ["no", "yes"] * 10).encoder
        >>> encoder.transform([[1, 2]])
        array([[1., 2.]], dtype=float32)
        >>> encoder.decode(np.array([1, 0]))
        array(['yes', 'no'], dtype='<U3')
    """

    modality: Literal["image", "tabular", "array"]
    layout: Layout
    shape: tuple[int, ...]
    columns: tuple[Column, ...] = ()
    ignored: tuple[str, ...] = ()
    named: bool = False
    whole: bool = False
    largest: float = np.inf
    classes: tuple[Any, ...] = ()

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the inputs of a table; () otherwise."""
        return tuple(name for column in self.columns for name in column.feature_names)

    def transform(self, X: Any) -> Array:  # noqa: N803 - scikit-learn's name for it
        """Inputs (n, *input_shape) of new examples, in the form of the train part.

        Args:
            X: n examples in the form that the task was made from.

        Raises:
            DataError: if columns are missing or unknown, or examples have another shape; every problem is listed.
        """
        found: list[str] = []
        values = read_inputs(X, found)
        if found:
            raise DataError(problems("these inputs can't be used", found))
        if self.modality == "tabular":
            return self._table(values)
        if is_frame(values):
            raise DataError(f"the model learned from arrays of shape {('n', *self.shape)}, but got a table.")
        return self._arrays(values)

    def decode(self, indices: Any) -> Array:
        """The original labels of class indices (n,).

        Raises:
            InvalidInput: for regression, which has no labels, and for indices out of range.
        """
        if not self.classes:
            raise InvalidInput("`decode` turns class indices into labels, but this is a regression task.")
        indices = np.asarray(indices)
        if indices.size and (indices.min() < 0 or indices.max() >= len(self.classes)):
            raise InvalidInput(
                f"class indices must be in 0..{len(self.classes) - 1}, but got {indices.min()}..{indices.max()}."
            )
        return self.labels()[indices.astype(np.int64)]

    def labels(self) -> Array:
        """The labels as an array (n_classes,)."""
        kinds = {type(label) for label in self.classes}
        return np.array(self.classes, dtype=None if len(kinds) == 1 else object)

    def encode_labels(self, labels: Array, *, subject: str = "y") -> Array:
        """Class indices int64 (n,) of original labels.

        Raises:
            DataError: for labels that the train part doesn't have.
        """
        place = {label: index for index, label in enumerate(self.classes)}
        given = labels.tolist()
        strange = sorted({repr(label) for label in given if label not in place})
        if strange:
            known = ", ".join(map(repr, self.classes[:10])) + (", …" if len(self.classes) > 10 else "")
            raise DataError(
                f"{subject} has labels that the train part lacks: {', '.join(strange[:10])} (known: {known})."
            )
        return np.array([place[label] for label in given], dtype=np.int64)

    def _table(self, values: Any) -> Array:
        if not is_frame(values):
            return self._numbers(values)
        names = [str(name) for name in values.columns]
        if not self.named:
            if len(names) != len(self.columns):
                raise DataError(f"the model needs {len(self.columns)} features, but got {len(names)}.")
            values = values.set_axis([column.name for column in self.columns], axis=1)
        else:
            wanted = [column.name for column in self.columns]
            lacking = [name for name in wanted if name not in names]
            extra = [name for name in names if name not in {*wanted, *self.ignored}]
            found = [f"columns are missing: {', '.join(map(repr, lacking))}."] if lacking else []
            found += [f"unknown columns: {', '.join(map(repr, extra))}; drop them."] if extra else []
            if found:
                raise DataError(problems("the table must have the columns of the train part", found))
            values = values.set_axis(names, axis=1)
        read = [(column.name, column.read(values[column.name])) for column in self.columns]
        found = [f"column {name!r} {part}" for name, part in read if isinstance(part, str)]
        if found:
            raise DataError(problems("these inputs can't be used", found))
        return np.concatenate([part for _, part in read], axis=1)

    def _numbers(self, values: Array) -> Array:
        if values.ndim != 2 or values.shape[1] != len(self.columns):
            hint = " One example is a table of one row: X.reshape(1, -1)." if values.ndim == 1 else ""
            raise DataError(
                f"the model needs {len(self.columns)} features, shape (n, {len(self.columns)}), but got an array of "
                f"shape {values.shape}.{hint}"
            )
        others = [column.name for column in self.columns if column.kind != "number"]
        if others:
            raise DataError(
                f"columns {', '.join(map(repr, others))} hold text or dates: give a DataFrame with the same columns."
            )
        found = array_problems(values, allow_missing=True)
        if found:
            raise DataError(problems("these inputs can't be used", found))
        values = values.astype(np.float64)
        if not any(column.indicator for column in self.columns):
            medians = np.array([column.median for column in self.columns])
            return np.where(np.isnan(values), medians, values).astype(np.float32)
        return np.concatenate([column.encode(values[:, i]) for i, column in enumerate(self.columns)], axis=1)

    def _arrays(self, values: Array) -> Array:
        if values.shape[1:] != self.shape:
            hint = " For one example, add the batch axis: X[None]." if values.shape == self.shape else ""
            raise DataError(
                f"one example must have shape {self.shape} as in the train part, but got an array of shape "
                f"{values.shape}, which is {len(values)} examples of shape {values.shape[1:]}.{hint}"
            )
        found = array_problems(values, allow_missing=False)
        if found:
            raise DataError(problems("these inputs can't be used", found))
        if self.modality == "image" and values.size:
            self._check_range(values)
        if not (self.whole and values.dtype == np.uint8):
            values = values.astype(np.float32)
        if self.layout == "hw":
            values = values[:, None]
        elif self.layout == "hwc":
            values = np.moveaxis(values, -1, 1)
        return np.ascontiguousarray(values)

    def _check_range(self, values: Array) -> None:
        """Images in 0..1 where the train part has 0..255, or the other way round, would be classified as nonsense."""
        low, high = float(values.min()), float(values.max())
        if self.whole and self.largest > 1.0 and values.dtype.kind in "fb" and low >= 0.0 and 0.0 < high <= 1.0:
            raise DataError(
                "the model learned from images with values in 0..255 (uint8), but these lie in 0..1: multiply them by "
                "255 or give the originals."
            )
        if self.largest <= 1.0 and values.dtype == np.uint8 and high > 1.0:
            raise DataError(
                f"the model learned from images with values up to {self.largest:g}, but these are uint8 with values up "
                f"to {high:g}: prepare them as the train part was (X / 255, say)."
            )
