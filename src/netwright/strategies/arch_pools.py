"""The arches that a model-based strategy scores: all of a small space, or those near the best of a large one.

`most_promising` turns a function that says how promising arches are into a candidate that nobody has evaluated.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np

from netwright.core import Arch, Candidate, History, Record, SearchSpace
from netwright.core.errors import SpaceExhausted
from netwright.predictors.whole_space import whole_space

__all__ = [
    "DistinctArches",
    "Scope",
    "best_unseen",
    "distinct_arches",
    "most_promising",
    "nearby_arches",
    "random_unseen",
]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

Scope: TypeAlias = Literal["whole", "nearby"]
"""Which arches of a small space are scored: all of them, or some near the best records as in a large one."""

N_BEST = 10
"""Records near which a large space is looked at."""
_AGAIN = 0.25  # the share of the pool that is then made near the most promising of it
_TRIES = 100  # random arches in a row that are known, before a space counts as used up


@dataclass(frozen=True, slots=True, eq=False)
class DistinctArches:
    """One arch for each network of a small space.

    Attributes:
        arches: the first in the order of enumeration, of all that work the same.
        place: of an arch or its canonical form in `arches`.
    """

    arches: tuple[Arch, ...]
    place: dict[Arch, int]
    canonical: Any = field(repr=False)

    def index(self, arch: Arch) -> int | None:
        """The place of the arch that works like this one."""
        found = self.place.get(arch)
        return self.place.get(self.canonical(arch)) if found is None else found


_kept: weakref.WeakKeyDictionary[SearchSpace, DistinctArches] = weakref.WeakKeyDictionary()


def distinct_arches(space: SearchSpace) -> DistinctArches | None:
    """One arch for each network of a space, the same object each time; None for a space that is too large.

    Example:
        >>> from netwright import Space, choice
        >>> space = Space({"x": choice([1, 2, 3])}, canonical=lambda arch: arch.replace(x=min(arch["x"], 2)))
        >>> distinct_arches(space).arches
        (Arch({'x': 1}), Arch({'x': 2}))
    """
    whole = whole_space(space)
    if whole is None:
        return None
    found = _kept.get(space)
    if found is None:
        first: dict[Arch, int] = {}
        arches: list[Arch] = []
        for arch in whole.arches:
            form = space.canonical(arch)
            if form not in first:
                first[form] = len(arches)
                arches.append(arch)
        # Where nothing works the same, the tuple of the whole space does: what is encoded for it is then at hand.
        kept = whole.arches if len(arches) == len(whole.arches) else tuple(arches)
        canonical = _weakly(space)
        found = _kept[space] = DistinctArches(kept, first, canonical)
    return found


def _weakly(space: SearchSpace) -> Any:
    """The space's `canonical`, without keeping the space: what is kept for it must not keep it."""
    reference = weakref.ref(space)

    def canonical(arch: Arch) -> Arch:
        there = reference()
        return arch if there is None else there.canonical(arch)

    return canonical


def random_unseen(space: SearchSpace, history: History, rng: np.random.Generator, key: Hashable) -> Candidate:
    """A random arch that nobody has evaluated.

    Args:
        space, history, rng: as in `Strategy.propose`.
        key: the strategy; what is known of a small space is kept under it.

    Raises:
        SpaceExhausted: if every network of a small space is known, or a hundred random arches in a row are.
    """
    distinct = distinct_arches(space)
    if distinct is not None:
        free = _free(distinct, history, key)
        return history.candidate(distinct.arches[free[int(rng.random() * len(free))]])
    for _ in range(_TRIES):
        arch = space.sample(rng)
        if not history.seen(arch, 1.0):
            return history.candidate(arch)
    raise SpaceExhausted(f"{_TRIES} random arches in a row were known after {len(history)} records.")


def best_unseen(
    space: SearchSpace,
    history: History,
    rng: np.random.Generator,
    key: Hashable,
    *,
    promises: Callable[[Sequence[Arch]], Numbers],
    count: int,
) -> Candidate:
    """The most promising of some random arches that nobody has evaluated.

    Args:
        space, history, rng: as in `Strategy.propose`.
        key: the strategy; what is known of a small space is kept under it.
        promises: how promising each of some arches is, shape (n_arches,).
        count: how many random arches there are to choose from.

    Raises:
        SpaceExhausted: if every network of a small space is known, or a hundred random arches in a row are.
    """
    pool = [arch for arch, _ in nearby_arches(space, history, (), count, rng)]
    if not pool:
        return random_unseen(space, history, rng, key)
    return history.candidate(pool[_first_best(promises(pool), rng)])


