"""`Curves`: the learning curves of a search's candidates so far, as data that an evaluation may look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Curves"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Learning curves, one row a candidate, in the order in which their records came in.

    Attributes:
        values: of each named curve, shape (n, longest): a value an epoch, NaN where there is none.
        n_epochs: how many epochs each candidate was trained, those of lower fidelities included; shape (n,).

    Example:
        >>> curves = Curves({"val_loss": np.array([[0.9, 0.5], [0.8, np.nan]])}, np.array([2, 1]))
        >>> curves.of("val_loss").shape, curves.of("val_accuracy").shape
        ((2, 2), (2, 1))
    """

    values: Mapping[str, Numbers] = field(default_factory=dict)
    n_epochs: np.ndarray[Any, np.dtype[np.intp]] = field(default_factory=lambda: np.zeros(0, np.intp))

    def __len__(self) -> int:
        return len(self.n_epochs)

    def of(self, name: str) -> Numbers:
        """The curves of this name, shape (n, longest); nothing but NaN if nobody has one."""
        found = self.values.get(name)
        return np.full((len(self), 1), np.nan) if found is None else found
