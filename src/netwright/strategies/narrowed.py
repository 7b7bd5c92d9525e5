"""A space that is narrowed as evidence grows, for any strategy to run inside.

After Angle-based Search Space Shrinking (Hu et al. 2020, https://arxiv.org/abs/2004.13431) and Neural Search-space
Evolution (Ci et al. 2021, https://arxiv.org/abs/2011.10904).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np

from netwright.core import Arch, Candidate, History, Record, SearchSpace, Strategy
from netwright.core.errors import InvalidInput, SpaceExhausted
from netwright.spaces import Space
from netwright.spaces.domains import Domain
from netwright.spaces.narrowing import Cut, Piece, cut
from netwright.strategies.inner import check_inner
from netwright.strategies.numbers import check_numbers

__all__ = ["Narrowed"]

_FEW = 100  # arches of a space that is looked through before the strategy is asked
_SEEN_OFTEN = 3  # records that must have a piece before it can be dropped
_GROWTH = 1.1  # of the number of records between two looks, once that is more than `every`
_NOISE = 0.05  # of the spread that a linear model leaves unexplained at least, however well it fits
_PRIOR = 1.0  # records' worth of belief that a piece makes no difference

State = TypeVar("State")
Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"


class _Pieces:
    """The decisions of a space in pieces, each with a column."""

    def __init__(self, space: Space, most: int) -> None:
        self.cuts: dict[str, Cut] = {decision.name: cut(decision.domain, most) for decision in space.decisions}
        self.columns: dict[str, range] = {}
        self.n_columns = 0
        for name, found in self.cuts.items():
            self.columns[name] = range(self.n_columns, self.n_columns + len(found.pieces))
            self.n_columns += len(found.pieces)

    def has(self, arch: Arch) -> Numbers:
        """1 for each piece that an arch has, shape (n_columns,)."""
        row = np.zeros(self.n_columns)
        for name, value in arch.items():
            row[[self.columns[name][i] for i in self.cuts[name].of(value)]] = 1
        return row


@dataclass(slots=True)
class _Narrowing:
    """What is left of a space, and the evidence for it."""

    space: Space
    pieces: _Pieces
    next_look: int
    records: list[Record] = field(default_factory=list)
    has: list[Numbers] = field(default_factory=list)  # which pieces each record has
    kept: dict[str, Domain] = field(default_factory=dict)
    dropped: dict[str, tuple[Piece, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Shows another strategy a space without the options that are known to be worse, more so as evidence grows.

    What each option is worth is learned from all records, again and again: by a Bayesian linear regression of their
    ranks (as normal scores) on the options, so that an option isn't blamed for those it came with. It is dropped if it
    is worse than the best one of its decision, in every objective, by `deviations` standard deviations of the
    difference. Ranges (whole numbers with many values, and reals) lose stretches at their ends. Options of the
    incumbent, or of the Pareto front, stay; so does what has been seen less than three times. When all that is left is
    known, the strategy goes on in the whole space.

    Attributes:
        strategy: what explores what is left.
        every: records between two looks at the evidence, the first of which comes after as many. Later ones come each
            time when there are a tenth more.
        deviations: how sure it must be; larger is more careful.
        stretches: into how many a range is cut.

    Differs from the papers, which score operators by a supernet's weights and drop a fixed number a round: here they
    are scored by records, as many go as the evidence says, and one may come back when it speaks for it again.

    Example:
        >>> from netwright import Space, choice
        >>> from netwright.loop import Search
        >>> from netwright.strategies import Random
        >>> space = Space({"size": choice([1, 2, 3]), "kind": choice(["good", "bad"])})
        >>> strategy = Narrowed(Random())
        >>> search = Search(
        ...     space,
        ...     strategy,
        ...     budget="60 candidates",
        ...     evaluator=lambda candidate, _: {
        ...         "loss": candidate.arch["size"] / 10 + (candidate.arch["kind"] == "bad")
        ...     },
        ... )
        >>> strategy.dropped(space, search.run())
        {'size': (2, 3), 'kind': ('bad',)}
    """

    strategy: Strategy
    every: int = 25
    deviations: float = 2.0
    stretches: int = 4

    def __post_init__(self) -> None:
        check_numbers(self)
        check_inner("Narrowed", strategy=self.strategy)
        if self.every < 1 or self.stretches < 2 or not self.deviations > 0:
            raise InvalidInput(
                "`every` of Narrowed must be at least 1, `stretches` at least 2 and `deviations` above 0, but got "
                f"every={self.every}, stretches={self.stretches}, deviations={self.deviations}."
            )

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """What the inner strategy proposes in what is left of the space.

        Raises:
            SpaceExhausted: if it has nothing to propose in the whole space either.
        """
        found = self._narrowing(space, history)
        if not found.kept or _all_known(found.space, history):
            return self.strategy.propose(space, history, rng)
        # What the strategy remembers must be of this space and not of one that had more options, also after a restart.
        own = cast("History", _OwnFolds(history, (self, frozenset(found.kept.items()))))
        try:
            candidate = self.strategy.propose(found.space, own, rng)
        except SpaceExhausted:
            return self.strategy.propose(space, history, rng)
        return Candidate(candidate.id, found.space.inside(candidate.arch), candidate.fidelity, candidate.parent)

    def dropped(self, space: SearchSpace, history: History) -> dict[str, tuple[Piece, ...]]:
        """What is left out now, by decision: options, or (low, high) for stretches of a range."""
        return dict(self._narrowing(space, history).dropped)

    def left(self, space: SearchSpace, history: History) -> SearchSpace:
        """The space that the inner strategy sees now."""
        found = self._narrowing(space, history)
        return found.space if found.kept else space

    def _narrowing(self, space: SearchSpace, history: History) -> _Narrowing:
        if not isinstance(space, Space):
            raise InvalidInput(f"Narrowed needs a netwright.Space, whose options it can drop, but got {space!r}.")

        def step(found: _Narrowing, record: Record) -> _Narrowing:
            found.records.append(record)
            found.has.append(found.pieces.has(record.arch))
            if len(found.records) == found.next_look:
                found.next_look = max(found.next_look + self.every, round(_GROWTH * found.next_look))
                self._look(space, found)
            return found

        return history.fold(
            (self, "narrowing"), step, lambda: _Narrowing(space, _Pieces(space, self.stretches), self.every)
        )

    def _look(self, space: Space, found: _Narrowing) -> None:
        cuts = found.pieces.cuts
        bad = _worse(found.pieces, found.records, np.stack(found.has), self.deviations)
        kept = {name: cuts[name].kept(set(range(len(cuts[name].pieces))) - gone) for name, gone in bad.items()}
        if kept != found.kept:
            found.kept = kept
            found.space = space.narrowed(kept)
            found.dropped = {name: tuple(cuts[name].pieces[i] for i in sorted(gone)) for name, gone in bad.items()}


