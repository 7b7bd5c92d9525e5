"""How promising an arch is, by what a predictor says about it: what Bayesian optimisation maximises."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np

from netwright.core.errors import InvalidInput, unknown
from netwright.strategies.numbers import check_numbers

__all__ = [
    "Acquisition",
    "AmongBest",
    "AugmentedExpectedImprovement",
    "EpsilonGreedy",
    "ExpectedImprovement",
    "Thompson",
    "UpperConfidenceBound",
    "acquisition_from",
]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"


class Acquisition(Protocol):
    """From predictions to promises. A frozen, hashable dataclass; random numbers come from `rng` only."""

    def __call__(self, mean: Numbers, std: Numbers, best: float, rng: np.random.Generator) -> Numbers:
        """The promise of each arch, higher is better, shape (n_arches,).

        Args:
            mean: of each arch's loss (lower is better), shape (n_arches,).
            std: its standard deviation, not negative.
            best: the least loss so far.
            rng: for those that draw.
        """
        ...


@dataclass(frozen=True, slots=True)
class ExpectedImprovement:
    """By how much an arch is expected to be better than the best so far, where being worse counts as nothing.

    Mockus et al. 1978; Jones et al. 1998, https://doi.org/10.1023/A:1008306431147. Computed as a logarithm (Ament et
    al. 2023, https://arxiv.org/abs/2310.20708), so that it tells arches apart also where hardly any is left.

    Args:
        margin: by how much an arch has to be better.
        least: an improvement that is worth an evaluation. If no arch is expected to improve by as much, there is
            nothing to be gained by looking where little is known: then the mean alone decides. 0: never.

    Example:
        >>> promise = ExpectedImprovement()
        >>> found = promise(np.array([0.0, 1.0, 1.0]), np.array([1.0, 1.0, 2.0]), 0.0, np.random.default_rng(0))
        >>> np.exp(found).round(3).tolist()
        [0.399, 0.083, 0.396]

    Raises:
        InvalidInput: if `margin` or `least` is negative.
    """

    margin: float = 0.0
    least: float = 0.0

    def __post_init__(self) -> None:
        check_numbers(self)
        if not (self.margin >= 0 and self.least >= 0):
            raise InvalidInput(
                "`margin` and `least` of ExpectedImprovement must be at least 0, but got "
                f"margin={self.margin}, least={self.least}."
            )

    def __call__(self, mean: Numbers, std: Numbers, best: float, rng: np.random.Generator) -> Numbers:
        std = np.maximum(std, 1e-12)
        found = _log_improvement((best - self.margin - mean) / std) + np.log(std)
        if self.least and np.exp(found.max()) < self.least:
            return -mean
        return found


@dataclass(frozen=True, slots=True)
class AugmentedExpectedImprovement:
    """`ExpectedImprovement` times how much an evaluation would tell: little of what is known as well as a record.

    Huang et al. 2006, https://doi.org/10.1007/s10898-005-2454-3: for losses with noise, or a model that takes them to
    have some. `best` is then not the least loss but the least that the model takes a record to have. A logarithm, too.

    Args:
        doubt: the standard deviation that is left where there is a record (in the paper, the noise's).

    Example:
        >>> promise = AugmentedExpectedImprovement(doubt=0.5)
        >>> found = promise(np.zeros(3), np.array([0.1, 0.5, 1.0]), 0.0, np.random.default_rng(0))
        >>> np.exp(found).round(4).tolist()
        [0.0008, 0.0584, 0.2205]

    Raises:
        InvalidInput: if `doubt` is negative.
    """

    doubt: float

    def __post_init__(self) -> None:
        check_numbers(self)
        if not self.doubt >= 0:
            raise InvalidInput(f"`doubt` of AugmentedExpectedImprovement must be at least 0, but got {self.doubt}.")

    def __call__(self, mean: Numbers, std: Numbers, best: float, rng: np.random.Generator) -> Numbers:
        std = np.maximum(std, 1e-12)
        total = np.hypot(std, self.doubt)
        # 1 - doubt / total, without the difference of nearly equal numbers
        told: Numbers = 2 * np.log(std) - np.log(total) - np.log(total + self.doubt)
        return ExpectedImprovement()(mean, std, best, rng) + told


@dataclass(frozen=True, slots=True)
class UpperConfidenceBound:
    """What an arch may well reach: its mean, and some standard deviations on top.

    Srinivas et al. 2010, https://arxiv.org/abs/0912.3995. Of losses it is a lower bound.

    Args:
        width: how many standard deviations; with so few, what is promising is nearly what is expected to be good.

    Example:
        >>> promise = UpperConfidenceBound(width=2)
        >>> promise(np.array([0.0, 1.0]), np.array([1.0, 2.0]), 0.0, np.random.default_rng(0)).tolist()
        [2.0, 3.0]

    Raises:
        InvalidInput: if `width` is negative.
    """

    width: float = 0.3

    def __post_init__(self) -> None:
        check_numbers(self)
        if not self.width >= 0:
            raise InvalidInput(f"`width` of UpperConfidenceBound must be at least 0, but got {self.width}.")

    def __call__(self, mean: Numbers, std: Numbers, best: float, rng: np.random.Generator) -> Numbers:
        return self.width * std - mean


@dataclass(frozen=True, slots=True)
class Thompson:
    """What each arch turns out to be in a world drawn at random, each on its own.

    Independent Thompson sampling of White et al. 2021, BANANAS, https://arxiv.org/abs/1910.11858. Thompson's of 1933
    draws all arches from one joint distribution.

    Example:
        >>> Thompson()(np.array([0.0, 9.0]), np.array([1.0, 1.0]), 0.0, np.random.default_rng(0)).argmax()
        np.int64(0)
    """

    def __call__(self, mean: Numbers, std: Numbers, best: float, rng: np.random.Generator) -> Numbers:
        return -(mean + std * rng.standard_normal(len(mean)))


@dataclass(frozen=True, slots=True)
class EpsilonGreedy:
    """Mostly what is expected to be best; now and then what another acquisition promises most of.

    De Ath et al. 2021, Greed Is Good, https://arxiv.org/abs/1911.12809: what expected improvement looks into is often
    what the model knows least, not what is good. Differs from the paper, where the exception is a random trade-off
    between mean and standard deviation, in that it is another acquisition, and in that greed leaves some doubt.

    Args:
        epsilon: how often the other one is asked.
        other: the other one.
        width: how many standard deviations the mean is improved by where it isn't asked.

    Example:
        >>> promise = EpsilonGreedy(epsilon=0.0, width=0.5)
        >>> promise(np.array([0.0, 1.0]), np.array([1.0, 2.0]), 0.0, np.random.default_rng(0)).tolist()
        [0.5, 0.0]

    Raises:
        InvalidInput: if `epsilon` isn't in [0, 1] or `width` is negative.
    """

    epsilon: float = 0.5
    other: Acquisition = field(default_factory=ExpectedImprovement)
    width: float = 0.3

    def __post_init__(self) -> None:
        check_numbers(self)
        if not (0 <= self.epsilon <= 1 and self.width >= 0):
            raise InvalidInput(
                "`epsilon` of EpsilonGreedy must be in [0, 1] and `width` at least 0, but got "
                f"epsilon={self.epsilon}, width={self.width}."
            )

    def __call__(self, mean: Numbers, std: Numbers, best: float, rng: np.random.Generator) -> Numbers:
        if rng.random() < self.epsilon:
            return self.other(mean, std, best, rng)
        return self.width * std - mean


@dataclass(frozen=True, slots=True)
class AmongBest:
    """Any of those that are expected to be among the best; or now and then the one that is expected to be the best.

    For predictors that know the neighbourhood of good arches better than which of them is the best: as in Wu et al.
    2021, WeakNAS, https://arxiv.org/abs/2102.10490, and Dudziak et al. 2020, BRP-NAS, https://arxiv.org/abs/2007.08668.

    Args:
        share: of the arches that are looked at: so many are among the best.
        greedy: how often the best one itself is taken.

    Example:
        >>> promise = AmongBest(share=0.5)
        >>> found = promise(np.array([0.0, 1.0, 2.0, 3.0]), np.ones(4), 0.0, np.random.default_rng(0))
        >>> sorted(np.argsort(-found)[:2].tolist())
        [0, 1]

    Raises:
        InvalidInput: if `share` isn't in (0, 1] or `greedy` not in [0, 1].
    """

    share: float = 0.05
    greedy: float = 0.0

    def __post_init__(self) -> None:
        check_numbers(self)
        if not (0 < self.share <= 1 and 0 <= self.greedy <= 1):
            raise InvalidInput(
                "`share` of AmongBest must be in (0, 1] and `greedy` in [0, 1], but got "
                f"share={self.share}, greedy={self.greedy}."
            )

    def __call__(self, mean: Numbers, std: Numbers, best: float, rng: np.random.Generator) -> Numbers:
        places = np.argsort(np.argsort(mean, kind="stable"))  # 0 is the best; also those that are evaluated count
        if rng.random() < self.greedy:
            return -places.astype(np.float64)
        among = places < max(1, round(self.share * len(mean)))
        return np.where(among, rng.random(len(mean)), -1.0 - places)


_NAMED: dict[str, type[ExpectedImprovement | UpperConfidenceBound | Thompson | EpsilonGreedy | AmongBest]] = {
    "epsilon_greedy": EpsilonGreedy,
    "expected_improvement": ExpectedImprovement,
    "upper_confidence_bound": UpperConfidenceBound,
    "thompson": Thompson,
    "among_best": AmongBest,
}


def acquisition_from(given: str | Acquisition) -> Acquisition:
    """An acquisition from its name, or the object itself.

    Example:
        >>> acquisition_from("thompson")
        Thompson()

    Raises:
        NotFound: for an unknown name.
        InvalidInput: if it can't be called.
    """
    if isinstance(given, str):
        if given not in _NAMED:
            raise unknown("acquisition", given, _NAMED)
        return _NAMED[given]()
    if not callable(given) or isinstance(given, type):
        raise InvalidInput(f"`acquisition` must be one of {', '.join(_NAMED)}, or such an object, but got {given!r}.")
    return given


def _log_improvement(z: Numbers) -> Numbers:
    """The logarithm of φ(z) + z Φ(z), for any z."""
    from scipy.special import erfcx, ndtr

    found = np.empty_like(z)
    near = z > -1
    at = z[near]
    found[near] = np.log(np.exp(-0.5 * at * at) / np.sqrt(2 * np.pi) + at * ndtr(at))
    far = z[~near]
    # φ(z) (1 + z Φ(z) / φ(z)), and Φ(z) / φ(z) = √(π/2) erfcx(-z / √2); a series where even that is lost.
    inner = 1 + far * np.sqrt(np.pi / 2) * erfcx(-far / np.sqrt(2))
    safe = np.where(far < -1e3, 1.0, np.maximum(inner, 1e-300))
    found[~near] = (
        -0.5 * far * far
        - 0.5 * np.log(2 * np.pi)
        + np.where(far < -1e3, -2 * np.log(-np.minimum(far, -1.0)), np.log(safe))
    )
    return found
