"""The predictor contract finds what it is for: each way to break it, with the text that it gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from netwright.predictors import OneHot, Ridge
from netwright.testing import check_predictor

LINE = Ridge(OneHot())


@dataclass(frozen=True)
class Broken:
    """Learns a line, and breaks one rule."""

    way: str

    def fit(self, space, arches, losses, rng):
        return globals()[self.way](space, arches, losses, rng)


@dataclass(frozen=True)
class Says:
    """A fitted predictor whose answers are changed."""

    fitted: Any
    change: Any

    def predict(self, arches):
        return self.change(*self.fitted.predict(arches))


def said(change):
    """A fit whose answers are changed."""
    return lambda *given: Says(LINE.fit(*given), change)


def draws_from_numpy(space, arches, losses, rng):
    np.random.rand()  # noqa: NPY002
    return LINE.fit(space, arches, losses, rng)


def draws_a_seed_of_its_own(space, arches, losses, rng):
    return LINE.fit(space, arches, losses + np.random.default_rng().normal(size=len(losses)), rng)


def changes_the_losses(space, arches, losses, rng):
    fitted = LINE.fit(space, arches, losses, rng)
    losses -= losses.mean()
    return fitted


def accepts_what_is_not_finite(space, arches, losses, rng):
    return LINE.fit(space, arches, np.nan_to_num(losses, posinf=1.0), rng)


def needs_three_records(space, arches, losses, rng):
    if len(arches) == 2:
        raise ZeroDivisionError("n - 2")
    return LINE.fit(space, arches, losses, rng)


def divides_by_the_spread(space, arches, losses, rng):
    with np.errstate(invalid="ignore"):
        scale = np.ptp(losses) / np.ptp(losses) if len(losses) > 2 else 1.0
    return Says(LINE.fit(space, arches, losses, rng), lambda mean, std: (mean * scale, std))


def guesses_zero_for_equal_losses(space, arches, losses, rng):
    equal = len(losses) > 2 and np.ptp(losses) == 0
    return Says(LINE.fit(space, arches, losses, rng), lambda mean, std: (mean * (not equal), std))


def fails_where_one_arch_comes_again(space, arches, losses, rng):
    if len(set(arches)) == 1 < len(arches):
        raise np.linalg.LinAlgError("singular matrix")
    return LINE.fit(space, arches, losses, rng)


def overflows(space, arches, losses, rng):
    fitted = LINE.fit(space, arches, losses, rng)
    return Says(fitted, lambda mean, std: (mean, std * (np.inf if losses.max() > 1e9 else 1.0)))


def refuses_by_another_error(space, arches, losses, rng):
    if not np.isfinite(losses).all():
        raise RuntimeError("no")
    return LINE.fit(space, arches, losses, rng)


gives_a_column = said(lambda mean, std: (mean[:, None], std))
gives_one_deviation = said(lambda mean, std: (mean, std[:1].sum()))
gives_nan = said(lambda mean, std: (np.where(mean == mean.min(initial=0), np.nan, mean), std))
gives_negative_deviations = said(lambda mean, std: (mean, -std))
is_sure_of_everything = said(lambda mean, std: (mean, 0 * std))
counts_from_the_others = said(lambda mean, std: (mean - mean[:1].sum() + 50, std))
says_scores = said(lambda mean, std: ((mean - 50) / 1e3, std))
says_the_mean = said(lambda mean, std: (0 * mean + 50, std))
turns_it_round = said(lambda mean, std: (-mean, std))
needs_somebody = said(lambda mean, std: (mean + 0 * mean[0], std))

BROKEN = {
    "draws_from_numpy": "changed the global random state of numpy",
    "draws_a_seed_of_its_own": "must guess the same when it learned from the same records with an equal generator",
    "changes_the_losses": "must not change the losses that it is given",
    "accepts_what_is_not_finite": "must refuse a loss that is nan by a ValueError, but learned from it",
    "needs_three_records": "could not learn from 2 records with losses from .* ZeroDivisionError: n - 2",
    "divides_by_the_spread": "gave a mean that isn't finite where all losses are equal",
    "guesses_zero_for_equal_losses": r"must guess .* where all losses are .*, but guesses up to 0\.",
    "fails_where_one_arch_comes_again": "could not learn from 6 records .*singular matrix",
    "overflows": "gave a standard deviation that isn't finite where one loss is huge",
    "refuses_by_another_error": r"must refuse a loss that is nan by a ValueError, but raised RuntimeError\('no'\)",
    "gives_a_column": r"must give one mean for each of \d+ arches, but gave \(\d+, 1\)",
    "gives_one_deviation": r"must give one standard deviation for each of \d+ arches, but gave \(\)",
    "gives_nan": "gave a mean that isn't finite",
    "gives_negative_deviations": "gave a standard deviation below 0",
    "is_sure_of_everything": "must not be sure of everything, but every standard deviation is 0",
    "counts_from_the_others": "must not depend on which others are asked for, or in which order, but it differs by",
    "says_scores": "must be nearer to the losses than their mean, in their own units: it is off by",
    "says_the_mean": r"must order arches by their loss on an easy function: Kendall's tau with the truth is 0\.00",
    "turns_it_round": "must order arches by their loss on an easy function: Kendall's tau with the truth is -",
    "needs_somebody": r"could not guess 0 losses: IndexError",
}


@pytest.mark.parametrize("way", BROKEN)
def test_fits(way):
    with pytest.raises(AssertionError, match=f"(?s){BROKEN[way]}"):
        check_predictor(Broken(way))


@dataclass
class Changeable:
    fit = Ridge.fit


@dataclass(frozen=True)
class Unhashable:
    values: Any = field(default_factory=list)
    fit = Ridge.fit


@dataclass(frozen=True)
class Unpicklable:
    key: Any = field(default=lambda: 0)
    fit = Ridge.fit


@dataclass(frozen=True, eq=False)
class UnequalCopies:
    fit = Ridge.fit


@pytest.mark.parametrize(
    ("predictor", "text"),
    [
        (Changeable(), r"must be a frozen dataclass: what it learns is in what `fit` returns"),
        (Unhashable(), r"must be hashable: unhashable type: 'list'"),
        (Unpicklable(), r"must be picklable: .*Error: "),
        (UnequalCopies(), r"a pickled copy of .* must be equal to it"),
    ],
)
def test_objects(predictor, text):
    with pytest.raises(AssertionError, match=text):
        check_predictor(predictor)
