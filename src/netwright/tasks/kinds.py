"""Is it classification or regression? A stated rule, said to the user in the notes."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["Kind", "find_kind"]

Array = npt.NDArray[Any]
Kind = Literal["classification", "regression"]

_FEW = 20
_FEW_WHOLE_FLOATS = 10
_FEW_FOR_IMAGES = 1000


def find_kind(targets: Array, *, categorical: bool, images: bool) -> tuple[Kind, str]:
    """The kind of task, and why.

    Text, booleans and categories are classes. Whole numbers are classes if there are at most 20 different ones (1,000
    for images). Floats are classes only if they are at most 10 different whole numbers. Several columns are numbers.

    Example:
        >>> find_kind(np.array([0, 1, 1]), categorical=False, images=False)
        ('classification', 'the target has 2 different whole numbers')
    """
    if targets.ndim == 2:
        return "regression", f"the target has {targets.shape[1]} columns"
    if categorical or targets.dtype.kind in "USO":
        return "classification", "the target is text or categories"
    if targets.dtype.kind == "b":
        return "classification", "the target is true or false"
    n_values = len(np.unique(targets))
    if targets.dtype.kind in "iu":
        few = n_values <= (_FEW_FOR_IMAGES if images else _FEW)
        return ("classification" if few else "regression"), f"the target has {n_values} different whole numbers"
    if n_values <= _FEW_WHOLE_FLOATS and n_values < len(targets) and bool((targets == np.round(targets)).all()):
        return "classification", f"the target has {n_values} different whole numbers (as floats)"
    return "regression", f"the target has {n_values} different real numbers"
