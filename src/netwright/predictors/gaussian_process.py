"""`GaussianProcess`: a sum of kernels of arches whose weights are learned; it takes in further arches cheaply."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from netwright.core.arch import Arch
from netwright.core.errors import InvalidInput
from netwright.core.protocols import SearchSpace
from netwright.predictors.depths import Depths
from netwright.predictors.encodings import Canonical, Imputed, OneHot, Paths
from netwright.predictors.kernels import Hamming, Kernel, Linear, Single, SquaredExponential
from netwright.predictors.learning import NormalScores, checked_losses
from netwright.predictors.protocols import Encoding, Fitted, Numbers
from netwright.predictors.proxies import Consensus, Proxies
from netwright.predictors.steps import Steps
from netwright.predictors.whole_space import encoded, has_reals, kept_for, whole_space

__all__ = ["FittedGaussianProcess", "GaussianProcess", "kernels_for"]

Learned: TypeAlias = Literal["normal_scores", "losses"]
"""What is learned: the normal scores of the losses, or the losses as they are (shifted and scaled)."""

_NOISE = -2.5  # the logarithm of the noise's variance before anything is learned, where the scores' variance is 1
_LEVEL = 1.0  # the variance of what all scores have in common: see `GaussianProcess`
_TRUST = np.log(0.5)  # the logarithm of how much proxies count before anything is learned
_JITTER = 1e-6
_LATER, _N_LATER = -3.0, 2  # the logarithm of how much less the kernels of proxies count at first; how many there are
_MOST_LEARNED_FROM = 300  # arches by which the weights are learned; all count for what is guessed
_LOOKED_AT = 20  # random arches, to see whether ways say anything
_EVALUATIONS = 12  # of the marginal likelihood's descent


@dataclass(frozen=True, slots=True)
class GaussianProcess:
    """Gaussian process regression with kernels for architectures.

    Rasmussen & Williams 2006, https://gaussianprocess.org/gpml; with Weisfeiler–Lehman kernels for architectures in Ru
    et al. 2021, https://arxiv.org/abs/2006.07556. The covariance is a weighted sum of kernels. The weights, the
    kernels' own parameters and the noise are the most probable ones: marginal likelihood times a log-normal prior.

    The level of the scores is unknown, too: a search's records are better than the space, and a process around their
    mean would take what is far from all of them to be as good as they are.

    Args:
        kernels: what is summed up; those of `kernels_for(space)` if not given.
        targets: `normal_scores` of the losses, so that no outlier counts; or the `losses` as they are.
        proxies: cheap scores that say something before anything is known. Their consensus is what the process expects
            at first, times a factor that is learned; and there are kernels of them, smooth and linear, for what the
            records say of them.

    Example:
        >>> from netwright.spaces import Space, choice
        >>> space = Space({f"x{i}": choice([0, 1, 2]) for i in range(4)})
        >>> arches = list(space.enumerate())[::4]
        >>> losses = np.array([float(sum(arch.values())) for arch in arches])
        >>> fitted = GaussianProcess().fit(space, arches, losses, np.random.default_rng(0))
        >>> mean, std = fitted.predict([Arch(dict.fromkeys(arches[0], 0)), Arch(dict.fromkeys(arches[0], 2))])
        >>> bool(mean[0] < 2 and mean[1] > 6)
        True

    Raises:
        InvalidInput: if `targets` is something else.
    """

    kernels: tuple[Kernel, ...] = ()
    targets: Learned = "normal_scores"
    proxies: Proxies | None = None

    def __post_init__(self) -> None:
        if self.targets not in get_args(Learned) or not isinstance(self.kernels, tuple):
            raise InvalidInput(
                f"a GaussianProcess needs a tuple of kernels and `targets` of {' or '.join(get_args(Learned))}, "
                f"but got kernels={self.kernels!r}, targets={self.targets!r}."
            )

    def fit(
        self, space: SearchSpace, arches: Sequence[Arch], losses: Numbers, rng: np.random.Generator
    ) -> FittedGaussianProcess:
        """Learn the weights, then the arches. No random number is drawn."""
        losses = checked_losses(arches, losses)
        kernels = self.kernels or kernels_for(space)
        expectation = None
        if self.proxies is not None:
            kernels += SquaredExponential(self.proxies), Linear(self.proxies)
            expectation = Consensus(self.proxies)
        scale = _Scale.of(losses, self.targets)
        features = [kernel.features(space, arches) for kernel in kernels]
        few = np.arange(len(arches))
        if len(arches) > _MOST_LEARNED_FROM:  # evenly over the ranks: good arches and bad ones
            order = np.argsort(losses, kind="stable")
            few = np.sort(order[np.linspace(0, len(order) - 1, _MOST_LEARNED_FROM).astype(np.intp)])
        guesses = np.zeros(len(arches)) if expectation is None else encoded(space, expectation, arches)[:, 0]
        covariance = _Covariance.learned(
            kernels,
            [kernel.start(space) for kernel in kernels],
            [f[few] for f in features],
            scale.forward(losses)[few],
            expectation,
            guesses[few],
        )
        return FittedGaussianProcess(space, covariance, arches, losses, self.targets)


def kernels_for(space: SearchSpace) -> tuple[Kernel, ...]:
    """The kernels that suit a space: of its decisions, and of its graphs where all of them can be kept.

    Where there is a real, what is inactive counts as the mean of its values (`Imputed`).

    Example:
        >>> from netwright.spaces import Space, real
        >>> [type(kernel).__name__ for kernel in kernels_for(Space({"lr": real(0.1, 1.0)}))]
        ['Hamming', 'Linear']
    """
    if has_reals(space):
        imputed = Canonical(Imputed())
        return Hamming(encoding=imputed), Linear(imputed)
    decisions = Canonical(OneHot())
    if hasattr(space, "graph") and whole_space(space) is not None:
        few = [space.sample(np.random.default_rng(seed)) for seed in range(_LOOKED_AT)]
        if np.ptp(Paths(skips=False)(space, few), axis=0).any():  # else a chain, in which no way comes twice
            depths = Depths()
            smooth = SquaredExponential(decisions), SquaredExponential(depths)
            return *smooth, Linear(depths), Linear(decisions), Linear(Steps())
    return Hamming(), Linear(decisions)


class FittedGaussianProcess:
    """A Gaussian process that has learned, and can take in more.

    What it says about a tuple of arches is kept: to ask about the same tuple again costs only what was added since.
    """

    def __init__(
        self, space: SearchSpace, covariance: _Covariance, arches: Sequence[Arch], losses: Numbers, targets: Learned
    ) -> None:
        self.space = space
        self.covariance = covariance
        self._targets = targets
        self._scale = _Scale.of(losses, targets)
        self._scores = self._scale.forward(losses)
        self._features = covariance.features(space, arches)
        self._expected = covariance.expected(space, arches)
        own = covariance(self._features, self._features)
        own[np.diag_indices_from(own)] += covariance.noise
        self._factor = np.linalg.cholesky(own)
        self._pool: _Pool | None = None

    def __len__(self) -> int:
        return len(self._scores)

    def add(self, arches: Sequence[Arch], losses: Numbers) -> None:
        """Take in more arches, with the weights as they are.

        Args:
            arches: the new ones.
            losses: of all arches, the old ones first.
        """
        losses = np.asarray(losses, dtype=np.float64)
        if len(losses) != len(self) + len(arches):
            raise InvalidInput(
                f"`losses` must be those of the {len(self)} old and {len(arches)} new arches, but has {len(losses)}."
            )
        self._scale = _Scale.of(losses, self._targets)
        self._scores = self._scale.forward(losses)
        for i in range(len(arches)):  # one after the other: the same numbers however many come at a time
            new = self.covariance.features(self.space, arches[i : i + 1])
            row = _solved(self._factor, self.covariance(self._features, new))[:, 0]
            own = float(self.covariance.diagonal(new)[0]) + self.covariance.noise - float(row @ row)
            size = len(self._factor)
            factor = np.zeros((size + 1, size + 1))
            factor[:size, :size], factor[size, :size], factor[size, size] = self._factor, row, max(own, _JITTER) ** 0.5
            self._factor = factor
            self._features = [np.vstack([old, more]) for old, more in zip(self._features, new, strict=True)]
            self._expected = np.append(self._expected, self.covariance.expected(self.space, arches[i : i + 1]))
            if self._pool is not None:
                self._pool.add(self.covariance, new, row, float(factor[size, size]))

    def predict(self, arches: Sequence[Arch]) -> tuple[Numbers, Numbers]:
        """The mean and the standard deviation of each arch's loss; the deviation is without the noise."""
        return self._scale.back(*self._guess(arches))

    def predict_given(self, arches: Sequence[Arch], others: Sequence[Arch], losses: Numbers) -> tuple[Numbers, Numbers]:
        """What it would say if it knew these losses of other arches, such as those that are being evaluated now."""
        mean, std = self._guess(arches)
        if not len(others):
            return self._scale.back(mean, std)
        new = self.covariance.features(self.space, others)
        rows = _solved(self._factor, self.covariance(self._features, new))  # (n, n_others)
        between = self.covariance(new, new) - rows.T @ rows
        between[np.diag_indices_from(between)] += self.covariance.noise + _JITTER
        inner = np.linalg.cholesky(between)
        expected = self.covariance.expected(self.space, others) + self._weights() @ rows
        surprise = _solved(inner, (self._scale.forward(np.asarray(losses)) - expected)[:, None])[:, 0]
        if self._pool is not None and arches is self._pool.arches:
            pool = self._pool
            left = self.covariance(new, pool.features) - (rows.T.astype(np.float32) @ pool.rows)
        else:
            asked = self.covariance.features(self.space, arches)
            left = self.covariance(new, asked) - rows.T @ _solved(self._factor, self.covariance(self._features, asked))
        told = _solved(inner, left)
        variance = np.maximum(std**2 - np.einsum("ij,ij->j", told, told), _JITTER**2)
        return self._scale.back(mean + surprise @ told, np.sqrt(variance))

    def _guess(self, arches: Sequence[Arch]) -> tuple[Numbers, Numbers]:
        """The mean and standard deviation of each score."""
        if not len(arches):
            return np.zeros(0), np.zeros(0)
        weights = self._weights()
        if isinstance(arches, tuple):
            if self._pool is None or self._pool.arches is not arches:
                self._pool = _Pool(self.space, self.covariance, arches, self._features, self._factor)
            return self._pool.guess(weights)
        asked = self.covariance.features(self.space, arches)
        rows = _solved(self._factor, self.covariance(self._features, asked))
        variance = self.covariance.diagonal(asked) - np.einsum("ij,ij->j", rows, rows)
        mean = self.covariance.expected(self.space, arches) + weights @ rows
        return mean, np.sqrt(np.maximum(variance, _JITTER**2))

    def _weights(self) -> Numbers:
        """How far the scores are off what was expected, whitened."""
        off: Numbers = _solved(self._factor, (self._scores - self._expected)[:, None])[:, 0]
        return off