def most_promising(
    space: SearchSpace,
    history: History,
    rng: np.random.Generator,
    key: Hashable,
    *,
    promises: Callable[[Sequence[Arch]], Numbers],
    best: Sequence[Record],
    count: int,
    scope: Scope = "whole",
) -> Candidate:
    """The most promising arch that nobody has evaluated; of equally promising ones, a random one.

    Args:
        space, history, rng: as in `Strategy.propose`.
        key: the strategy; what is known of a small space is kept under it.
        promises: how promising each of some arches is, shape (n_arches,).
        best: records near which to look if the space is large, the best first.
        count: how many arches of a large space to look at.
        scope: `whole`, or `nearby` to look at a small space like at a large one.

    Raises:
        SpaceExhausted: if every network of a small space is known, or a hundred random arches in a row are.
    """
    distinct = distinct_arches(space) if scope == "whole" else None
    if distinct is not None:
        free = _free(distinct, history, key)
        return history.candidate(distinct.arches[free[_first_best(promises(distinct.arches)[free], rng)]])
    pool = nearby_arches(space, history, best, count, rng)
    if not pool:
        return random_unseen(space, history, rng, key)
    found = promises([arch for arch, _ in pool])
    top = [pool[i] for i in np.argsort(-found, kind="stable")[:N_BEST]]
    again: dict[Arch, int | None] = {}
    for i in range(int(_AGAIN * count)):
        arch, parent = top[i % len(top)]
        try:
            child = space.mutate(arch, rng)
        except SpaceExhausted:  # constraints allow no change of this arch
            continue
        if not history.seen(child, 1.0):
            again.setdefault(child, parent)
    if again:
        pool += again.items()
        found = np.append(found, promises(list(again)))
    arch, parent = pool[_first_best(found, rng)]
    return history.candidate(arch, parent=parent)


def nearby_arches(
    space: SearchSpace, history: History, best: Sequence[Record], count: int, rng: np.random.Generator
) -> list[tuple[Arch, int | None]]:
    """Unseen arches, each with the id of the record that it was made from, if any.

    Two in three are children of the best records, the better the more often: one to three mutations, half of them
    after a crossover with another of the best. The others are random.

    Args:
        space, history, rng: as in `Strategy.propose`.
        best: records, the best first.
        count: how many to make; those that are known or come twice are left out.
    """
    found: dict[Arch, int | None] = {}
    numbers = rng.random((count, 4)).tolist()
    for i, (which, other, crossed, deep) in enumerate(numbers):
        parent: int | None = None
        if not best or i % 3 == 2:
            arch = space.sample(rng)
        else:
            record = best[int(which * which * len(best))]
            arch, parent = record.arch, record.id
            if crossed < 0.5 and len(best) > 1:
                arch = space.crossover(arch, best[int(other * len(best))].arch, rng)
            try:
                for _ in range(1 + int(3 * deep * deep)):
                    arch = space.mutate(arch, rng)
            except SpaceExhausted:  # constraints allow no change of this arch
                arch, parent = space.sample(rng), None
        if arch not in found and not history.seen(arch, 1.0):
            found[arch] = parent
    return list(found.items())


# What is known of a small space ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Taken:
    """Which arches of a small space are known."""

    places: np.ndarray[Any, np.dtype[np.bool_]]

    def note(self, distinct: DistinctArches, record: Record) -> _Taken:
        place = distinct.index(record.arch)
        if place is not None and record.fidelity >= 1:
            self.places[place] = True
        return self


def _free(distinct: DistinctArches, history: History, key: Hashable) -> Any:
    """The places of the arches that nobody has evaluated, or is evaluating."""

    def step(taken: _Taken, record: Record) -> _Taken:
        return taken.note(distinct, record)

    taken = history.fold((key, "taken"), step, partial(_none_taken, len(distinct.arches)))
    free = ~taken.places
    for other in history.pending.values():
        place = distinct.index(other.arch)
        if place is not None and other.fidelity >= 1:
            free[place] = False
    places = np.flatnonzero(free)
    if not len(places):
        raise SpaceExhausted(f"all {len(free)} networks of the space are known.")
    return places


def _none_taken(size: int) -> _Taken:
    return _Taken(np.zeros(size, dtype=bool))


def _first_best(promises: Numbers, rng: np.random.Generator) -> int:
    """Where the highest promise is; of those that are equal but for rounding, a random one."""
    near = np.flatnonzero(promises >= promises.max() - 1e-6)
    return int(near[int(rng.random() * len(near))])
