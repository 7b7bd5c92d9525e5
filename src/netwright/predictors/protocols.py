"""What a predictor is made of: an encoding turns arches into numbers, the predictor learns losses from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from netwright.core.arch import Arch
from netwright.core.protocols import SearchSpace

__all__ = ["Encoding", "Fitted", "Numbers", "Predictor"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"
"""An array of doubles."""


class Encoding(Protocol):
    """Arches as numbers. A frozen, hashable dataclass: the same space and arch always give the same numbers."""

    def __call__(self, space: SearchSpace, arches: Sequence[Arch]) -> Numbers:
        """One row for each arch, shape (n_arches, n_features); `n_features` depends on the space alone."""
        ...


class Fitted(Protocol):
    """A predictor that has learned."""

    def predict(self, arches: Sequence[Arch]) -> tuple[Numbers, Numbers]:
        """The mean and the standard deviation for each arch, shapes (n_arches,), in the units of the losses learned."""
        ...


class Predictor(Protocol):
    """How to learn losses from arches. A frozen, hashable, picklable dataclass; random numbers come from `rng` only."""

    def fit(self, space: SearchSpace, arches: Sequence[Arch], losses: Numbers, rng: np.random.Generator) -> Fitted:
        """Learn from arches and their losses (finite numbers, lower is better), shape (n_arches,), at least one."""
        ...
