"""`Surrogate`: a predictor fitted to the records so far, and when to fit it anew.

It depends on the records and their order alone, not on when it was asked: a resumed search fits the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from netwright.core import Arch, Record, SearchSpace
from netwright.core.errors import InvalidInput
from netwright.predictors.gaussian_process import FittedGaussianProcess, GaussianProcess
from netwright.predictors.protocols import Fitted, Predictor

__all__ = ["Liar", "Surrogate", "check_surrogate", "learned_at", "penalised", "scalarised"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"
Liar: TypeAlias = Literal["mean", "best", "worst"]
"""What a candidate that is being evaluated is taken to score until it is known (a constant liar)."""

_MOST_PENDING = 50  # candidates that are being evaluated and are lied about: the latest
_STEP = 0.01  # between records that only violate limits, in the spread of the losses


@dataclass(slots=True)
class Surrogate:
    """The state of a search with a predictor: a fold over the records.

    Attributes:
        records: those of the highest fidelity that came in.
        n_learned: the number of records from which the predictor was last fitted from scratch.
        n_known: the number of records that it knows.
        said: what it said last of a tuple of arches, until it is fitted anew.
    """

    records: list[Record] = field(default_factory=list)
    fitted: Fitted | None = None
    n_learned: int = 0
    n_known: int = 0
    said: tuple[Sequence[Arch], tuple[Numbers, Numbers]] | None = None

    def note(self, record: Record) -> Surrogate:
        """Take in a record; those of a lower fidelity than others don't count."""
        top = self.records[0].fidelity if self.records else 0.0
        if record.fidelity > top:
            self.records, self.fitted, self.n_learned, self.n_known, self.said = [], None, 0, 0, None
        if record.fidelity >= top:
            self.records.append(record)
        return self

    def predict(
        self,
        space: SearchSpace,
        predictor: Predictor,
        scores: Numbers,
        arches: Sequence[Arch],
        *,
        learned_from: Callable[[Sequence[Record]], Numbers],
        every: int = 1,
        busy: Sequence[Arch] = (),
        liar: Liar = "mean",
    ) -> tuple[Numbers, Numbers]:
        """The mean and standard deviation of the score of each arch.

        Args:
            space: of the arches.
            predictor: what to fit.
            scores: of the records, lower is better.
            arches: what to predict; a tuple that comes again and again is the cheapest.
            learned_from: the scores of the first records, from which a Gaussian process learns its weights.
            every: how many records must come in until a predictor that isn't a Gaussian process is fitted again. With
                more than one, nothing is said to it about what is being evaluated.
            busy: arches that are being evaluated.
            liar: what they are taken to score.
        """
        busy = busy[-_MOST_PENDING:]
        lies = np.full(len(busy), {"mean": scores.mean(), "best": scores.min(), "worst": scores.max()}[liar])
        if isinstance(predictor, GaussianProcess):
            return self._grown(space, predictor, scores, arches, learned_from).predict_given(arches, busy, lies)
        if every > 1:
            n_told = len(self.records) - (len(self.records) % every if len(self.records) > every else 0)
            if self.fitted is None or self.n_known != n_told:
                known = self.records[:n_told]
                self.n_known = n_told
                self.fitted = predictor.fit(
                    space, [record.arch for record in known], learned_from(known), _generator(n_told)
                )
                self.said = None
            if not isinstance(arches, tuple):
                return self.fitted.predict(arches)
            if self.said is None or self.said[0] is not arches:
                self.said = arches, self.fitted.predict(arches)
            return self.said[1]
        told = [*(record.arch for record in self.records), *busy]
        if busy or self.fitted is None or self.n_known != len(told):
            self.n_known = -1 if busy else len(told)
            self.fitted = predictor.fit(space, told, np.append(scores, lies), _generator(len(told)))
        return self.fitted.predict(arches)

    def _grown(
        self,
        space: SearchSpace,
        predictor: GaussianProcess,
        scores: Numbers,
        arches: Sequence[Arch],
        learned_from: Callable[[Sequence[Record]], Numbers],
    ) -> FittedGaussianProcess:
        """A Gaussian process fitted to the first records, to which the others are added."""
        known = [record.arch for record in self.records]
        start = learned_at(len(known))
        fitted = self.fitted
        if not isinstance(fitted, FittedGaussianProcess) or self.n_learned != start:
            fitted = predictor.fit(space, known[:start], learned_from(self.records[:start]), _generator(start))
            if isinstance(arches, tuple):
                fitted.predict(arches)  # from here on the same sums, however many records come at a time
            self.fitted, self.n_learned, self.n_known = fitted, start, start
        fitted.add(known[self.n_known :], scores)
        self.n_known = len(known)
        return fitted