def _all_known(space: Space, history: History) -> bool:
    return space.size() <= _FEW and all(history.seen(arch, 1.0) for arch in space.enumerate())


class _OwnFolds:
    """The history, with folds that belong to one narrowed space."""

    def __init__(self, history: History, scope: Hashable) -> None:
        self._history = history
        self._scope = scope

    def fold(self, key: Hashable, step: Callable[[State, Record], State], init: Callable[[], State]) -> State:
        return self._history.fold((self._scope, key), step, init)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._history, name)

    def __len__(self) -> int:
        return len(self._history)


# Evidence -------------------------------------------------------------------------------------------------------------


def _worse(pieces: _Pieces, records: Sequence[Record], has: Numbers, deviations: float) -> dict[str, set[int]]:
    """For each decision the pieces that can go; decisions that keep all are left out."""
    if not any(record.losses for record in records):
        return {}
    effects = [_effects(has, scores) for scores in _scores(records)]
    protected = np.any([pieces.has(record.arch) > 0 for record in _incumbents(records)], axis=0)
    often = has.sum(axis=0) >= _SEEN_OFTEN
    bad: dict[str, set[int]] = {}
    for name, found in pieces.cuts.items():
        own = np.array(pieces.columns[name])
        known = own[often[own]]
        if not len(known):
            continue
        worse = often[own] & ~protected[own]
        for mean, covariance in effects:
            best = known[np.argmin(mean[known])]
            variance = covariance[own, own] + covariance[best, best] - 2 * covariance[own, best]
            worse &= mean[own] - mean[best] > deviations * np.sqrt(np.maximum(variance, 0.0))
        gone = np.flatnonzero(worse).tolist()
        if found.ordered:
            gone = _at_the_ends(gone, len(own))
        gone.sort(key=lambda i: -float(effects[0][0][own[i]]))  # the worst go, if not all can
        if gone := gone[: len(own) - found.least]:
            bad[name] = set(gone)
    return bad


