"""`ListedSpace`: the part of a space that is listed arch by arch, such as those that a table has."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from netwright.core.arch import Arch
from netwright.core.errors import InvalidSpace, SpaceExhausted
from netwright.spaces.crossovers import uniform
from netwright.spaces.domains import Domain
from netwright.spaces.graph import ArchGraph
from netwright.spaces.space import Space

__all__ = ["ListedSpace"]

_MOST_VALIDATED = 1000  # arches of a list

Features: TypeAlias = "Callable[[Space, Sequence[Arch]], np.ndarray[Any, Any]]"


def _encodings(space: Space, arches: Sequence[Arch]) -> np.ndarray[Any, Any]:
    return np.stack([space.encode(arch) for arch in arches])


class ListedSpace(Space):
    """A space with only some of another one's arches: those of a list.

    One step from an arch mostly leads out of a list that has a small part of a space. So what is near is told by
    features: the neighbours of an arch are the listed ones that are nearest by them, a mutation is one of these, and a
    child of two arches is the listed one that is nearest to their crossover. Neighbours are not always mutual.

    Args:
        space: the whole space.
        arches: those that there are.
        n_neighbours: how many neighbours an arch has.
        features: a function of the whole space and some arches to numbers, shape (n_arches, n_features): arches are as
            near as these are, by the sum of squared differences. `space.encode` if not given.

    Example:
        >>> from netwright.spaces import integer
        >>> space = Space({"x": integer(0, 9), "y": integer(0, 9)})
        >>> diagonal = ListedSpace(space, [Arch({"x": i, "y": i}) for i in range(10)], n_neighbours=2)
        >>> diagonal.size(), [arch["x"] for arch in diagonal.neighbours(Arch({"x": 0, "y": 0}))]
        (10, [1, 2])
        >>> diagonal.nearest_allowed(Arch({"x": 7, "y": 9}))
        Arch({'x': 8, 'y': 8})

    Raises:
        InvalidSpace: if there is no arch, one comes twice or is none of the space (of a long list some are looked at).
    """

    def __init__(
        self, space: Space, arches: Sequence[Arch], *, n_neighbours: int = 16, features: Features = _encodings
    ) -> None:
        model, training, constraints, name, canonical = space._given  # noqa: SLF001  # its parts, to be made again
        super().__init__(
            model, training=training, constraints=(*constraints, self.listed), name=name, canonical=canonical
        )
        self._whole = space
        self.decisions = space.decisions
        self._take_decisions()
        self._arches = tuple(arches)
        self._places = {arch: place for place, arch in enumerate(self._arches)}
        if n_neighbours < 1 or not self._arches or len(self._places) < len(self._arches):
            raise InvalidSpace(
                "a listed space needs at least one arch, none twice, and at least one neighbour, but got "
                f"{len(self._arches)} arches, {len(self._places)} different ones, and n_neighbours={n_neighbours}."
            )
        for arch in self._arches[:: 1 + len(self._arches) // _MOST_VALIDATED]:
            space.validate(arch)
        self._n_neighbours = n_neighbours
        self._features = features
        self._near: dict[Arch, tuple[int, ...]] = {}
        # Features, shape (n_arches, n_features), and the squares of their lengths.
        self._numbers: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | None = None

    def listed(self, arch: Arch) -> bool:
        """Whether the arch is one of those listed."""
        return arch in self._places

    def __reduce__(self) -> Any:
        return _again, (self._whole, self._arches, self._n_neighbours, self._features, self._start)

    def starting_at(self, arch: Arch) -> ListedSpace:
        self.validate(arch)
        return _again(self._whole, self._arches, self._n_neighbours, self._features, arch)

    def narrowed(self, kept: Mapping[str, Domain]) -> ListedSpace:
        whole = self._whole.narrowed(kept)
        arches = [arch for arch in self._arches if all(arch[name] in kept[name] for name in kept if name in arch)]
        if not arches:
            raise InvalidSpace(f"no listed arch of {self.name!r} has only values of {', '.join(map(repr, kept))}.")
        start = self._start if self._start in set(arches) else None
        return _again(whole, arches, self._n_neighbours, self._features, start)

    def inside(self, arch: Arch) -> Arch:
        """The arch itself if it is listed, else the nearest one that is."""
        return arch if arch in self._places else self._arches[self._nearest(arch, 1)[0]]

    nearest_allowed = inside

    def __repr__(self) -> str:
        return f"<ListedSpace {self.name}: {len(self._arches)} arches>"

    def default(self) -> Arch:
        if self._start is None:
            self._start = self.inside(self._whole.default())
        return self._start

    def sample(self, rng: np.random.Generator) -> Arch:
        """One of the listed arches, all alike."""
        return self._arches[int(rng.random() * len(self._arches))]

    def mutate(self, arch: Arch, rng: np.random.Generator) -> Arch:
        """One of the neighbours.

        Raises:
            SpaceExhausted: if there is none.
        """
        near = self._neighbours(arch)
        if not near:
            raise SpaceExhausted(f"there is one arch only in {self.name!r}.")
        return self._arches[near[int(rng.random() * len(near))]]

    def crossover(self, first: Arch, second: Arch, rng: np.random.Generator) -> Arch:
        """The listed arch that is nearest to a child with each decision from either parent (uniform crossover)."""
        return self.inside(uniform(self._whole, first, second, rng))

    def neighbours(self, arch: Arch) -> Iterator[Arch]:
        """The listed arches that are nearest, the nearest first."""
        return (self._arches[place] for place in self._neighbours(arch))

    def enumerate(self, resolution: int = 5) -> Iterator[Arch]:
        """The arches in the order of the list."""
        return iter(self._arches)

    def size(self) -> int:
        return len(self._arches)

    def canonical(self, arch: Arch) -> Arch:
        """The arch itself if it is listed: arches that work the same are told apart only if the list does."""
        return arch if arch in self._places else super().canonical(arch)

    def graph(self, arch: Arch) -> ArchGraph:
        return self._whole.graph(arch)

    def without_constraints(self) -> Space:
        return self._whole.without_constraints()

    @property
    def digest(self) -> str:
        text = "\n".join([self._whole.digest, self.default().to_json(), *(arch.to_json() for arch in self._arches)])
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def _neighbours(self, arch: Arch) -> tuple[int, ...]:
        near = self._near.get(arch)
        if near is None:
            places = self._nearest(arch, self._n_neighbours + 1)
            own = self._places.get(arch)
            near = self._near[arch] = tuple([place for place in places if place != own][: self._n_neighbours])
        return near

    def _nearest(self, arch: Arch, n: int) -> list[int]:
        """The places of the nearest arches, by distance and then in the order of the list."""
        if self._numbers is None:
            numbers = np.ascontiguousarray(self._features(self._whole, self._arches), dtype=np.float32)
            self._numbers = numbers, np.square(numbers).sum(1)
        numbers, squares = self._numbers
        own = np.asarray(self._features(self._whole, [arch])[0], dtype=np.float32)
        distances = squares - 2 * (numbers @ own)  # the square of its own length would be the same for all
        if n < len(distances):
            farthest = np.partition(distances, n - 1)[n - 1]
            places = np.flatnonzero(distances <= farthest)
            return places[np.argsort(distances[places], kind="stable")][:n].tolist()
        return np.argsort(distances, kind="stable").tolist()


def _again(space: Space, arches: Sequence[Arch], n_neighbours: int, features: Features, start: Arch | None) -> Any:
    listed = ListedSpace(space, arches, n_neighbours=n_neighbours, features=features)
    listed._start = start  # noqa: SLF001  # its own
    return listed
