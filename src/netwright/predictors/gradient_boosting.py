"""`GradientBoosting`: trees that each correct those before them, several times over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from netwright.core.arch import Arch
from netwright.core.errors import InvalidInput
from netwright.core.protocols import SearchSpace
from netwright.predictors.encodings import Standard
from netwright.predictors.learning import Guess, Learned, learned, left_out
from netwright.predictors.protocols import Encoding, Numbers

__all__ = ["GradientBoosting"]


@dataclass(frozen=True, slots=True)
class GradientBoosting:
    """Stochastic gradient boosting (scikit-learn's), as an ensemble: the uncertainty is how much its members differ.

    Friedman 2002, https://doi.org/10.1016/S0167-9473(01)00065-2. Each member learns from all arches but its own
    share, and the error on these is added to what the members differ by.

    Args:
        encoding: of the arches.
        members: of the ensemble.
        trees: of each member.
        depth: of a tree.
        rate: how much of its correction each tree may make.
        share: of the arches that each tree sees.
        features: the share of the features that a split looks at.

    Example:
        >>> from netwright.spaces import Space, choice
        >>> space = Space({f"x{i}": choice([0, 1, 2]) for i in range(4)})
        >>> arches = list(space.enumerate())[::4]
        >>> losses = np.array([float(sum(arch.values())) for arch in arches])
        >>> fitted = GradientBoosting().fit(space, arches, losses, np.random.default_rng(0))
        >>> mean, std = fitted.predict([Arch(dict.fromkeys(arches[0], 0)), Arch(dict.fromkeys(arches[0], 2))])
        >>> bool(mean[0] < 3 and mean[1] > 5)
        True

    Raises:
        InvalidInput: if a number is out of its range.
    """

    encoding: Encoding = field(default_factory=Standard)
    members: int = 5
    trees: int = 100
    depth: int = 4
    rate: float = 0.1
    share: float = 0.7
    features: float = 0.3

    def __post_init__(self) -> None:
        whole = (self.members, self.trees, self.depth)
        if min(whole) < 1 or self.members < 2 or not all(0 < x <= 1 for x in (self.rate, self.share, self.features)):
            raise InvalidInput(
                "GradientBoosting needs at least 2 `members`, 1 of `trees` and `depth`, and `rate`, `share` and "
                f"`features` in (0, 1], but got members={self.members}, trees={self.trees}, depth={self.depth}, "
                f"rate={self.rate}, share={self.share}, features={self.features}."
            )

    def fit(self, space: SearchSpace, arches: Sequence[Arch], losses: Numbers, rng: np.random.Generator) -> Learned:
        def fit(features: Numbers, scores: Numbers) -> Guess:
            return self._fit(features, scores, rng)

        return learned(space, arches, losses, self.encoding, fit)

    def _fit(self, features: Numbers, scores: Numbers, rng: np.random.Generator) -> Guess:
        from sklearn.ensemble import GradientBoostingRegressor

        left = left_out(len(scores), self.members, rng)
        members, errors = [], []
        for number in range(self.members):
            kept = left != number
            member = GradientBoostingRegressor(
                n_estimators=self.trees,
                max_depth=self.depth,
                learning_rate=self.rate,
                subsample=self.share if self.share * kept.sum() >= 1 else 1.0,
                max_features=self.features,
                random_state=int(rng.integers(2**31)),
            )
            members.append(member.fit(features[kept], scores[kept]))
            if not kept.all():
                errors.append((member.predict(features[~kept]) - scores[~kept]) ** 2)
        error = float(np.concatenate(errors).mean()) if errors else 1.0 / len(scores)

        def guess(asked: Numbers) -> tuple[Numbers, Numbers]:
            means = np.stack([member.predict(asked) for member in members])
            return means.mean(axis=0), np.sqrt(means.var(axis=0) + error)

        return guess
