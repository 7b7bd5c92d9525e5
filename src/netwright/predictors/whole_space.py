"""All arches of a small space with their encodings, kept as long as the space: scoring each of them is then cheap."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from netwright.core.arch import Arch
from netwright.core.errors import InvalidInput
from netwright.core.protocols import SearchSpace
from netwright.predictors.protocols import Encoding, Numbers
from netwright.spaces.graph import ArchGraph

__all__ = ["WholeSpace", "distinct", "encoded", "graphs_of", "has_reals", "kept_for", "whole_space"]

K = TypeVar("K")
V = TypeVar("V")

_MOST = 50_000
_kept: weakref.WeakKeyDictionary[SearchSpace, WholeSpace] = weakref.WeakKeyDictionary()


class WholeSpace:
    """Every arch of a space, in the order of enumeration.

    Args:
        space: a space without reals.

    Attributes:
        arches: all of them.
        index: of each arch in `arches`.
    """

    def __init__(self, space: SearchSpace) -> None:
        self.arches: tuple[Arch, ...] = tuple(space.enumerate())
        self.index: dict[Arch, int] = {arch: i for i, arch in enumerate(self.arches)}
        self._space = weakref.ref(space)  # kept under the space in a weak dictionary: no strong reference back
        self._features: dict[Encoding, Numbers] = {}
        self._known: dict[Encoding, np.ndarray[Any, np.dtype[np.bool_]]] = {}
        self.graphs: dict[int, ArchGraph] = {}  # those that were drawn so far, by the arch's index

    def __len__(self) -> int:
        return len(self.arches)

    def features(self, encoding: Encoding) -> Numbers:
        """The encoding of every arch, shape (n_arches, n_features); computed once, and not to be written to.

        Example:
            >>> from netwright.predictors import OneHot
            >>> from netwright.spaces import Space, choice
            >>> space = Space({"width": choice([8, 16]), "act": choice(["relu", "silu", "gelu"])})
            >>> whole_space(space).features(OneHot()).shape
            (6, 5)
        """
        return self.rows(encoding, range(len(self.arches)))

    def rows(self, encoding: Encoding, indices: Sequence[int]) -> Numbers:
        """The encodings of some arches; those that nobody has asked for yet are computed now."""
        space = self._space()
        if space is None:
            raise InvalidInput("the space of a WholeSpace is gone: keep a reference to it.")
        chosen = np.asarray(indices, dtype=np.intp)
        known = self._known.get(encoding)
        if known is None:
            known = self._known[encoding] = np.zeros(len(self.arches), dtype=bool)
        missing = np.unique(chosen[~known[chosen]])
        if len(missing) or encoding not in self._features:
            rows = encoding(space, [self.arches[i] for i in missing])
            if encoding not in self._features:
                self._features[encoding] = np.full((len(self.arches), rows.shape[1]), np.nan)
            self._features[encoding][missing] = rows
            known[missing] = True
        features = self._features[encoding]
        if len(chosen) == len(self.arches) and isinstance(indices, range):
            return features
        return features[chosen]


def whole_space(space: SearchSpace, most: int = _MOST) -> WholeSpace | None:
    """All arches of a space, the same object each time; None if there are more than `most`, or nobody knows exactly.

    Example:
        >>> from netwright.spaces import Space, choice, real
        >>> space = Space({"width": choice([8, 16]), "depth": choice([1, 2, 3])})
        >>> len(whole_space(space)), whole_space(space) is whole_space(space)
        (6, True)
        >>> whole_space(Space({"lr": real(0.1, 1.0)})) is None
        True
    """
    try:
        found = _kept.get(space)
        if found is None:
            size = space.size()
            if not isinstance(size, int) or size > most:  # infinite, or an estimate, which says little
                return None
            found = _kept[space] = WholeSpace(space)
    except TypeError:  # a space that can't be referred to weakly: nothing is kept for it
        return None
    return found if len(found) <= most else None


def has_reals(space: SearchSpace) -> bool:
    """Whether a decision of the space is a real: whatever is evaluated, as good as the same is always left.

    Example:
        >>> from netwright.spaces import Space, choice, real
        >>> has_reals(Space({"width": choice([8, 16])})), has_reals(Space({"lr": real(0.1, 1.0)}))
        (False, True)
    """
    return any(math.isinf(decision.domain.count) for decision in getattr(space, "decisions", ()))


def kept_for(store: weakref.WeakKeyDictionary[SearchSpace, dict[K, V]], space: SearchSpace) -> dict[K, V]:
    """What a store has of a space, to be added to; it goes with the space.

    Example:
        >>> from netwright.spaces import Space, choice
        >>> space, store = Space({"width": choice([8, 16])}), weakref.WeakKeyDictionary()
        >>> kept_for(store, space)["size"] = 2
        >>> kept_for(store, space)
        {'size': 2}
    """
    try:
        return store.setdefault(space, {})
    except TypeError:  # a space that can't be referred to weakly: nothing is kept for it
        return {}


def distinct(space: SearchSpace, arches: Sequence[Arch]) -> list[Arch]:
    """The first of all arches that work the same (`space.canonical`), in their order.

    Example:
        >>> from netwright.spaces import Space, choice
        >>> space = Space({"x": choice([1, 2, 3])}, canonical=lambda arch: arch.replace(x=min(arch["x"], 2)))
        >>> distinct(space, list(space.enumerate()))
        [Arch({'x': 1}), Arch({'x': 2})]
    """
    first: dict[Arch, Arch] = {}
    for arch in arches:
        first.setdefault(space.canonical(arch), arch)
    return list(first.values())


def encoded(space: SearchSpace, encoding: Encoding, arches: Sequence[Arch]) -> Numbers:
    """The encoding of some arches, out of what is kept where the space is small; shape (n_arches, n_features).

    Example:
        >>> from netwright.predictors import OneHot
        >>> from netwright.spaces import Space, choice
        >>> space = Space({"width": choice([8, 16])})
        >>> encoded(space, OneHot(), [space.default()])
        array([[1., 0.]])
    """
    whole = whole_space(space)
    if whole is None:
        return encoding(space, arches)
    if arches is whole.arches:
        return whole.features(encoding)
    try:
        indices = [whole.index[arch] for arch in arches]
    except KeyError:  # one that the constraints rule out, perhaps
        return encoding(space, arches)
    return whole.rows(encoding, indices)


def graphs_of(space: SearchSpace, arches: Sequence[Arch]) -> list[ArchGraph]:
    """The graph of each arch, out of what is kept where the space is small.

    Example:
        >>> from netwright.spaces import Space, choice
        >>> space = Space({"width": choice([8, 16])})
        >>> graphs_of(space, [space.default()])[0].labels
        ('input', 'width=8', 'output')

    Raises:
        InvalidInput: if the space draws no graphs.
    """
    draw: Callable[[Arch], ArchGraph] | None = getattr(space, "graph", None)
    if draw is None:
        raise InvalidInput(
            f"encodings of graphs need a space with `graph(arch)`, but {space!r} has none: use OneHot or Pairwise."
        )
    whole = whole_space(space)
    if whole is None:
        return [draw(arch) for arch in arches]
    kept, found = whole.graphs, []
    for arch in arches:
        index = whole.index.get(arch, -1)
        graph = kept.get(index) or draw(arch)
        if index >= 0:
            kept[index] = graph
        found.append(graph)
    return found
