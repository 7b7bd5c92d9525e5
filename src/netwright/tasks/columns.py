"""One column of a table: how its values become numbers, and do so again for new rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["MAX_VALUES", "Column", "column_values", "fit_column"]

Array = npt.NDArray[Any]

MAX_VALUES = 50
"""A text column may have this many distinct values: each becomes an input."""

_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers (missing ones become the median) or of text (one input for each value).

    A missing or new text gives 0 for every value. Where the train part has missing values, one more input says so.

    Example:
        >>> Column("size", "text", values=("large", "small")).encode(np.array(["small", None], dtype=object))
        array([[0., 1.],
               [0., 0.]], dtype=float32)
    """

    name: str
    kind: Literal["number", "text"]
    median: float = 0.0
    values: tuple[str, ...] = ()
    indicator: bool = False

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the inputs that this column gives."""
        own = (self.name,) if self.kind == "number" else tuple(f"{self.name}={value}" for value in self.values)
        return (*own, f"{self.name} is missing") if self.indicator else own

    def encode(self, values: Array) -> Array:
        """Inputs float32 (n, features) from what `column_values` gave."""
        if self.kind == "number":
            missing = np.isnan(values)
            own = np.where(missing, self.median, values).astype(np.float32)[:, None]
        else:
            missing = np.array([value is None for value in values], dtype=bool)
            own = np.zeros((len(values), len(self.values)), dtype=np.float32)
            place = {value: index for index, value in enumerate(self.values)}
            for row, value in enumerate(values):
                if value in place:
                    own[row, place[value]] = 1.0
        return np.column_stack([own, missing.astype(np.float32)]) if self.indicator else own


def column_values(series: Any) -> Array | str:
    """Values of a pandas column: float64 with NaN, or text as objects with None; else what is wrong with it."""
    kind = getattr(series.dtype, "kind", "O")
    if kind in "biuf" and str(series.dtype) != "category":
        values = np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
        return values if _finite(values) else f"has {_n_infinite(values)} infinite or too large values: replace them."
    if kind in "Mm":
        return "holds dates or durations: turn it into numbers (year, day, seconds) or drop it."
    if kind == "c":
        return "holds complex numbers: give real and imaginary part as two columns."
    missing = series.isna().to_numpy()
    values = series.to_numpy(dtype=object).copy()
    values[missing] = None
    present = values[~missing]
    if str(series.dtype) == "category" or all(isinstance(value, str) for value in present):
        return np.array([None if value is None else str(value) for value in values], dtype=object)
    if all(isinstance(value, bool | int | float | np.number | np.bool_) for value in present):
        return np.array([np.nan if value is None else float(value) for value in values])
    kinds = ", ".join(sorted({type(value).__name__ for value in present}))
    return f"mixes types or holds objects ({kinds}): turn it into numbers or text, or drop it."


def fit_column(name: str, values: Array) -> Column | str:
    """The column as the train part shows it; else what is wrong with it."""
    if values.dtype == object:
        present = [value for value in values if value is not None]
        distinct = sorted(set(present))
        if not distinct:
            return "has no value at all: drop it."
        if len(distinct) > MAX_VALUES:
            return (
                f"is text with {len(distinct)} different values (at most {MAX_VALUES} can be used, for example "
                f"{distinct[0]!r}): drop it, or group its values."
            )
        return Column(name, "text", values=tuple(distinct), indicator=len(present) < len(values))
    missing = np.isnan(values)
    if missing.all():
        return "has no value at all: drop it."
    return Column(name, "number", median=float(np.median(values[~missing])), indicator=bool(missing.any()))


def _finite(values: Array) -> bool:
    return _n_infinite(values) == 0


def _n_infinite(values: Array) -> int:
    # NaN compares as False: it is a missing value, not an infinite one.
    return int((np.abs(values) > _LARGEST).sum())
