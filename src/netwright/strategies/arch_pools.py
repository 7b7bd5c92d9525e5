"""The arches that a model-based strategy scores: all of a small space, or those near the best of a large one."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from netwright.core import Arch, History, Record, SearchSpace
from netwright.core.errors import SpaceExhausted
from netwright.predictors.whole_space import whole_space

__all__ = ["DistinctArches", "distinct_arches", "nearby_arches", "unseen_arch"]

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


def unseen_arch(space: SearchSpace, history: History, rng: np.random.Generator) -> Arch:
    """A random arch that nobody has evaluated.

    Raises:
        SpaceExhausted: if a hundred in a row are known.
    """
    for _ in range(_TRIES):
        arch = space.sample(rng)
        if not history.seen(arch, 1.0):
            return arch
    raise SpaceExhausted(f"{_TRIES} random arches in a row were known after {len(history)} records.")


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
