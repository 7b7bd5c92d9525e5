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
Family = tuple[tuple[str, ...], ...]

NOISY = frozenset(
    (
        *("epe_nas", "expressivity", "fisher", "grad_norm", "grasp", "jacov", "meco", "nwot", "plain"),
        *("progressivity", "snip", "trainability", "zen", "zico"),
    )
)
"""Proxies that differ from one draw of weights and data to the next."""

_MOST_FAILED = 0.5  # a proxy without a value for more of the arches says too little
_PENALTIES = np.logspace(-3, 5, 25)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """The mean logarithm of ranks over families of proxies that measure the same; no accuracy enters it.

    Within a family, ranks of its proxies are multiplied and ranked again, so that two of a kind count once. An arch for
    which a proxy fails has the lowest rank there; a proxy that fails for most arches is left out, and the family's next
    set of proxies takes its place. Ranks of proxies that draw weights or data are noisy: where the arches' encodings
    are given, they are averaged with what a ridge regression of the ranks on the encodings says, so that arches of
    similar decisions help each other (the penalty is chosen by generalised cross-validation, on the ranks themselves).

    The families by default are how large a network is (`params`) and how differently it treats different inputs
    (`jacov` and `epe_nas`; where inputs have no gradient, `nwot`, or else `zico`). That these two complement each other
    is known from NAS-Bench-201.

    Attributes:
        families: each is one or more sets of proxies: the first with a member that works counts.

    Example:
        >>> scores = {"params": [1.0, 2.0, 3.0], "jacov": [-70.0, -66.0, -64.5]}
        >>> int(Aggregate()(scores).argmax())
        2

    Raises:
        InvalidInput: if a family is empty.
    """

    families: tuple[Family, ...] = ((("params",),), (("jacov", "epe_nas"), ("nwot",), ("zico",)))

    def __post_init__(self) -> None:
        if not self.families or any(not family or not all(family) for family in self.families):
            raise InvalidInput(f"`families` must have families of sets of names, but got {self.families!r}.")

    @property
    def names(self) -> tuple[str, ...]:
        """All proxies that may count."""
        return tuple(dict.fromkeys(name for family in self.families for chosen in family for name in chosen))

    def __call__(self, scores: Mapping[str, npt.ArrayLike], features: npt.ArrayLike | None = None) -> Numbers:
        """A number for each arch, at most 0; higher is better, among these arches.

        Args:
            scores: by proxy, shape (n,); no finite number where the proxy failed.
            features: encodings of the arches (n, n_features).

        Raises:
            InvalidInput: if no proxy of any family works, or the lengths differ.
        """
        columns = self._columns(scores)
        encodings = None if features is None else np.asarray(features, dtype=np.float64)
        n = len(next(iter(columns.values())))
        if any(len(column) != n for column in columns.values()) or (encodings is not None and len(encodings) != n):
            raise InvalidInput("`scores` and `features` must have a row for each arch, but their lengths differ.")
        levels = []
        for family in self.families:
            there = next((found for chosen in family if (found := [name for name in chosen if name in columns])), [])
            if there:
                levels.append(self._family([columns[name] for name in there], there, encodings))
        if not levels:
            raise InvalidInput(
                problems(
                    "the aggregate has nothing to go by",
                    [f"{name} {_state(scores, name)}." for name in self.names],
                )
            )
        total: Numbers = np.mean(np.log(levels), axis=0)
        return total

    def _columns(self, scores: Mapping[str, npt.ArrayLike]) -> dict[str, Numbers]:
        found: dict[str, Numbers] = {}
        for name in self.names:
            if name in scores:
                column = np.asarray(scores[name], dtype=np.float64)
                if len(column) and np.isfinite(column).mean() >= 1 - _MOST_FAILED:
                    found[name] = column
        if not found:
            raise InvalidInput(
                problems("the aggregate has nothing to go by", [f"{n} {_state(scores, n)}." for n in self.names])
            )
        return found

    def _family(self, columns: list[Numbers], names: list[str], encodings: Numbers | None) -> Numbers:
        members = np.stack([ranks(column) for column in columns], axis=1)
        noisy = [place for place, name in enumerate(names) if name in NOISY]
        if encodings is not None and noisy:
            fitted = smoothed(members[:, noisy], encodings)
            for column, place in enumerate(noisy):
                members[:, place] = ranks(members[:, place] + fitted[:, column])
        return ranks(np.log(members).sum(1))


AZ_NAS = Aggregate(tuple(((name,),) for name in ("expressivity", "progressivity", "trainability", "flops")))
"""The aggregate of AZ-NAS: each of its four proxies by itself."""


def _state(scores: Mapping[str, npt.ArrayLike], name: str) -> str:
    return "failed for most arches" if name in scores else "is not there"


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


def smoothed(columns: Numbers, features: Numbers) -> Numbers:
    """What a ridge regression on the features says of each column; penalties by generalised cross-validation.

    Args:
        columns: (n, n_columns).
        features: (n, n_features).

    Example:
        >>> noisy = np.array([[0.0], [1.2], [1.8], [3.0]])
        >>> np.abs(smoothed(noisy, np.arange(4.0)[:, None]) - noisy).max() < 0.3
        np.True_
    """
    means = columns.mean(0)
    centred = features - features.mean(0)
    kept = centred[:, centred.std(0) > 0]
    if kept.shape[1] == 0:
        return np.broadcast_to(means, columns.shape).copy()
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
    return fitted + means
