"""`Ridge`: a linear model of the encoding, by Bayes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from netwright.core.arch import Arch
from netwright.core.protocols import SearchSpace
from netwright.predictors.encodings import Standard
from netwright.predictors.learning import Guess, Learned, learned
from netwright.predictors.protocols import Encoding, Numbers

__all__ = ["Ridge"]

_PENALTIES = np.logspace(-5.0, 3.0, 33)  # times the largest eigenvalue of the features' scatter


@dataclass(frozen=True, slots=True)
class Ridge:
    """Bayesian ridge regression: the penalty is what the data make most likely, the uncertainty follows from it.

    MacKay 1992, Bayesian interpolation, https://doi.org/10.1162/neco.1992.4.3.415. There the evidence is climbed; here
    it is looked up for 33 penalties, out of one singular value decomposition. The standard deviation holds what the
    model can't explain, too.

    Args:
        encoding: of the arches; the features are not scaled.

    Example:
        >>> from netwright.spaces import Space, choice
        >>> space = Space({f"x{i}": choice([0, 1, 2]) for i in range(4)})
        >>> arches = list(space.enumerate())[::4]
        >>> losses = np.array([float(sum(arch.values())) for arch in arches])
        >>> fitted = Ridge().fit(space, arches, losses, np.random.default_rng(0))
        >>> mean, std = fitted.predict([Arch(dict.fromkeys(arches[0], 0)), Arch(dict.fromkeys(arches[0], 2))])
        >>> bool(mean[0] < 2 and mean[1] > 6)
        True
    """

    encoding: Encoding = field(default_factory=Standard)

    def fit(self, space: SearchSpace, arches: Sequence[Arch], losses: Numbers, rng: np.random.Generator) -> Learned:
        return learned(space, arches, losses, self.encoding, _fit)


def _fit(features: Numbers, scores: Numbers) -> Guess:
    n_arches = len(scores)
    centre, level = features.mean(axis=0), float(scores.mean())
    left, singular, right = np.linalg.svd(features - centre, full_matrices=False)
    there = singular > 1e-9 * max(1.0, float(singular[:1].sum()))
    left, singular, right = left[:, there], singular[there], right[there]
    along = left.T @ (scores - level)  # the scores in the singular vectors' directions
    rest = max(0.0, float((scores - level) @ (scores - level) - along @ along))
    if not len(singular):  # nothing differs: all that is known is how the scores spread
        spread = float(np.sqrt(max(rest / n_arches, 1.0 / n_arches)))
        return lambda asked: (np.full(len(asked), level), np.full(len(asked), spread))
    # scores ~ N(level, noise (F F' / penalty + 1)): the evidence of each penalty, with the best noise for it
    penalties = _PENALTIES * singular[0] ** 2
    shrunk = 1 + singular**2 / penalties[:, None]
    # A pinch of a prior on the noise: with one or two arches, nothing would be left unexplained.
    noises = ((along**2 / shrunk).sum(axis=1) + rest + 0.1) / (n_arches + 0.1)
    evidence = -0.5 * (n_arches * np.log(noises) + np.log(shrunk).sum(axis=1))
    best = int(np.argmax(evidence))
    penalty, noise = float(penalties[best]), float(noises[best])
    weights = right.T @ (singular * along / (singular**2 + penalty))
    known = singular**2 / (singular**2 + penalty)  # the share of each direction that the data decide

    def guess(asked: Numbers) -> tuple[Numbers, Numbers]:
        moved = asked - centre
        inside = (moved @ right.T) ** 2 @ known
        free = np.maximum((moved**2).sum(axis=1) - inside, 0.0) / penalty
        return level + moved @ weights, np.sqrt(noise * (1 + 1 / n_arches + free))

    return guess