# The parts ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Scale:
    """Losses as scores of mean 0 and variance 1, and back."""

    shift: float
    spread: float
    ranks: NormalScores | None

    @classmethod
    def of(cls, losses: Numbers, targets: Learned) -> _Scale:
        ranks = NormalScores.of(losses) if targets == "normal_scores" else None
        values = losses if ranks is None else ranks.forward(losses)
        spread = float(values.std())
        return cls(float(values.mean()), spread if spread > 0 else 1.0, ranks)

    def forward(self, losses: Numbers) -> Numbers:
        values = losses if self.ranks is None else self.ranks.forward(losses)
        return (values - self.shift) / self.spread

    def back(self, mean: Numbers, std: Numbers) -> tuple[Numbers, Numbers]:
        mean, std = mean * self.spread + self.shift, std * self.spread
        return (mean, std) if self.ranks is None else self.ranks.back(mean, std)


class _Covariance:
    """What is expected at first, a weighted sum of kernels with their parameters, and the variance of the noise."""

    def __init__(
        self,
        kernels: tuple[Kernel, ...],
        logs: Numbers,
        sizes: Sequence[int],
        expectation: Encoding | None = None,
        trust: float = 0.0,
    ) -> None:
        self.kernels = kernels
        self.expectation = expectation
        self.trust = trust
        self.variances = np.exp(logs[: len(kernels)])
        self.parameters = np.split(logs[len(kernels) : -1], np.cumsum(sizes)[:-1])
        self.noise = float(np.exp(logs[-1])) + _JITTER

    @classmethod
    def learned(
        cls,
        kernels: tuple[Kernel, ...],
        starts: list[Numbers],
        features: list[Numbers],
        scores: Numbers,
        expectation: Encoding | None,
        guesses: Numbers,
    ) -> _Covariance:
        """That of the most probable parameters."""
        from scipy.optimize import minimize

        sizes = [len(start) for start in starts]
        later = 0 if expectation is None else _N_LATER
        weights = np.full(len(kernels), -np.log(len(kernels) - later))
        weights[len(kernels) - later :] += _LATER
        prior = np.concatenate([weights, *starts, [_NOISE, _TRUST]])
        if expectation is None:
            prior = prior[:-1]
        until = len(prior) - (expectation is not None)  # the logarithms of the covariance
        fixed = [None if size else k(f, f, s) for k, f, s, size in zip(kernels, features, starts, sizes, strict=True)]

        def loss(logs: Numbers) -> tuple[float, Numbers]:
            """The negative logarithm of the posterior density, and its gradient."""
            made = cls(kernels, logs[:until], sizes)
            trust = np.exp(logs[until:])  # one or none
            parts = [
                kernel(f, f, p) if known is None else known
                for kernel, f, p, known in zip(kernels, features, made.parameters, fixed, strict=True)
            ]
            total = _LEVEL + sum(v * part for v, part in zip(made.variances, parts, strict=True))
            total[np.diag_indices_from(total)] += made.noise
            factor = np.linalg.cholesky(total)
            inverse_factor = _solved(factor, np.eye(len(scores)))
            inverse = inverse_factor.T @ inverse_factor
            off = scores + trust.sum() * guesses
            weights = inverse @ off
            by_prior = 0.5 * np.sum((logs - prior) ** 2)
            value = 0.5 * off @ weights + np.log(np.diagonal(factor)).sum() + by_prior
            slope = 0.5 * (inverse - np.outer(weights, weights))  # by the covariance (Rasmussen & Williams, eq. 5.9)
            own = [v * np.vdot(slope, part) for v, part in zip(made.variances, parts, strict=True)]
            inner = [
                v * np.vdot(slope, by)
                for v, kernel, f, p, part in zip(made.variances, kernels, features, made.parameters, parts, strict=True)
                for by in kernel.gradients(f, p, np.asarray(part, dtype=np.float64))
            ]
            noise = (made.noise - _JITTER) * np.trace(slope)
            by_trust = trust * (guesses @ weights)
            return float(value), np.array([*own, *inner, noise, *by_trust]) + logs - prior

        found = minimize(loss, prior, jac=True, method="L-BFGS-B", bounds=[(p - 6, p + 6) for p in prior],
                         options={"maxfun": _EVALUATIONS})  # fmt: skip
        return cls(kernels, found.x[:until], sizes, expectation, float(np.exp(found.x[until:]).sum()))

    def expected(self, space: SearchSpace, arches: Sequence[Arch]) -> Numbers:
        """The scores before anything is known; those of proxies are the higher the better."""
        if self.expectation is None:
            return np.zeros(len(arches))
        guesses: Numbers = encoded(space, self.expectation, arches)[:, 0]
        return -self.trust * guesses

    def features(self, space: SearchSpace, arches: Sequence[Arch]) -> list[Numbers]:
        return [kernel.features(space, arches) for kernel in self.kernels]

    def __call__(self, first: Sequence[Single], second: Sequence[Single]) -> Any:
        total: Any = _LEVEL
        for kernel, variance, parameters, a, b in zip(
            self.kernels, self.variances, self.parameters, first, second, strict=True
        ):
            if a.dtype != b.dtype:  # a pool is in single precision
                a = a.astype(np.float32)  # noqa: PLW2901
                b = b.astype(np.float32)  # noqa: PLW2901
            part = kernel(a, b, parameters)
            part *= part.dtype.type(variance)
            total = part + total
        return total

    def diagonal(self, features: Sequence[Single]) -> Numbers:
        total = np.full(len(features[0]), _LEVEL)
        for kernel, variance, parameters, own in zip(
            self.kernels, self.variances, self.parameters, features, strict=True
        ):
            total += variance * kernel.diagonal(own, parameters)
        return total


