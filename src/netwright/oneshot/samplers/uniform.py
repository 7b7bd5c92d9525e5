"""Uniform sampling: each step trains one random path (Guo et al. 2020, SPOS, https://arxiv.org/abs/1904.00420)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netwright.oneshot.extremes import Costs
from netwright.oneshot.samplers.path_sampler import Score, Turn
from netwright.spaces import Space

__all__ = ["Uniform"]


@dataclass(frozen=True, slots=True)
class Uniform:
    """Each step trains one path, every decision of which is drawn uniformly.

    Example:
        >>> from netwright import choice, nn
        >>> paths = Uniform().begin(Space(nn.Sequential(choice([nn.ReLU(), nn.SiLU()]))))
        >>> [dict(turn.arch) for turn in paths.step(np.random.default_rng(0), 0.0, lambda arch: 0.0)]
        [{'0': 'SiLU'}]
    """

    def begin(self, space: Space, costs: Costs | None = None) -> UniformPaths:
        """The paths of a training."""
        return UniformPaths(space)


@dataclass(frozen=True, slots=True)
class UniformPaths:
    """The paths of one training; see `Uniform`."""

    space: Space

    def step(self, rng: np.random.Generator, progress: float, score: Score) -> Sequence[Turn]:
        """One random path."""
        return (Turn(self.space.sample(rng)),)
