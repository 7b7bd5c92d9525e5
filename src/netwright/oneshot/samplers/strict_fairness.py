"""Strict fairness: each step trains every option once (Chu et al. 2021, FairNAS, https://arxiv.org/abs/1907.01845)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netwright.core import Arch
from netwright.core.arch import Decided
from netwright.core.errors import InvalidInput
from netwright.oneshot.extremes import Costs
from netwright.oneshot.samplers.path_sampler import Score, Turn
from netwright.spaces import Space
from netwright.spaces.domains import Categorical
from netwright.spaces.narrowing import Part

__all__ = ["StrictFairness"]

_MOST_PATHS = 8
_TRIES = 20  # sets of paths, where constraints rule some out


@dataclass(frozen=True, slots=True)
class StrictFairness:
    """Each step trains as many paths as a choice has options; together they have every option of every choice once.

    For each decision the options are put in a random order, which the paths take in turn; one update follows on the
    gradients of all of them. Where choices have different numbers of options, those with fewer give each option equally
    often (as nearly as can be), and of a long range each path gets another stretch.

    Attributes:
        n_paths: in a step; as many as the largest choice has options if not given, at most 8.

    Differs from the paper in that choices may have different numbers of options, and in that what several paths of a
    step use (the stem, say) moves by the mean of their gradients.

    Example:
        >>> from netwright import choice, nn
        >>> operation = choice({"a": nn.ReLU(), "b": nn.SiLU(), "c": nn.GELU()}, label="op")
        >>> paths = StrictFairness().begin(Space(nn.Sequential(operation)))
        >>> sorted(turn.arch["op"] for turn in paths.step(np.random.default_rng(0), 0.0, lambda arch: 0.0))
        ['a', 'b', 'c']

    Raises:
        InvalidInput: if `n_paths` is below 1.
    """

    n_paths: int | None = None

    def __post_init__(self) -> None:
        if self.n_paths is not None and (not isinstance(self.n_paths, int) or self.n_paths < 1):
            raise InvalidInput(f"`n_paths` of StrictFairness must be at least 1, but got {self.n_paths!r}.")

    def begin(self, space: Space, costs: Costs | None = None) -> FairPaths:
        """The paths of a training."""
        counts = [int(_whole(decision.domain).count) for decision in space.decisions if _is_choice(decision.domain)]
        return FairPaths(space, self.n_paths or min(_MOST_PATHS, max(counts, default=2)))


@dataclass(frozen=True, slots=True)
class FairPaths:
    """The paths of one training; see `StrictFairness`."""

    space: Space
    n_paths: int

    def step(self, rng: np.random.Generator, progress: float, score: Score) -> Sequence[Turn]:
        """Paths that have all options once."""
        arches = self._arches(rng)
        for _ in range(_TRIES):
            if all(map(self.space.allowed, arches)):
                break
            arches = self._arches(rng)
        else:
            arches = [arch if self.space.allowed(arch) else self.space.sample(rng) for arch in arches]
        return tuple(Turn(arch) for arch in arches)

    def _arches(self, rng: np.random.Generator) -> list[Arch]:
        n = self.n_paths
        taken: list[dict[str, Decided]] = [{} for _ in range(n)]
        for decision in self.space.decisions:
            # A stretch of [0, 1) for each path: a choice of n options gives each of them once.
            places = (rng.permutation(n) + rng.random(n)) / n
            for decisions, place in zip(taken, places.tolist(), strict=True):
                if decision.active(decisions):
                    decisions[decision.name] = decision.domain.draw(place)
        return [Arch(decisions) for decisions in taken]


def _is_choice(domain: object) -> bool:
    return isinstance(_whole(domain), Categorical)


def _whole(domain: object) -> Categorical:
    return domain.kept if isinstance(domain, Part) else domain  # type: ignore[return-value]  # the caller looks
