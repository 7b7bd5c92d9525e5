"""One column of a table: how its values become numbers, and do so again for new rows."""

from __future__ import annotations

import importlib
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["MAX_VALUES", "Column", "LeftOut", "column_values", "fit_column", "is_date"]

Array = npt.NDArray[Any]

MAX_VALUES = 50
"""So many distinct values of a text column become an input each: the most frequent ones."""

_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why a column says nothing that can be learned from: it is left out, and the user is told."""

    reason: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers (missing ones become the median), of dates (as days) or of text (an input for each value).

    A missing or unknown text gives 0 for every value. Where the train part has missing values, one more input says so.

    Attributes:
        name: of the column.
        kind: dates and durations count in days, dates from 1970 on.
        median: of the train part, for missing numbers.
        values: the texts that have an input each, in alphabetical order.
        n_values: how many different texts the train part has; more than `values` where there are too many.
        indicator: whether one more input says that the value is missing.

    Example:
        >>> Column("size", "text", values=("large", "small")).encode(np.array(["small", None], dtype=object))
        array([[0., 1.],
               [0., 0.]], dtype=float32)
    """

    name: str
    kind: Literal["number", "date", "text"]
    median: float = 0.0
    values: tuple[str, ...] = ()
    n_values: int = 0
    indicator: bool = False

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the inputs that this column gives."""
        own = tuple(f"{self.name}={value}" for value in self.values) if self.kind == "text" else (self.name,)
        return (*own, f"{self.name} is missing") if self.indicator else own

    def read(self, series: Any) -> Array | str:
        """Inputs float32 (n, features) of a pandas column of new rows; else what is wrong with it."""
        values = column_values(series)
        if isinstance(values, str):
            return values
        text, wanted = values.dtype == object, {"number": "numbers", "date": "dates", "text": "text"}[self.kind]
        given = "text" if text else "dates" if is_date(series) else "numbers"
        if given != wanted:
            if not (all(value is None for value in values) if text else np.isnan(values).all()):
                return f"must hold {wanted}, but holds {given}."
            values = np.full(len(values), None if self.kind == "text" else np.nan)
        return self.encode(values)

    def encode(self, values: Array) -> Array:
        """Inputs float32 (n, features) from what `column_values` gave."""
        if self.kind == "text":
            place = {value: index for index, value in enumerate(self.values)}
            codes = np.array([place.get(value, -1) for value in values], dtype=np.int64)
            missing = np.array([value is None for value in values], dtype=bool)
            own = np.zeros((len(values), len(self.values)), dtype=np.float32)
            known = np.flatnonzero(codes >= 0)
            own[known, codes[known]] = 1.0
        else:
            missing = np.isnan(values)
            own = np.where(missing, self.median, values).astype(np.float32)[:, None]
        return np.column_stack([own, missing.astype(np.float32)]) if self.indicator else own


def is_date(series: Any) -> bool:
    """Whether a pandas column holds dates or durations."""
    return getattr(series.dtype, "kind", "O") in "Mm"


def column_values(series: Any) -> Array | str:
    """Values of a pandas column: float64 with NaN (dates as days), text as objects with None; else what is wrong."""
    kind = getattr(series.dtype, "kind", "O")
    category = str(series.dtype) == "category"
    if kind in "biuf" and not category:
        return _finite(np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan)))
    if kind in "Mm":
        return _days(series)
    if kind == "c":
        return "holds complex numbers: give real and imaginary part as two columns."
    missing = series.isna().to_numpy()
    values = series.to_numpy(dtype=object).copy()
    values[missing] = None
    present = values[~missing]
    if category or all(isinstance(value, str) for value in present):
        return np.array([None if value is None else str(value) for value in values], dtype=object)
    if all(isinstance(value, bool | int | float | np.number | np.bool_) for value in present):
        return _finite(np.array([np.nan if value is None else float(value) for value in values]))
    kinds = ", ".join(sorted({type(value).__name__ for value in present}))
    return f"mixes types or holds objects ({kinds}): turn it into numbers or text, or drop it."


def fit_column(name: str, values: Array, *, date: bool = False) -> Column | LeftOut:
    """The column as the train part shows it; or why it is left out.

    Example:
        >>> fit_column("id", np.array([f"row {i}" for i in range(60)], dtype=object))
        LeftOut(reason='text with 60 different values in 60 rows')
    """
    if values.dtype != object:
        missing = np.isnan(values)
        if missing.all():
            return LeftOut("no value at all in the train part")
        median = float(np.median(values[~missing]))
        return Column(name, "date" if date else "number", median=median, indicator=bool(missing.any()))
    counts = Counter(value for value in values if value is not None)
    n_present = sum(counts.values())
    if not counts:
        return LeftOut("no value at all in the train part")
    if len(counts) > MAX_VALUES and len(counts) > n_present / 2:
        return LeftOut(f"text with {len(counts):,} different values in {n_present:,} rows")
    kept = sorted(counts, key=lambda value: (-counts[value], value))[:MAX_VALUES]
    indicator = n_present < len(values)
    return Column(name, "text", values=tuple(sorted(kept)), n_values=len(counts), indicator=indicator)


def _days(series: Any) -> Array:
    pandas: Any = importlib.import_module("pandas")
    day = pandas.Timedelta(days=1)
    if series.dtype.kind == "M":
        series = series - pandas.Timestamp(0, tz=getattr(series.dtype, "tz", None))
    return np.asarray((series / day).to_numpy(dtype=np.float64, na_value=np.nan))


def _finite(values: Array) -> Array | str:
    # NaN compares as False: it is a missing value, not an infinite one.
    n_infinite = int((np.abs(values) > _LARGEST).sum())
    return f"has {n_infinite} infinite or too large values: replace them." if n_infinite else values
