"""Covariances of arches for a Gaussian process: smooth or linear in an encoding.

The encoding makes the kernel: of the decisions (`OneHot`) it is the Hamming kernel, of the ways through the network
(`Paths`) the path kernel, of neighbourhoods in its graph (`GraphFeatures`) the Weisfeiler–Lehman kernel.

Features are centred and scaled by what they are in random arches of the space, so that a kernel means the same before
the first record as after the thousandth, and for three decisions as for thirty.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np

from netwright.core.arch import Arch
from netwright.core.errors import InvalidInput
from netwright.core.protocols import SearchSpace
from netwright.predictors.encodings import Canonical, GraphFeatures, OneHot, Paths
from netwright.predictors.protocols import Encoding, Numbers
from netwright.predictors.proxies import Proxies
from netwright.predictors.whole_space import distinct, encoded, kept_for

__all__ = ["Hamming", "Kernel", "Linear", "SquaredExponential", "path_kernel", "weisfeiler_lehman_kernel"]

Single: TypeAlias = "np.ndarray[Any, np.dtype[np.floating[Any]]]"
"""An array of doubles, or of single precision where many arches are scored."""

_SAMPLES = 500  # random arches by which features are scaled


class Kernel(Protocol):
    """A covariance of arches with a variance of about one. A frozen, hashable dataclass.

    Its parameters are logarithms, so that any numbers are allowed; their prior is normal around `start`, with a
    standard deviation of one.
    """

    def features(self, space: SearchSpace, arches: Sequence[Arch]) -> Numbers:
        """What the covariance is computed from, shape (n_arches, n_features)."""
        ...

    def start(self, space: SearchSpace) -> Numbers:
        """The parameters before anything is learned, shape (n_parameters,)."""
        ...

    def __call__(self, first: Single, second: Single, parameters: Numbers) -> Single:
        """The covariance of each of the first with each of the second, shape (n_first, n_second)."""
        ...

    def diagonal(self, features: Single, parameters: Numbers) -> Single:
        """The variance of each, shape (n_arches,)."""
        ...

    def gradients(self, features: Numbers, parameters: Numbers, value: Numbers) -> list[Numbers]:
        """The derivatives of `value`, the covariance of all with all, by each parameter."""
        ...


@dataclass(frozen=True, slots=True)
class SquaredExponential:
    """Smooth: arches whose encodings are near each other are alike, in any direction.

    exp(-d² / (2 · scale · v)) for the distance d, where v is the total variance of the encoding over random arches.

    Args:
        encoding: of the arches.
        scale: how far likeness reaches, relative to the space.

    Example:
        >>> from netwright.spaces import Space, choice
        >>> space = Space({"a": choice([0, 1]), "b": choice([0, 1])})
        >>> kernel = SquaredExponential(OneHot())
        >>> features = kernel.features(space, list(space.enumerate()))
        >>> kernel(features, features, kernel.start(space)).shape
        (4, 4)

    Raises:
        InvalidInput: if `scale` isn't above 0.
    """

    encoding: Encoding
    scale: float = 0.5

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise InvalidInput(f"`scale` of SquaredExponential must be above 0, but got {self.scale}.")

    def features(self, space: SearchSpace, arches: Sequence[Arch]) -> Numbers:
        return _scaled(space, self.encoding, arches) / self.scale**0.5

    def start(self, space: SearchSpace) -> Numbers:
        return np.zeros(0)

    def __call__(self, first: Single, second: Single, parameters: Numbers) -> Single:
        return np.exp(-0.5 * _squared_distances(first, second))

    def diagonal(self, features: Single, parameters: Numbers) -> Single:
        return np.ones(len(features), dtype=features.dtype)

    def gradients(self, features: Numbers, parameters: Numbers, value: Numbers) -> list[Numbers]:
        return []


@dataclass(frozen=True, slots=True)
class Linear:
    """Linear in the encoding: each feature adds its share, whatever the others are.

    Args:
        encoding: of the arches.

    Example:
        >>> from netwright.spaces import Space, choice
        >>> space = Space({"a": choice([0, 1]), "b": choice([0, 1])})
        >>> kernel = Linear(OneHot())
        >>> features = kernel.features(space, [space.default()])
        >>> bool(kernel(features, features, kernel.start(space)) == kernel.diagonal(features, kernel.start(space)))
        True
    """

    encoding: Encoding

    def features(self, space: SearchSpace, arches: Sequence[Arch]) -> Numbers:
        return _scaled(space, self.encoding, arches)

    def start(self, space: SearchSpace) -> Numbers:
        return np.zeros(0)

    def __call__(self, first: Single, second: Single, parameters: Numbers) -> Single:
        return first @ second.T

    def diagonal(self, features: Single, parameters: Numbers) -> Single:
        return np.einsum("ij,ij->i", features, features)

    def gradients(self, features: Numbers, parameters: Numbers, value: Numbers) -> list[Numbers]:
        return []


@dataclass(frozen=True, slots=True)
class Hamming:
    """Smooth in the decisions, each of which counts as much as the records say (automatic relevance determination).

    exp(-Σ w_i · d_i²) over the decisions: for a choice, d_i is whether the two differ (a Hamming distance); for a
    number, how far apart they are. The weights w_i are learned.

    Args:
        scale: how far likeness reaches before anything is learned, relative to the space.
        most: decisions of a space up to which each has a weight of its own; beyond, all share one.
        encoding: of the arches: `OneHot`, or `Canonical(OneHot())` for arches that work the same to look the same.

    Example:
        >>> from netwright.spaces import Space, choice
        >>> space = Space({"a": choice([0, 1]), "b": choice([0, 1])})
        >>> Hamming().start(space).tolist()
        [0.0, 0.0]

    Raises:
        InvalidInput: if `scale` isn't above 0 or `most` is negative.
    """

    scale: float = 0.5
    most: int = 40
    encoding: Encoding = field(default_factory=lambda: Canonical(OneHot()))

    def __post_init__(self) -> None:
        if not self.scale > 0 or self.most < 0:
            raise InvalidInput(
                "`scale` of Hamming must be above 0 and `most` at least 0, but got "
                f"scale={self.scale}, most={self.most}."
            )

    def features(self, space: SearchSpace, arches: Sequence[Arch]) -> Numbers:
        groups = _decision_of_column(space)
        n_groups = int(groups[-1]) + 1
        centred, variance = _centred(space, self.encoding, arches)
        own = np.bincount(groups, variance)  # of each decision: so that all count alike at first
        scaled = centred / np.sqrt(np.where(own > 0, own, 1.0) * n_groups * self.scale)[groups]
        # The last column tells `__call__` nothing: which decision a column belongs to is in its place.
        return _by_decision(scaled, groups) if n_groups <= self.most else scaled

    def start(self, space: SearchSpace) -> Numbers:
        n_groups = int(_decision_of_column(space)[-1]) + 1
        return np.zeros(n_groups if n_groups <= self.most else 1)

    def __call__(self, first: Single, second: Single, parameters: Numbers) -> Single:
        weights = np.exp(0.5 * np.repeat(parameters, first.shape[1] // len(parameters))).astype(first.dtype)
        return np.exp(-0.5 * _squared_distances(first * weights, second * weights))

    def diagonal(self, features: Single, parameters: Numbers) -> Single:
        return np.ones(len(features), dtype=features.dtype)

    def gradients(self, features: Numbers, parameters: Numbers, value: Numbers) -> list[Numbers]:
        blocks = features.reshape(len(features), len(parameters), -1)
        return [
            -0.5 * np.exp(weight) * _squared_distances(blocks[:, i], blocks[:, i]) * value
            for i, weight in enumerate(parameters)
        ]


def path_kernel(scale: float = 1.5) -> SquaredExponential:
    """Smooth in how often each way from input to output is in the network (White et al. 2021, arXiv:1910.11858).

    Example:
        >>> path_kernel()
        SquaredExponential(encoding=Paths(skips=False, most=2000), scale=1.5)
    """
    return SquaredExponential(Paths(skips=False), scale)


def weisfeiler_lehman_kernel(depth: int = 1) -> Linear:
    """Linear in how often each neighbourhood is in the network's graph (Ru et al. 2021, arXiv:2006.07556).

    Example:
        >>> weisfeiler_lehman_kernel()
        Linear(encoding=GraphFeatures(depth=1, most=2000))
    """
    return Linear(GraphFeatures(depth))


# Scaling --------------------------------------------------------------------------------------------------------------

_moments: weakref.WeakKeyDictionary[SearchSpace, dict[Encoding, tuple[Numbers, Numbers]]] = weakref.WeakKeyDictionary()


def _moments_of(space: SearchSpace, encoding: Encoding) -> tuple[Numbers, Numbers]:
    """The mean and the variance of each feature over random networks of the space: always the same ones."""
    if isinstance(encoding, Proxies):
        return encoding.moments(space)
    known = kept_for(_moments, space)
    if encoding not in known:
        rng = np.random.default_rng(0)
        features = encoded(space, encoding, distinct(space, [space.sample(rng) for _ in range(_SAMPLES)]))
        known[encoding] = features.mean(axis=0), features.var(axis=0)
    return known[encoding]


def _centred(space: SearchSpace, encoding: Encoding, arches: Sequence[Arch]) -> tuple[Numbers, Numbers]:
    mean, variance = _moments_of(space, encoding)
    return encoded(space, encoding, arches) - mean, variance


def _scaled(space: SearchSpace, encoding: Encoding, arches: Sequence[Arch]) -> Numbers:
    centred, variance = _centred(space, encoding, arches)
    total = float(variance.sum())
    return centred / (total**0.5 if total > 0 else 1.0)


def _squared_distances(first: Single, second: Single) -> Single:
    squares = np.einsum("ij,ij->i", first, first)[:, None] + np.einsum("ij,ij->i", second, second)[None, :]
    squares -= 2 * (first @ second.T)
    return np.maximum(squares, 0, out=squares)


def _decision_of_column(space: SearchSpace) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Which decision each column of `space.encode` belongs to; each is one of its own if the space doesn't say."""
    decisions = getattr(space, "decisions", None)
    if decisions is None:
        return np.arange(max(1, len(space.encode(space.default()))))
    widths = [decision.domain.width + bool(decision.conditions) for decision in decisions]
    return np.repeat(np.arange(len(widths)), widths) if widths else np.zeros(1, dtype=np.intp)


def _by_decision(features: Numbers, groups: np.ndarray[Any, np.dtype[np.intp]]) -> Numbers:
    """The columns of each decision side by side, all as wide as the widest; shape (n, n_groups · widest)."""
    counts = np.bincount(groups)
    widest = int(counts.max())
    place = np.arange(len(groups)) - np.repeat(np.cumsum(counts) - counts, counts)
    table = np.zeros((len(features), len(counts) * widest))
    table[:, groups * widest + place] = features
    return table