def check_surrogate(predictor: Predictor, liar: str) -> None:
    """Check what a strategy with a surrogate is made with.

    Raises:
        InvalidInput: if there is no such lie, or the predictor can't be fitted.
    """
    if liar not in get_args(Liar):
        raise InvalidInput(f"`liar` must be one of {', '.join(get_args(Liar))}, but got {liar!r}.")
    if not callable(getattr(predictor, "fit", None)):
        raise InvalidInput(f"`predictor` must have a method fit(space, arches, losses, rng), but got {predictor!r}.")


def learned_at(total: int) -> int:
    """The number of records from which the weights are learned, when there are so many: rarer as there are more.

    Example:
        >>> [learned_at(total) for total in (5, 9, 10, 11, 12, 100, 105, 106)]
        [5, 9, 9, 9, 12, 94, 103, 103]
    """
    at = 1
    while True:
        step = 1 if at < 9 else 3 if at < 60 else max(3, at // 10)
        if at + step > total:
            return at
        at += step


def penalised(records: Sequence[Record], losses: Numbers) -> Numbers:
    """The losses, where records that break limits are worse than all that don't; failed ones are infinitely bad.

    Deb 2000, https://doi.org/10.1016/S0045-7825(99)00389-8: less violation before less loss.

    Example:
        >>> records = [Record(0, Arch({})), Record(1, Arch({}), violation=0.5), Record(2, Arch({}), violation=0.1)]
        >>> penalised(records, np.array([3.0, 1.0, 2.0])).tolist()
        [3.0, 3.02, 3.01]
    """
    violations = np.array([record.violation for record in records])
    scored = np.isfinite(losses)
    good = scored & (violations == 0)
    worst = losses[good].max() if good.any() else 0.0
    spread = np.ptp(losses[good]) if good.any() else 0.0
    found = np.where(good, losses, np.inf)
    broken = np.flatnonzero(scored & ~good)
    order = broken[np.lexsort((losses[broken], violations[broken]))]
    found[order] = worst + _STEP * (spread or 1.0) * np.arange(1, len(order) + 1)
    return found


def scalarised(losses: Numbers, weights: Numbers, *, among: Numbers | None = None) -> Numbers:
    """Several losses as one: the augmented Tchebycheff function of ParEGO (Knowles 2006, doi:10.1109/TEVC.2005.851274).

    Args:
        losses: shape (n, n_objectives); infinite where a record has none.
        weights: of the objectives, summing up to 1.
        among: the losses by whose range these are judged, their own if not given.

    Example:
        >>> scalarised(np.array([[0.0, 8.0], [1.0, 4.0], [2.0, 0.0]]), np.array([0.5, 0.5])).round(3).tolist()
        [0.525, 0.275, 0.525]
    """
    finite = np.isfinite(losses).all(axis=1)
    range_of = losses[finite] if among is None else among
    if not len(range_of):
        return np.full(len(losses), np.inf)
    low = range_of.min(axis=0)
    span = range_of.max(axis=0) - low
    shares = weights * (losses - low) / np.where(span > 0, span, 1.0)
    return np.where(finite, shares.max(axis=1) + 0.05 * shares.sum(axis=1), np.inf)


def _generator(number: int) -> np.random.Generator:
    """For a fit: a function of the number of records alone."""
    return np.random.default_rng((20061030, number))


def table_of(records: Sequence[Record], n_objectives: int) -> Numbers:
    """The losses of records, shape (n, n_objectives); infinite where a record has none."""
    return np.array([record.losses or (np.inf,) * n_objectives for record in records], dtype=np.float64)
