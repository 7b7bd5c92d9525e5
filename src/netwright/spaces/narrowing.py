"""Parts of a domain: how a decision is left with fewer values, while names and encodings stay what they were.

A domain is cut into pieces: an option of a choice, a member of a subset, a stretch of a range. A range loses pieces at
its ends only, so that it stays one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from netwright.core.arch import Decided
from netwright.core.errors import InvalidSpace
from netwright.spaces.domains import Categorical, Combination, Domain, IntegerRange, RealRange

__all__ = ["Cut", "Part", "Piece", "cut"]

Piece: TypeAlias = "Decided | tuple[float, float]"
"""An option, a member, a whole number; or (low, high), a stretch of a range, both ends in it."""


_LOOKED_AT = 100  # values, to see whether they are of the whole


@dataclass(frozen=True, slots=True)
class Part:
    """A domain with fewer values. It encodes them as the whole domain does, also those that it hasn't.

    Example:
        >>> part = Part(Categorical(("a", "b", "c")), Categorical(("a", "c")))
        >>> part.encode("c"), "b" in part, str(part)
        ([0.0, 0.0, 1.0], False, "one of 'a', 'c'")

    Raises:
        InvalidSpace: if a value that is kept is none of the whole domain.
    """

    whole: Domain
    kept: Domain

    def __post_init__(self) -> None:
        foreign = [value for value in itertools.islice(self.kept.grid(3), _LOOKED_AT) if value not in self.whole]
        if foreign:
            raise InvalidSpace(f"what is kept must be a part of {self.whole}, but got {foreign[0]!r}.")

    @property
    def default(self) -> Decided:
        return self.whole.default if self.whole.default in self.kept else self.kept.default

    @property
    def count(self) -> float:
        return self.kept.count

    @property
    def width(self) -> int:
        return self.whole.width

    def draw(self, u: float) -> Decided:
        return self.kept.draw(u)

    def draw_other(self, value: Decided, u: float) -> Decided:
        return self.kept.draw_other(value, u) if value in self.kept else self.kept.draw(u)

    def neighbours(self, value: Decided) -> Iterator[Decided]:
        return self.kept.neighbours(value)

    def grid(self, resolution: int) -> Iterator[Decided]:
        return self.kept.grid(resolution)

    def encode(self, value: Decided) -> list[float]:
        return self.whole.encode(value)

    def nearest(self, value: Decided) -> Decided:
        """The value itself, or one that this part has instead: the nearest end of a range, else the default."""
        if value in self.kept:
            return value
        if isinstance(self.kept, (IntegerRange, RealRange)) and isinstance(value, (int, float)):
            return self.kept.low if value < self.kept.low else _ends(self.kept)[1]
        if isinstance(self.kept, Combination) and isinstance(value, tuple):
            missing = [member for member in self.kept.values if member not in value]
            stay = [member for member in value if member in self.kept.values]
            chosen = {*stay, *missing[: self.kept.k - len(stay)]}
            scalars: tuple[Any, ...] = self.kept.values
            return tuple(member for member in scalars if member in chosen)
        return self.default

    def __contains__(self, value: object) -> bool:
        return value in self.kept

    def __str__(self) -> str:
        return str(self.kept)


@dataclass(frozen=True, slots=True)
class Cut:
    """A domain in pieces.

    Attributes:
        domain: what is cut.
        pieces: in the domain's order.
        least: how many must stay.

    Example:
        >>> found = cut(IntegerRange(1, 8), 4)
        >>> found.pieces, found.of(3), str(found.kept({1, 2}))
        (((1, 2), (3, 4), (5, 6), (7, 8)), (1,), 'a whole number in 3..6')
    """

    domain: Domain
    pieces: tuple[Piece, ...]
    least: int = 1

    @property
    def ordered(self) -> bool:
        """Whether only pieces at the ends may go."""
        return isinstance(self.domain, (IntegerRange, RealRange))

    def of(self, value: Decided) -> tuple[int, ...]:
        """The pieces that a value lies in: one, or several members of a subset."""
        if isinstance(self.domain, Combination):
            assert isinstance(value, tuple)
            return tuple(i for i, piece in enumerate(self.pieces) if piece in value)
        if not self.ordered:
            return (self.pieces.index(value),)
        assert isinstance(value, (int, float))
        return (next(i for i, piece in enumerate(self.pieces) if value <= _high(piece) or i == len(self.pieces) - 1),)

    def kept(self, pieces: set[int]) -> Domain:
        """The domain with these pieces only; of a range, all from the first of them to the last.

        Raises:
            InvalidSpace: if they are too few.
        """
        if len(pieces) < self.least:
            raise InvalidSpace(f"at least {self.least} of {self.pieces} must stay, but got {sorted(pieces)}.")
        domain = self.domain
        if isinstance(domain, Categorical):
            values = tuple(domain.values[i] for i in sorted(pieces))
            return Categorical(values, values.index(domain.default) if domain.default in values else 0)
        if isinstance(domain, Combination):
            return Combination(tuple(domain.values[i] for i in sorted(pieces)), domain.k)
        low, high = _low(self.pieces[min(pieces)]), _high(self.pieces[max(pieces)])
        start: Any = domain.default if low <= domain.default <= high else None
        if isinstance(domain, IntegerRange):
            return IntegerRange(int(low), int(high), domain.step, domain.log, start)
        assert isinstance(domain, RealRange)
        return RealRange(low, high, domain.log, start)


def cut(domain: Domain, most: int) -> Cut:
    """A domain in pieces; a range in at most so many, of equal (logarithmic) width.

    A domain of another kind than those of the language is one piece: it can't be narrowed.

    Example:
        >>> cut(RealRange(0.001, 0.1, log=True), 2).pieces
        ((0.001, 0.01), (0.01, 0.1))
    """
    if isinstance(domain, Part):
        domain = domain.whole
    if isinstance(domain, Categorical):
        return Cut(domain, domain.values)
    if isinstance(domain, Combination):
        return Cut(domain, domain.values, max(1, domain.k))
    if isinstance(domain, RealRange):
        at = [domain.draw(i / most) for i in range(most)] + [domain.high]
        return Cut(domain, tuple(itertools.pairwise(at)))
    if isinstance(domain, IntegerRange):
        return Cut(domain, tuple(_stretches(domain, most)))
    return Cut(domain, (domain.default,))


def _stretches(domain: IntegerRange, most: int) -> Iterator[Piece]:
    """A range of whole numbers in at most so many stretches; a stretch of one number is that number."""
    if domain.count <= most:
        yield from domain.grid(1)
        return
    starts = sorted({domain.draw(i / most) for i in range(most)})
    for start, after in zip(starts, [*starts[1:], _ends(domain)[1] + domain.step], strict=True):
        end = after - domain.step
        yield start if start == end else (start, end)


def _ends(domain: IntegerRange | RealRange) -> tuple[Any, Any]:
    if isinstance(domain, IntegerRange):
        return domain.low, domain.low + domain.step * (domain.count - 1)
    return domain.low, domain.high


def _low(piece: Piece) -> Any:
    return piece[0] if isinstance(piece, tuple) else piece


def _high(piece: Piece) -> Any:
    return piece[-1] if isinstance(piece, tuple) else piece