_pool_features: weakref.WeakKeyDictionary[SearchSpace, dict[Kernel, tuple[tuple[Arch, ...], Single]]]
_pool_features = weakref.WeakKeyDictionary()


def _features_of_pool(space: SearchSpace, kernel: Kernel, arches: tuple[Arch, ...]) -> Single:
    """In single precision; kept for the last pool of each kernel, as that is asked about again and again."""
    known = kept_for(_pool_features, space)
    if kernel not in known or known[kernel][0] is not arches:
        known[kernel] = arches, np.ascontiguousarray(kernel.features(space, arches), dtype=np.float32)
    return known[kernel][1]


class _Pool:
    """What is known about a tuple of arches: their covariance with the arches learned from, whitened."""

    def __init__(
        self,
        space: SearchSpace,
        covariance: _Covariance,
        arches: tuple[Arch, ...],
        features: list[Numbers],
        factor: Numbers,
    ) -> None:
        self.arches = arches
        self.expected = covariance.expected(space, arches)
        self.features = [_features_of_pool(space, kernel, arches) for kernel in covariance.kernels]
        size = len(factor)
        self._table = np.empty((size + 16, len(arches)), dtype=np.float32)
        inverse = _solved(factor, np.eye(size)).astype(np.float32)
        np.matmul(inverse, covariance(features, self.features), out=self._table[:size])
        self.rows = self._table[:size]
        self.variance = covariance.diagonal(self.features) - np.einsum("ij,ij->j", self.rows, self.rows)

    def add(self, covariance: _Covariance, new: list[Numbers], row: Numbers, own: float) -> None:
        """Take in one more arch."""
        size = len(self.rows)
        if size == len(self._table):
            self._table = np.concatenate([self._table, np.empty_like(self._table)])
            self.rows = self._table[:size]
        told = covariance(new, self.features)[0]
        told -= row.astype(np.float32) @ self.rows
        told /= np.float32(own)
        self._table[size] = told
        self.rows = self._table[: size + 1]
        self.variance -= told * told

    def guess(self, weights: Numbers) -> tuple[Numbers, Numbers]:
        mean = self.expected + (weights.astype(np.float32) @ self.rows).astype(np.float64)
        return mean, np.sqrt(np.maximum(self.variance, _JITTER**2))


def _solved(factor: Numbers, right: Numbers) -> Numbers:
    """The solution of a lower triangular system."""
    from scipy.linalg import solve_triangular

    solution: Numbers = solve_triangular(factor, right, lower=True, check_finite=False)
    return solution


_: type[Fitted] = FittedGaussianProcess
