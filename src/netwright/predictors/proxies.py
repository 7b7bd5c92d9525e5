"""`Proxies`: cheap scores of an arch (zero-cost proxies, FLOPs, parameters) as features, and as a first guess."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, cast

import numpy as np

from netwright.core.arch import Arch
from netwright.core.errors import EvaluationError, InvalidInput
from netwright.core.protocols import SearchSpace
from netwright.predictors.encodings import Joined
from netwright.predictors.learning import NormalScores
from netwright.predictors.protocols import Encoding, Numbers, Predictor
from netwright.predictors.whole_space import distinct, kept_for, whole_space

__all__ = ["Consensus", "Proxies", "with_proxies"]

Scores: TypeAlias = "Callable[[Arch], Mapping[str, float]]"
"""From an arch to cheap scores by name, higher is better; the same each time."""

_NOTHING = -1.0  # the score of an arch of which no proxy says anything: what can't be scored is seldom good


@dataclass(frozen=True, slots=True)
class Proxies:
    """What cheap scores say of an arch, each as a normal score among random arches of the space.

    So it doesn't matter that one proxy is a number near one and another ten to the power of twenty. A score that an
    arch lacks (its name is absent, or it isn't finite) takes the mean of those that it has; one for which the function
    raises `EvaluationError` has none.

    Args:
        function: from an arch to scores by name, **higher is better**, and the same each time: `ProxyScores(…).of`, or
            your own. It is asked once for each arch. For the predictor to be picklable, it must be a function of a
            module and not a lambda.
        samples: by how many random arches scores are judged; by all of a space that has no more. Of those that work the
            same (`space.canonical`), one counts.

    Example:
        >>> from netwright.spaces import Space, choice
        >>> space = Space({"width": choice([8, 16, 32])})
        >>> proxies = Proxies(lambda arch: {"params": arch["width"] ** 2, "flops": -arch["width"]})
        >>> proxies(space, [Arch({"width": 32})]).round(2)  # the columns are in the order of their names
        array([[-0.97,  0.97]])

    Raises:
        InvalidInput: if `function` can't be called, or gives no names; if `samples` is below 2.
    """

    function: Scores
    samples: int = 500

    def __post_init__(self) -> None:
        if not callable(self.function) or self.samples < 2:
            raise InvalidInput(
                "Proxies needs a function from an arch to scores by name, and `samples` of at least 2, but got "
                f"function={self.function!r}, samples={self.samples}."
            )

    def names(self, space: SearchSpace) -> tuple[str, ...]:
        """The names of the scores, sorted: those of the columns."""
        return tuple(_known(space, self).usual)

    def moments(self, space: SearchSpace) -> tuple[Numbers, Numbers]:
        """The mean and the variance of each column over the random arches: no further ones are asked about."""
        return _known(space, self).moments

    def __call__(self, space: SearchSpace, arches: Sequence[Arch]) -> Numbers:
        return _known(space, self).rows(arches)


@dataclass(frozen=True, slots=True)
class Consensus:
    """The mean of what proxies say, as one number with a variance of one over random arches: higher is better.

    Each proxy has its own blind spots; the mean rank of several has fewer (Abdelfattah et al. 2021,
    https://arxiv.org/abs/2101.08134, let several vote; Lee & Ham 2024, AZ-NAS, https://arxiv.org/abs/2403.19232,
    aggregate ranks).

    Example:
        >>> from netwright.spaces import Space, choice
        >>> space = Space({"width": choice([8, 16, 32])})
        >>> Consensus(Proxies(lambda arch: {"params": arch["width"] ** 2}))(space, list(space.enumerate())).round(2)
        array([[-1.22],
               [ 0.  ],
               [ 1.22]])
    """

    proxies: Proxies

    def __call__(self, space: SearchSpace, arches: Sequence[Arch]) -> Numbers:
        mean, spread = _known(space, self.proxies).level
        return (self.proxies(space, arches).mean(axis=1, keepdims=True) - mean) / spread


def with_proxies(predictor: Predictor, proxies: Proxies) -> Predictor:
    """The same predictor, which also learns from proxies.

    Those with an `encoding` get theirs with the proxies beside it, a `GraphNetwork` gets them beside the graph, and a
    `GaussianProcess` as what it expects at first.

    Example:
        >>> from netwright.predictors import Ridge
        >>> type(with_proxies(Ridge(), Proxies(lambda arch: {"flops": arch["width"]})).encoding).__name__
        'Joined'

    Raises:
        InvalidInput: if it has nowhere to put them.
    """
    made: Any = predictor
    if hasattr(predictor, "proxies"):
        return cast("Predictor", replace(made, proxies=proxies))
    for place in ("encoding", "beside"):
        if hasattr(predictor, place):
            return cast("Predictor", replace(made, **{place: Joined((getattr(predictor, place), proxies))}))
    raise InvalidInput(
        f"a predictor takes proxies by a field `proxies`, `encoding` or `beside`, but {predictor!r} has none: give it "
        "the scores yourself, or leave out the proxies."
    )


@dataclass(slots=True)
class _Known:
    """What was asked of a function about the arches of a space, and what is usual there."""

    function: Scores
    raw: dict[Arch, Mapping[str, float]] = field(default_factory=dict)
    usual: dict[str, NormalScores] = field(default_factory=dict)
    moments: tuple[Numbers, Numbers] = field(default_factory=lambda: (np.zeros(0), np.zeros(0)))
    level: tuple[float, float] = (0.0, 1.0)

    def rows(self, arches: Sequence[Arch]) -> Numbers:
        """The normal scores, shape (n_arches, n_names)."""
        asked = [self._ask(arch) for arch in arches]
        table = np.full((len(arches), len(self.usual)), np.nan)
        for column, (name, scores) in enumerate(self.usual.items()):
            values = np.array([float(one.get(name, np.nan)) for one in asked], dtype=np.float64)
            there = np.isfinite(values)
            table[there, column] = _beyond(scores, values[there])
        missing = np.isnan(table)
        n_there = (~missing).sum(axis=1)
        mean = np.where(n_there, np.where(missing, 0.0, table).sum(axis=1) / np.maximum(n_there, 1), _NOTHING)
        return np.where(missing, mean[:, None], table)

    def _ask(self, arch: Arch) -> Mapping[str, float]:
        found = self.raw.get(arch)
        if found is None:
            try:
                found = self.function(arch)
            except EvaluationError:
                found = {}
            self.raw[arch] = found
            if not isinstance(found, Mapping):
                raise InvalidInput(
                    f"the function of Proxies must give scores by name, such as {{'flops': 3e8}}, but gave {found!r} "
                    f"for {arch!r}."
                )
        return found

    def judge(self, arches: Sequence[Arch]) -> None:
        """Take these arches for what is usual."""
        asked = [self._ask(arch) for arch in arches]
        for name in sorted({name for one in asked for name in one}):
            values = np.array([float(one.get(name, np.nan)) for one in asked], dtype=np.float64)
            if np.isfinite(values).any():
                self.usual[name] = NormalScores.of(values[np.isfinite(values)])
        if not self.usual:
            raise InvalidInput(
                f"the function of Proxies gave no finite score for {len(arches)} arches; for the first one it gave "
                f"{dict(asked[0])!r}."
            )
        rows = self.rows(arches)
        means = rows.mean(axis=1)
        self.moments = rows.mean(axis=0), rows.var(axis=0)
        self.level = float(means.mean()), float(means.std()) or 1.0


_kept: weakref.WeakKeyDictionary[SearchSpace, dict[Any, _Known]] = weakref.WeakKeyDictionary()


def _known(space: SearchSpace, proxies: Proxies) -> _Known:
    """What is known of a space, the same object each time."""
    kept = kept_for(_kept, space)
    found = kept.get(proxies)
    if found is None:
        whole = whole_space(space, proxies.samples)
        if whole is None:
            rng = np.random.default_rng(0)
            arches: Sequence[Arch] = [space.sample(rng) for _ in range(proxies.samples)]
        else:
            arches = whole.arches
        found = _Known(proxies.function)
        found.judge(distinct(space, arches))
        kept[proxies] = found
    return found


def _beyond(scores: NormalScores, values: Numbers) -> Numbers:
    """Normal scores that go on, ever more slowly, beyond the least and the largest known value."""
    low, high = float(scores.known[0]), float(scores.known[-1])
    if low == high:
        return np.zeros(len(values))
    with np.errstate(over="ignore"):
        unit = np.quantile(scores.known, [0.1, 0.9])
        above = np.maximum(values - high, 0.0) / max(high - unit[1], 1e-12 * abs(high), 1e-300)
        below = np.maximum(low - values, 0.0) / max(unit[0] - low, 1e-12 * abs(low), 1e-300)
        return scores.forward(values) + np.log1p(above) / 10 - np.log1p(below) / 10


_: type[Encoding] = Proxies
