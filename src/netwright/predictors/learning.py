"""What all predictors share around their own model: normal scores for losses, and the encoding of what is asked.

Losses of a space have a long tail: few arches are good, some are hopeless. A model of the losses themselves spends all
it has on the hopeless ones. So models here learn normal scores: the best of n losses becomes what the best of n draws
of a standard normal is expected to be, and so on. What they say is turned back into the units of the losses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, TypeAlias

import numpy as np

from netwright.core.arch import Arch
from netwright.core.errors import InvalidInput
from netwright.core.protocols import SearchSpace
from netwright.predictors.protocols import Encoding, Numbers
from netwright.predictors.whole_space import encoded

__all__ = [
    "Features",
    "Guess",
    "Learned",
    "NormalScores",
    "checked_losses",
    "learned",
    "left_out",
    "normal_scores",
]

Guess: TypeAlias = "Callable[[Numbers], tuple[Numbers, Numbers]]"
"""From features, shape (n_arches, n_features), to the mean and standard deviation of the scores, shapes (n_arches,)."""

_END = 0.1  # the share of the losses at either end whose slope goes on beyond it


def normal_scores(counts: np.ndarray[Any, np.dtype[np.intp]]) -> Numbers:
    """The normal score of each of the different losses, from how often each comes, the least first.

    Example:
        >>> normal_scores(np.array([1, 2, 1])).round(2).tolist()
        [-1.15, 0.0, 1.15]
    """
    middle = np.cumsum(counts) - counts / 2  # of the ranks that equal losses share
    normal = NormalDist()
    return np.array([normal.inv_cdf(share) for share in middle / counts.sum()])


@dataclass(frozen=True, slots=True, eq=False)
class NormalScores:
    """Losses as normal scores, and back by straight lines between the losses that are known.

    Args:
        losses: those to learn from, finite; equal ones get equal scores.

    Attributes:
        known: the different losses, rising.
        scores: of each of these.

    Example:
        >>> scores = NormalScores.of(np.array([3.0, 1.0, 90.0]))
        >>> scores.forward(np.array([1.0, 3.0, 90.0])).round(2).tolist()
        [-0.97, 0.0, 0.97]
        >>> scores.back(np.array([0.0]), np.array([0.1]))[0].tolist()
        [3.0]
    """

    known: Numbers
    scores: Numbers

    @classmethod
    def of(cls, losses: Numbers) -> NormalScores:
        """The scores of these losses."""
        known, counts = np.unique(losses, return_counts=True)
        return cls(known, normal_scores(counts))

    def forward(self, losses: Numbers) -> Numbers:
        """The score of each loss."""
        return np.interp(losses, self.known, self.scores)

    def back(self, mean: Numbers, std: Numbers) -> tuple[Numbers, Numbers]:
        """The mean and standard deviation in the units of the losses."""
        if len(self.known) == 1:  # nothing is known of the scale
            return np.full(len(mean), self.known[0]), std
        low, high = self._loss(mean - std), self._loss(mean + std)
        return self._loss(mean), (high - low) / 2

    def _loss(self, scores: Numbers) -> Numbers:
        count = max(1, round(_END * len(self.known)))
        below, above = self._slope(0, count), self._slope(-1 - count, -1)
        inside = np.interp(scores, self.scores, self.known)
        under = np.minimum(scores - self.scores[0], 0.0) * below
        return inside + under + np.maximum(scores - self.scores[-1], 0.0) * above

    def _slope(self, first: int, last: int) -> float:
        return float((self.known[last] - self.known[first]) / (self.scores[last] - self.scores[first]))


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """The features that differ among the arches to learn from, on a common scale.

    A count keeps its scale, so that what is rare doesn't drown the rest, unless it varies by more than one: then, and
    for all other numbers, the standard deviation becomes one.

    Attributes:
        used: which features there are.
        scale: what each of these is divided by.

    Example:
        >>> raw = np.array([[1.0, 0.0, 5e8], [1.0, 1.0, 7e8]])
        >>> Features.of(raw)(raw).tolist()
        [[0.0, 5.0], [1.0, 7.0]]
    """

    used: np.ndarray[Any, np.dtype[np.intp]]
    scale: Numbers

    @classmethod
    def of(cls, raw: Numbers) -> Features:
        """What to make of the encodings of the arches to learn from."""
        used = np.flatnonzero(np.ptp(raw, axis=0) > 0)
        spread = raw[:, used].std(axis=0)
        counts = (raw[:, used] == np.round(raw[:, used])).all(axis=0)
        return cls(used, np.where(counts, np.maximum(spread, 1.0), spread))

    def __call__(self, raw: Numbers) -> Numbers:
        """Of other encodings, or the same; one feature that says nothing where no feature differs."""
        return raw[:, self.used] / self.scale if len(self.used) else np.zeros((len(raw), 1))


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A fitted predictor: a model of the scores between an encoding and the units of the losses."""

    space: SearchSpace
    encoding: Encoding
    features: Features
    scores: NormalScores
    guess: Guess

    def predict(self, arches: Sequence[Arch]) -> tuple[Numbers, Numbers]:
        """The mean and the standard deviation of each arch's loss."""
        if not len(arches):
            return np.zeros(0), np.zeros(0)
        asked = self.features(encoded(self.space, self.encoding, arches))
        return self.scores.back(*self.guess(asked))


def learned(
    space: SearchSpace,
    arches: Sequence[Arch],
    losses: Numbers,
    encoding: Encoding,
    fit: Callable[[Numbers, Numbers], Guess],
) -> Learned:
    """A predictor that learns normal scores from features.

    Args:
        space, arches, losses: as in `Predictor.fit`.
        encoding: of the arches.
        fit: from features and scores to what guesses the scores of others.
    """
    losses = checked_losses(arches, losses)
    raw = encoded(space, encoding, arches)
    features, scores = Features.of(raw), NormalScores.of(losses)
    return Learned(space, encoding, features, scores, fit(features(raw), scores.forward(losses)))


def left_out(n_arches: int, members: int, rng: np.random.Generator) -> np.ndarray[Any, np.dtype[np.intp]]:
    """The member of an ensemble that doesn't learn from an arch, for each arch; -1 where there are too few for that.

    What members say of arches that they didn't learn from tells how far an ensemble is off: cross-validation for free.

    Example:
        >>> sorted(left_out(6, 3, np.random.default_rng(0)).tolist())
        [0, 0, 1, 1, 2, 2]
    """
    if n_arches < max(members, 4):
        return np.full(n_arches, -1)
    return rng.permutation(np.arange(n_arches) % members)


def checked_losses(arches: Sequence[Arch], losses: Numbers) -> Numbers:
    """The losses as doubles.

    Raises:
        InvalidInput: if there is none, not one for each arch, or one isn't finite.
    """
    losses = np.asarray(losses, dtype=np.float64)
    if losses.shape != (len(arches),) or not len(arches) or not np.isfinite(losses).all():
        wrong = f", {int((~np.isfinite(losses)).sum())} of them not finite" if losses.size else ""
        raise InvalidInput(
            "a predictor learns from at least one arch and a finite loss for each, but got "
            f"{len(arches)} arches and losses of shape {losses.shape}{wrong}: leave out what failed."
        )
    return losses
