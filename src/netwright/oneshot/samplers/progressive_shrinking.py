"""Progressive shrinking: the largest network first (Cai et al. 2020, Once-for-all, https://arxiv.org/abs/1908.09791)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netwright.core import Arch
from netwright.core.errors import InvalidInput
from netwright.oneshot.extremes import Costs, Kind, extreme, kinds_of
from netwright.oneshot.samplers.path_sampler import Score, Turn
from netwright.spaces import Space
from netwright.spaces.domains import Categorical

__all__ = ["ProgressiveShrinking"]

_ORDER: tuple[Kind, ...] = ("kernel", "depth", "width")


@dataclass(frozen=True, slots=True)
class ProgressiveShrinking:
    """Trains the largest network first, then smaller kernels too, then smaller depths, then smaller widths.

    What is smaller learns from the targets and from the largest network. Which decisions are kernels, depths or widths
    is seen from the space (`extremes.kinds_of`); choices between operations are free from the beginning, and phases for
    which a space has nothing are left out.

    Attributes:
        shares: of the training, for the largest network alone, kernels, depths and widths.
        n_paths: in a step, once there are smaller ones.
        teaching: weight of learning from the largest network, beside 1 for the targets; 0: no teacher.

    Differs from the paper in that a smaller kernel is the centre of the larger one, without a transformation that is
    learned; that the teacher is the largest path as it is now, and no frozen copy; and that each kind is set free in
    one go.

    Example:
        >>> from netwright import choice, nn
        >>> space = Space(nn.Sequential(nn.LazyConv1d(choice([4, 8], label="width"), choice([3, 5], label="kernel"))))
        >>> paths = ProgressiveShrinking().begin(space)
        >>> [paths.free(progress).size() for progress in (0.0, 0.5, 1.0)]
        [1, 2, 4]

    Raises:
        InvalidInput: if the shares aren't four numbers of at least 0 whose sum is 1, or `n_paths` is below 1.
    """

    shares: tuple[float, float, float, float] = (0.3, 0.2, 0.2, 0.3)
    n_paths: int = 1
    teaching: float = 1.0

    def __post_init__(self) -> None:
        if len(self.shares) != 4 or min(self.shares) < 0 or abs(sum(self.shares) - 1) > 1e-6:
            raise InvalidInput(
                f"`shares` of ProgressiveShrinking must be four numbers of at least 0 whose sum is 1, but got "
                f"{self.shares!r}."
            )
        if not isinstance(self.n_paths, int) or self.n_paths < 1 or not self.teaching >= 0:
            raise InvalidInput(
                "`n_paths` of ProgressiveShrinking must be at least 1 and `teaching` at least 0, but got "
                f"n_paths={self.n_paths!r}, teaching={self.teaching!r}."
            )

    def begin(self, space: Space, costs: Costs | None = None) -> ShrinkingPaths:
        """The paths of a training."""
        largest = extreme(space, costs, largest=True)
        kinds = kinds_of(space)
        there = [kind for kind in _ORDER if kind in kinds.values()]
        # Of the shares, those of the phases that there are.
        parts = [self.shares[0], *(self.shares[1 + _ORDER.index(kind)] for kind in there)]
        total = sum(parts) or 1.0
        ends = np.cumsum([part / total for part in parts])
        spaces = []
        for number in range(len(parts)):
            free = {"operation", *there[:number]}
            fixed = {
                d.name: largest.get(d.name, _most(d.domain))
                for d in space.decisions
                if kinds.get(d.name, "operation") not in free
            }
            spaces.append(
                space.narrowed({name: Categorical((value,)) for name, value in fixed.items()}) if fixed else space
            )
        return ShrinkingPaths(tuple(spaces), tuple(ends.tolist()), largest, self.n_paths, self.teaching)


def _most(domain: object) -> object:
    """The largest value of a number that doesn't count in the largest arch."""
    return max(domain.grid(3))  # type: ignore[attr-defined]  # a domain of numbers


@dataclass(frozen=True, slots=True)
class ShrinkingPaths:
    """The paths of one training; see `ProgressiveShrinking`."""

    spaces: tuple[Space, ...]
    ends: tuple[float, ...]
    largest: Arch
    n_paths: int
    teaching: float

    def free(self, progress: float) -> Space:
        """What paths may be like at this point."""
        phase = sum(progress >= end for end in self.ends[:-1])
        return self.spaces[phase]

    def step(self, rng: np.random.Generator, progress: float, score: Score) -> Sequence[Turn]:
        """A random path of the phase, after the largest one as a teacher."""
        space = self.free(progress)
        arches = [space.sample(rng) for _ in range(self.n_paths)]
        if space is self.spaces[0] or self.teaching == 0:
            return tuple(Turn(arch) for arch in arches)
        taught = [Turn(arch, teaching=self.teaching) for arch in arches]
        return (Turn(self.largest, targets=0.0, teaches=True), *taught)
