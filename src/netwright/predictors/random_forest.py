"""`RandomForest`: many trees, each grown on its own draw of the arches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from netwright.core.arch import Arch
from netwright.core.errors import InvalidInput
from netwright.core.protocols import SearchSpace
from netwright.predictors.encodings import Standard
from netwright.predictors.learning import Guess, Learned, learned
from netwright.predictors.protocols import Encoding, Numbers

__all__ = ["RandomForest"]


@dataclass(frozen=True, slots=True)
class RandomForest:
    """A random forest (scikit-learn's); the uncertainty is how much its trees differ, and what is mixed in a leaf.

    Breiman 2001, https://doi.org/10.1023/A:1010933404324; its variance as in Hutter et al. 2014, Algorithm runtime
    prediction, https://arxiv.org/abs/1211.0906: the variance of the trees' means and the mean of the leaves' variances.

    Args:
        encoding: of the arches.
        trees: how many.
        features: the share of the features that a split looks at.
        leaf: the fewest arches in a leaf.

    Example:
        >>> from netwright.spaces import Space, choice
        >>> space = Space({f"x{i}": choice([0, 1, 2]) for i in range(4)})
        >>> arches = list(space.enumerate())[::4]
        >>> losses = np.array([float(sum(arch.values())) for arch in arches])
        >>> fitted = RandomForest(trees=20).fit(space, arches, losses, np.random.default_rng(0))
        >>> mean, std = fitted.predict([Arch(dict.fromkeys(arches[0], 0)), Arch(dict.fromkeys(arches[0], 2))])
        >>> bool(mean[0] < 3 and mean[1] > 5)
        True

    Raises:
        InvalidInput: if a number is out of its range.
    """

    encoding: Encoding = field(default_factory=Standard)
    trees: int = 100
    features: float = 0.33
    leaf: int = 1

    def __post_init__(self) -> None:
        if self.trees < 1 or self.leaf < 1 or not 0 < self.features <= 1:
            raise InvalidInput(
                "a RandomForest needs `trees` and `leaf` of at least 1 and `features` in (0, 1], but got "
                f"trees={self.trees}, leaf={self.leaf}, features={self.features}."
            )

    def fit(self, space: SearchSpace, arches: Sequence[Arch], losses: Numbers, rng: np.random.Generator) -> Learned:
        seed = int(rng.integers(2**31))

        def fit(features: Numbers, scores: Numbers) -> Guess:
            return self._fit(features, scores, seed)

        return learned(space, arches, losses, self.encoding, fit)

    def _fit(self, features: Numbers, scores: Numbers, seed: int) -> Guess:
        from sklearn.ensemble import RandomForestRegressor

        forest = RandomForestRegressor(
            self.trees, max_features=self.features, min_samples_leaf=self.leaf, random_state=seed
        )
        forest.fit(features, scores)
        grown = [tree.tree_ for tree in forest.estimators_]

        def guess(asked: Numbers) -> tuple[Numbers, Numbers]:
            single = np.ascontiguousarray(asked, dtype=np.float32)
            leaves = [tree.apply(single) for tree in grown]
            means = np.stack([tree.value[leaf, 0, 0] for tree, leaf in zip(grown, leaves, strict=True)])
            mixed = np.mean([tree.impurity[leaf] for tree, leaf in zip(grown, leaves, strict=True)], axis=0)
            return means.mean(axis=0), np.sqrt(means.var(axis=0) + np.maximum(mixed, 0.0))

        return guess
