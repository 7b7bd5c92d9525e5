"""Examples and targets as they reach an estimator, checked as scikit-learn's conventions ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_consistent_length, column_or_1d, validate_data

from netwright.core.errors import DataError
from netwright.tasks.kinds import Kind
from netwright.tasks.reading import is_dataset, is_frame, read_dataset

__all__ = ["LEAST_EXAMPLES", "Wanted", "checked_inputs", "checked_pair"]

Array = npt.NDArray[Any]

LEAST_EXAMPLES = 4
"""Two to train, one to validate, one to test."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an estimator learns from.

    Attributes:
        kind: of task; None: found from the targets.
        modality: of the inputs; None: found from their shape.
        flip: whether a mirrored image keeps its meaning.
    """

    kind: Kind | None = None
    modality: Literal["image", "tabular", "array"] | None = None
    flip: bool = False


def checked_pair(estimator: Any, X: Any, y: Any, wanted: Wanted) -> tuple[Any, Any]:  # noqa: N803  # scikit-learn's
    """Examples and their targets to fit on; the estimator learns the number and the names of its features.

    Args:
        estimator: gets `n_features_in_` and `feature_names_in_`, as far as there are any.
        X: an array, list, tensor or data frame of examples; or a dataset of (input, target) pairs.
        y: a target for each example; None with a dataset.
        wanted: what they must be.

    Raises:
        ValueError: for data that can't be learned from (`DataError`, or scikit-learn's own).
        TypeError: for sparse data.
    """
    if y is None and is_dataset(X) and not is_frame(X):
        X, y = read_dataset(X)  # noqa: N806  # as above
    if isinstance(y, str):
        raise DataError(
            f"y must hold a target for each example, but is the text {y!r}: if that is a column, give "
            f"X=table.drop(columns={y!r}) and y=table[{y!r}]."
        )
    if y is None:
        raise DataError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None: give one target for each "
            "example, or a dataset of (input, target) pairs as X."
        )
    inputs = checked_inputs(estimator, X, wanted.modality, reset=True)
    return inputs, _checked_targets(estimator, inputs, y, wanted.kind)


def checked_inputs(estimator: Any, X: Any, modality: str | None, *, reset: bool) -> Any:  # noqa: N803  # as above
    """Examples as an array or the data frame itself.

    Args:
        estimator: whose examples they are.
        X: as in `checked_pair`; the targets of a dataset are not looked at.
        modality: what they must be; None: whatever their shape says.
        reset: whether the estimator learns the features from them; else they must be as those were.

    Raises:
        ValueError, TypeError: as `checked_pair`.
    """
    if not reset and is_dataset(X) and not hasattr(X, "__array__"):
        X, _ = read_dataset(X)  # noqa: N806  # as above
    X = _on_the_host(X)  # noqa: N806  # as above
    name = type(estimator).__name__
    if is_frame(X):
        if modality == "image":
            raise DataError(
                f"{name} needs images, but X is a table: give an array of shape (n, height, width, 3), say."
            )
        validate_data(estimator, X, reset=reset, skip_check_array=True)  # the names; columns of text are welcome
        if reset and len(X) < LEAST_EXAMPLES:
            raise DataError(f"{name} needs at least {LEAST_EXAMPLES} examples, but X has n_samples={len(X)}.")
        return X
    images = modality not in (None, "tabular") or (modality is None and _n_axes(X) > 2)
    if not images:
        least = LEAST_EXAMPLES if reset else 1
        return validate_data(estimator, X, reset=reset, ensure_all_finite="allow-nan", ensure_min_samples=least)
    values = check_array(X, estimator=estimator, input_name="X", allow_nd=True, ensure_2d=False)
    if values.ndim not in (3, 4) and modality == "image":
        raise DataError(
            f"{name} needs images, (n, height, width), (n, channels, height, width) or (n, height, width, channels), "
            f"but got X of shape {values.shape}: reshape rows of pixels, such as X.reshape(-1, 28, 28)."
        )
    if reset and len(values) < LEAST_EXAMPLES:
        raise DataError(f"{name} needs at least {LEAST_EXAMPLES} examples, but X has n_samples={len(values)}.")
    return values


def _checked_targets(estimator: Any, inputs: Any, y: Any, kind: Kind | None) -> Any:
    y = _on_the_host(y)
    values = check_array(
        y, estimator=estimator, input_name="y", ensure_2d=False, dtype="numeric" if kind == "regression" else None
    )
    check_consistent_length(inputs, values)
    if kind is None:
        return y  # as it is: a column of categories says that it is one
    if kind == "classification" and (values.ndim == 1 or values.shape[1:] == (1,)):
        values = column_or_1d(values, warn=True)
        check_classification_targets(values)
    return values


def _n_axes(values: Any) -> int:
    if hasattr(values, "ndim"):
        return int(values.ndim)
    try:
        return np.asarray(values).ndim
    except ValueError:  # rows of different length: whoever reads them says so
        return 2


def _on_the_host(values: Any) -> Any:
    """A tensor as an array, on whatever device it is; everything else as it is."""
    if not hasattr(values, "detach"):
        return values
    values = values.detach().cpu()
    return (values.float() if str(values.dtype) == "torch.bfloat16" else values).numpy()