def _at_the_ends(pieces: list[int], n_pieces: int) -> list[int]:
    """Those from which an unbroken row leads to an end."""
    first = next(i for i in range(n_pieces + 1) if i not in pieces)
    last = next(i for i in range(n_pieces - 1, -2, -1) if i not in pieces)
    return [i for i in pieces if i < first or i > last]


def _scores(records: Sequence[Record]) -> list[Numbers]:
    """Normal scores of the ranks, for each objective: lower is better, with failures and broken limits as the worst.

    Ranks are taken among the records of one fidelity: a loss after less training says nothing beside one after more.
    """
    n_objectives = max(len(record.losses) for record in records)
    fidelity = np.array([record.fidelity for record in records])
    found = []
    for objective in range(n_objectives):
        losses = np.array([_loss(record, objective) for record in records])
        scores = np.zeros(len(records))
        for level in np.unique(fidelity):
            rows = np.flatnonzero(fidelity == level)
            own, order = losses[rows], np.sort(losses[rows])
            below, upto = np.searchsorted(order, own, "left"), np.searchsorted(order, own, "right")
            scores[rows] = [NormalDist().inv_cdf(share) for share in ((below + upto) / (2 * len(rows))).tolist()]
        found.append(scores)
    return found


def _loss(record: Record, objective: int) -> float:
    return record.losses[objective] if record.losses and record.violation == 0 else float("inf")


def _effects(has: Numbers, scores: Numbers) -> tuple[Numbers, Numbers]:
    """Posterior mean and covariance of what each piece adds, with a normal prior around nothing."""
    centred = has - has.mean(axis=0)
    target = scores - scores.mean()
    gram = centred.T @ centred
    inverse = np.linalg.inv(gram + _PRIOR * np.eye(len(gram)))
    mean = inverse @ centred.T @ target
    spent = float(np.sum(inverse * gram))  # degrees of freedom: the trace of the hat matrix
    residual = float(np.sum((target - centred @ mean) ** 2))
    unexplained = residual / max(len(scores) - 1 - spent, 1.0)
    noise = max(unexplained, _NOISE * float(np.mean(target**2)), 1e-9)
    return mean, noise * inverse


def _incumbents(records: Sequence[Record]) -> list[Record]:
    """The best record, or all that no other beats in every objective; without a feasible one the least infeasible."""
    feasible = [record for record in records if record.losses and record.violation == 0]
    if not feasible:
        return [min(records, key=lambda record: record.rank)]
    top = max(record.fidelity for record in feasible)
    front: list[Record] = []
    for record in sorted((r for r in feasible if r.fidelity == top), key=lambda r: (r.losses, r.id)):
        if not any(all(a <= b for a, b in zip(kept.losses, record.losses, strict=True)) for kept in front):
            front.append(record)
    return front
