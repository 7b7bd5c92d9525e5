"""`MlpEnsemble`: several small multi-layer perceptrons on an encoding."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from netwright.core.arch import Arch
from netwright.core.errors import InvalidInput
from netwright.core.protocols import SearchSpace
from netwright.predictors.encodings import Standard
from netwright.predictors.learning import Guess, Learned, learned
from netwright.predictors.protocols import Encoding, Numbers

__all__ = ["MlpEnsemble"]


@dataclass(frozen=True, slots=True)
class MlpEnsemble:
    """An ensemble of perceptrons, trained all at once; the uncertainty is how they differ and how far they err.

    The predictor of BANANAS (White et al. 2021, https://arxiv.org/abs/1910.11858), which has ten layers of twenty
    units and learns the relative error. Here two wider layers learn normal scores, by `deep_ensemble`.

    Args:
        encoding: of the arches.
        members: of the ensemble.
        width: of each hidden layer.
        depth: how many hidden layers.
        steps: of training.
        rate: of learning.
        decay: of the weights.

    Example:
        >>> from netwright.spaces import Space, choice
        >>> space = Space({f"x{i}": choice([0, 1, 2]) for i in range(4)})
        >>> arches = list(space.enumerate())[::4]
        >>> losses = np.array([float(sum(arch.values())) for arch in arches])
        >>> fitted = MlpEnsemble(steps=100).fit(space, arches, losses, np.random.default_rng(0))
        >>> mean, std = fitted.predict([Arch(dict.fromkeys(arches[0], 0)), Arch(dict.fromkeys(arches[0], 2))])
        >>> bool(mean[0] < 2 and mean[1] > 6)
        True

    Raises:
        InvalidInput: if a number is out of its range.
    """

    encoding: Encoding = field(default_factory=Standard)
    members: int = 5
    width: int = 64
    depth: int = 2
    steps: int = 200
    rate: float = 0.01
    decay: float = 0.1

    def __post_init__(self) -> None:
        if min(self.members, self.width, self.depth, self.steps) < 1 or self.rate <= 0 or self.decay < 0:
            raise InvalidInput(
                "an MlpEnsemble needs at least 1 of `members`, `width`, `depth` and `steps`, `rate` above 0 and "
                f"`decay` of at least 0, but got members={self.members}, width={self.width}, depth={self.depth}, "
                f"steps={self.steps}, rate={self.rate}, decay={self.decay}."
            )

    def fit(self, space: SearchSpace, arches: Sequence[Arch], losses: Numbers, rng: np.random.Generator) -> Learned:
        def fit(features: Numbers, scores: Numbers) -> Guess:
            return self._fit(features, scores, rng)

        return learned(space, arches, losses, self.encoding, fit)

    def _fit(self, features: Numbers, scores: Numbers, rng: np.random.Generator) -> Guess:
        import torch

        from netwright.predictors.deep_ensemble import Schedule, drawn, mixture, train

        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        centre = features.mean(axis=0)
        size = float(np.sqrt(((features - centre) ** 2).sum(axis=1).mean())) or 1.0
        widths = [features.shape[1], *[self.width] * self.depth]
        weights = [
            drawn(generator, self.members, before, after, fan_in=before if i else 1)  # inputs have length one
            for i, (before, after) in enumerate(itertools.pairwise(widths))
        ]
        # They start at odds with each other, as far as scores differ: where there are no arches, they stay so.
        weights.append(drawn(generator, self.members, widths[-1], 1, fan_in=2 * widths[-1]))
        biases = [drawn(generator, self.members, 1, weight.shape[2], fan_in=0) for weight in weights]

        def forward(x: torch.Tensor) -> torch.Tensor:  # (batch, features) → (members, batch)
            for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
                x = torch.relu(x @ weight + bias)
            return (x @ weights[-1] + biases[-1])[..., 0]

        def data(asked: Numbers) -> list[torch.Tensor]:
            return [torch.as_tensor((asked - centre) / size, dtype=torch.float32)]

        schedule = Schedule(self.steps, 128, self.rate, self.decay)
        error = train(forward, [*weights, *biases], data(features), scores, schedule, rng)
        return lambda asked: mixture(forward, data(asked), error)
