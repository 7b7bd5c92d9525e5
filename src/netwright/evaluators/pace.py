"""`Pace`: how long an arch trains, by what it costs; and how much of the data it should see for that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from netwright.core import Arch
from netwright.core.errors import InvalidInput

__all__ = ["FALL", "AtPace", "Pace"]

FALL = 0.35
"""By about which power of the examples errors fall; between those of networks for images and for text."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What training on one example takes: so much for FLOPs, so much for activations, and something in any case.

    Convolutions wait for the processor, normalisations and activation functions for the memory: FLOPs alone are often
    wrong by a half.

    Attributes:
        per_gflop: seconds for 10⁹ FLOPs of the forward pass.
        per_mb: seconds for a megabyte of activations.
        fixed: seconds whatever the arch is like.

    Example:
        >>> Pace(per_gflop=0.01, per_mb=0.0002, fixed=0.0001).seconds({"flops": 2e7, "activation_mb": 0.5})
        0.0004
    """

    per_gflop: float
    per_mb: float
    fixed: float

    def seconds(self, costs: Mapping[str, float]) -> float:
        """Seconds for one example of an arch with these costs."""
        return self.per_gflop * costs["flops"] / 1e9 + self.per_mb * costs["activation_mb"] + self.fixed

    @classmethod
    def fitted(cls, costs: Sequence[Mapping[str, float]], seconds: Sequence[float]) -> Pace:
        """The pace that is nearest to what was measured, in relative terms; nothing takes less than no time.

        Args:
            costs: `flops` and `activation_mb` of some arches.
            seconds: what an example took each of them.

        Raises:
            InvalidInput: if there is nothing to go by.

        Example:
            >>> costs = [{"flops": 1e9 * f, "activation_mb": m} for f, m in ((1, 1), (2, 1), (1, 3))]
            >>> pace = Pace.fitted(costs, [2.0, 3.0, 4.0])
            >>> [round(seconds, 6) for seconds in (pace.per_gflop, pace.per_mb, pace.fixed)]
            [1.0, 1.0, 0.0]
        """
        from scipy.optimize import nnls

        if not seconds or not min(seconds) > 0:
            raise InvalidInput("a pace needs at least one arch whose training takes some time.")
        rows = np.array([[c["flops"] / 1e9, c["activation_mb"], 1.0] for c in costs])
        relative = rows / np.array(seconds)[:, None]
        scale = np.maximum(relative.max(axis=0), 1e-300)
        found = nnls(relative / scale, np.ones(len(rows)))[0] / scale
        return cls(*found.tolist())


@dataclass(frozen=True, slots=True)
class AtPace:
    """How many examples an arch is trained on in a search, where the winner's training will have so many seconds.

    A dearer arch will see the data less often then, so it must not see as much as others in the search; but a search's
    trainings are short, and small arches learn faster at first. With errors that fall as powers of the arch's size and
    of the examples (Hoffmann et al. 2022, https://arxiv.org/abs/2203.15556) both agree on the best size where the
    examples fall as a power of the time that one takes: the share of the winner's examples that a candidate sees, to
    the power `FALL`. So it is 0 (as many examples for all) for trainings that are very short, and 1 (as much time for
    all) for those that are as long as the winner's.

    Attributes:
        pace: what an example takes.
        costs: FLOPs and activations of an arch, such as `ModelCost`.
        n: examples of an arch for which one takes `seconds`.
        seconds: see `n`.
        power: by which power of the time examples fall, from 0 to 1.
        least, most: examples, whatever they take.

    Example:
        >>> pace = Pace(per_gflop=1.0, per_mb=0.0, fixed=0.0)
        >>> at_pace = AtPace(pace, lambda arch: {"flops": arch["x"], "activation_mb": 0.0}, 200, 0.01, 0.5, 10, 500)
        >>> [at_pace(Arch({"x": flops})) for flops in (1e5, 1e7, 4e7, 1e12)]
        [500, 200, 100, 10]
    """

    pace: Pace
    costs: Callable[[Arch], Mapping[str, float]]
    n: int
    seconds: float
    power: float
    least: int
    most: int

    def __call__(self, arch: Arch) -> int:
        """The number of examples."""
        each = self.pace.seconds(self.costs(arch))
        if each <= 0:
            return self.most
        return max(self.least, min(self.most, round(self.n * (self.seconds / each) ** self.power)))
