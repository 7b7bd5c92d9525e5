"""`Aggregate`: one ranking of arches out of many proxies, without a single trained network.

The product of ranks is the non-linear aggregation of Lee & Ham 2024, AZ-NAS, https://arxiv.org/abs/2403.19232: to be
poor in one respect weighs more than to be good in another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from netwright.core.errors import InvalidInput, problems

__all__ = ["AZ_NAS", "NOISY", "Aggregate", "ranks", "smoothed"]

Numbers = npt.NDArray[np.float64]

NOISY = frozenset(
    (
        *("epe_nas", "expressivity", "fisher", "grad_norm", "grasp", "jacov", "meco", "nwot", "plain"),
        *("progressivity", "snip", "trainability", "zen", "zico"),
    )
)
"""Proxies that differ from one draw of weights and data to the next."""

_MOST_FAILED = 0.5  # a proxy without a value for more of the arches says too little
_PENALTIES = np.logspace(-3, 5, 25)
_LEAST_WEIGHT = 0.1  # of a proxy of which decisions explain nothing


@dataclass(frozen=True, slots=True)
class Aggregate:
    """The weighted mean logarithm of the ranks that several proxies give; no accuracy enters it.

    An arch for which a proxy fails has the lowest rank there; a proxy that fails for most arches is left out, and the
    next of its alternatives takes its place. Ranks of proxies that draw weights or data are noisy. Where the arches'
    encodings are given, a ridge regression of the ranks on the encodings is fitted (its penalty by generalised
    cross-validation, on the ranks themselves): ranks are averaged with what it says, so that arches of similar
    decisions help each other; and a proxy's weight is the share of its ranks' variance that decisions explain.

    The proxies by default are how large a network is (`params`) and how differently it treats different inputs
    (`jacov` and `epe_nas`; where these have no gradient, `nwot` and `zico`). That they complement each other is known
    from NAS-Bench-201.

    Attributes:
        families: of each, the first proxy that works counts.

    Example:
        >>> scores = {"params": [1.0, 2.0, 3.0], "jacov": [-70.0, -66.0, -64.5]}
        >>> int(Aggregate()(scores).argmax())
        2

    Raises:
        InvalidInput: if there is no family, or one is empty.
    """

    families: tuple[tuple[str, ...], ...] = (("params",), ("jacov", "nwot"), ("epe_nas", "zico"))

    def __post_init__(self) -> None:
        if not self.families or not all(self.families) or any(isinstance(family, str) for family in self.families):
            raise InvalidInput(f"`families` must be one or more families of names, but got {self.families!r}.")

    @property
    def names(self) -> tuple[str, ...]:
        """All proxies that may count."""
        return tuple(dict.fromkeys(name for family in self.families for name in family))

    def __call__(self, scores: Mapping[str, npt.ArrayLike], features: npt.ArrayLike | None = None) -> Numbers:
        """A number for each arch, at most 0; higher is better, among these arches.

        Args:
            scores: by proxy, shape (n,); no finite number where the proxy failed.
            features: encodings of the arches (n, n_features).

        Raises:
            InvalidInput: if no proxy of any family works, or the lengths differ.
        """
        columns = {name: np.asarray(scores[name], dtype=np.float64) for name in self.names if name in scores}
        encodings = None if features is None else np.asarray(features, dtype=np.float64)
        lengths = {len(column) for column in columns.values()} | (set() if encodings is None else {len(encodings)})
        if len(lengths) > 1:
            raise InvalidInput(
                f"`scores` and `features` must have a row for each arch, but have {sorted(lengths)} rows."
            )
        working = [name for name, one in columns.items() if len(one) and np.isfinite(one).mean() >= 1 - _MOST_FAILED]
        chosen = [next((name for name in family if name in working), None) for family in self.families]
        names = list(dict.fromkeys(name for name in chosen if name is not None))
        if not names:
            states = [
                f"{name} {'failed for most arches' if name in scores else 'is not there'}." for name in self.names
            ]
            raise InvalidInput(problems("the aggregate has nothing to go by", states))
        levels = np.stack([ranks(columns[name]) for name in names], axis=1)
        weights = np.ones(len(names))
        noisy = [place for place, name in enumerate(names) if name in NOISY]
        if encodings is not None and noisy:
            fitted, explained = smoothed(levels[:, noisy], encodings)
            for column, place in enumerate(noisy):
                levels[:, place] = ranks(levels[:, place] + fitted[:, column])
                weights[place] = max(explained[column], _LEAST_WEIGHT)
        total: Numbers = np.log(levels) @ weights / weights.sum()
        return total


AZ_NAS = Aggregate((("expressivity",), ("progressivity",), ("trainability",), ("flops",)))
"""The aggregate of AZ-NAS."""


def ranks(values: npt.ArrayLike) -> Numbers:
    """Ranks in (0, 1], the best has 1; equal values share the mean rank, and what is no finite number the lowest.

    Example:
        >>> ranks([3.0, 7.0, float("nan"), 7.0])
        array([0.5  , 0.875, 0.25 , 0.875])
    """
    column: Any = np.asarray(values, dtype=np.float64)
    column = np.where(np.isfinite(column), column, -np.inf)
    _, place, counts = np.unique(column, return_inverse=True, return_counts=True)
    upto = np.cumsum(counts)
    mean: Numbers = (upto - (counts - 1) / 2)[place.reshape(-1)] / len(column)
    return mean


def smoothed(columns: Numbers, features: Numbers) -> tuple[Numbers, Numbers]:
    """What a ridge regression on the features says of each column; penalties by generalised cross-validation.

    Args:
        columns: (n, n_columns).
        features: (n, n_features).

    Returns:
        The fitted columns, and for each the share of its variance that the features explain (adjusted R², in 0..1).

    Example:
        >>> noisy = np.array([[0.0], [1.2], [1.8], [3.0]])
        >>> fitted, explained = smoothed(noisy, np.arange(4.0)[:, None])
        >>> bool(np.abs(fitted - noisy).max() < 0.3), bool(explained[0] > 0.9)
        (True, True)
    """
    means = columns.mean(0)
    explained = np.zeros(columns.shape[1])
    centred = features - features.mean(0)
    kept = centred[:, centred.std(0) > 0]
    if kept.shape[1] == 0:
        return np.broadcast_to(means, columns.shape).copy(), explained
    left, values, _ = np.linalg.svd(kept, full_matrices=False)
    projected = left.T @ (columns - means)  # (rank, n_columns)
    total = ((columns - means) ** 2).sum(0)
    best = np.full(columns.shape[1], np.inf)
    fitted = np.zeros_like(columns)
    for penalty in _PENALTIES:
        shrink = values**2 / (values**2 + penalty)
        freedom = len(columns) - 1 - shrink.sum()
        if freedom <= 0:
            continue
        # |y - Hy|² without the n x n matrix: what is outside the features' span, and what is shrunk away in it.
        left_over = total - ((1 - (1 - shrink[:, None]) ** 2) * projected**2).sum(0)
        score = left_over / freedom**2
        better = score < best
        if better.any():
            best = np.where(better, score, best)
            fitted[:, better] = (left @ (shrink[:, None] * projected))[:, better]
            share = 1 - left_over / freedom * (len(columns) - 1) / np.where(total > 0, total, 1.0)
            explained[better] = np.clip(share, 0, 1)[better]
    return fitted + means, explained
