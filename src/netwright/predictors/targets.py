"""What a search's surrogate learns instead of the losses: scores of about the same shape whatever the metric is.

Half of the arches of a space may be hopeless, each in its own way. A model that has to explain how hopeless they are
has little left to tell good ones apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

from netwright.core.errors import InvalidInput
from netwright.predictors.learning import normal_scores
from netwright.predictors.protocols import Numbers

__all__ = ["NormalTargets", "StandardTargets", "Targets"]

Order: TypeAlias = "Sequence[Any]"


class Targets(Protocol):
    """From losses to scores of mean 0 and variance 1, lower is better. A frozen, hashable dataclass."""

    def __call__(self, losses: Numbers) -> Numbers:
        """The score of each loss, shape (n,); a loss may be infinite: worse than any other."""
        ...


@dataclass(frozen=True, slots=True)
class NormalTargets:
    """Normal scores of the ranks (a copula), with the poor end cut off.

    The best of n losses becomes what the best of n draws of a standard normal is expected to be, and so on; equal
    losses share a score. So no outlier counts, nor the scale of the metric.

    Args:
        cut: the score from which on all losses are the same; 1 makes one of the worst sixth.

    Example:
        >>> NormalTargets(cut=0.5)(np.array([1.0, 2.0, 3.0, 400.0, np.inf])).round(2).tolist()
        [-1.68, -0.52, 0.29, 0.96, 0.96]

    Raises:
        InvalidInput: if `cut` isn't a number above -1.
    """

    cut: float = 1.0

    def __post_init__(self) -> None:
        if not self.cut > -1:
            raise InvalidInput(f"`cut` of NormalTargets must be a number above -1, but got {self.cut}.")

    def __call__(self, losses: Numbers) -> Numbers:
        _, places, counts = np.unique(losses, return_inverse=True, return_counts=True)
        scores = normal_scores(counts)[places]
        return _standard(np.minimum(_standard(scores), self.cut))


@dataclass(frozen=True, slots=True)
class StandardTargets:
    """The losses themselves, shifted and scaled; what is infinite takes the worst finite one.

    Example:
        >>> StandardTargets()(np.array([1.0, 3.0, np.inf])).round(2).tolist()
        [-1.41, 0.71, 0.71]
    """

    def __call__(self, losses: Numbers) -> Numbers:
        finite = np.isfinite(losses)
        worst = losses[finite].max() if finite.any() else 0.0
        return _standard(np.where(finite, losses, worst))


def _standard(values: Numbers) -> Numbers:
    spread = values.std()
    return (values - values.mean()) / (spread if spread > 0 else 1.0)
