"""The sandwich rule with in-place distillation.

Yu & Huang 2019, Universally slimmable networks, https://arxiv.org/abs/1903.05134; Yu et al. 2020, BigNAS,
https://arxiv.org/abs/2003.11142.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netwright.core import Arch
from netwright.core.errors import InvalidInput
from netwright.oneshot.extremes import Costs, extreme
from netwright.oneshot.samplers.path_sampler import Score, Turn
from netwright.spaces import Space

__all__ = ["Sandwich"]


@dataclass(frozen=True, slots=True)
class Sandwich:
    """Each step trains the largest path, the smallest one and some random ones; the largest is the others' teacher.

    So both ends get better in every step, and with them all that lies between. The largest path learns from the
    targets, the others from what it says.

    Attributes:
        n_random: random paths in a step.

    Example:
        >>> from netwright import choice, nn
        >>> space = Space(nn.Sequential(nn.LazyLinear(choice([4, 8, 16], label="width"))))
        >>> turns = Sandwich(n_random=1).begin(space).step(np.random.default_rng(0), 0.0, lambda arch: 0.0)
        >>> [(turn.arch["width"], turn.teaches) for turn in turns]
        [(16, True), (4, False), (8, False)]

    Raises:
        InvalidInput: if `n_random` is below 0.
    """

    n_random: int = 2

    def __post_init__(self) -> None:
        if not isinstance(self.n_random, int) or self.n_random < 0:
            raise InvalidInput(f"`n_random` of Sandwich must be at least 0, but got {self.n_random!r}.")

    def begin(self, space: Space, costs: Costs | None = None) -> SandwichPaths:
        """The paths of a training."""
        largest, smallest = (extreme(space, costs, largest=which) for which in (True, False))
        return SandwichPaths(space, largest, smallest, self.n_random)


@dataclass(frozen=True, slots=True)
class SandwichPaths:
    """The paths of one training; see `Sandwich`."""

    space: Space
    largest: Arch
    smallest: Arch
    n_random: int

    def step(self, rng: np.random.Generator, progress: float, score: Score) -> Sequence[Turn]:
        """The largest path, the smallest one, random ones."""
        return self.around([self.space.sample(rng) for _ in range(self.n_random)])

    def around(self, arches: Sequence[Arch]) -> Sequence[Turn]:
        """These arches between the largest and the smallest one."""
        taught = [Turn(arch, targets=0.0, teaching=1.0) for arch in (self.smallest, *arches)]
        return (Turn(self.largest, teaches=True), *taught)
