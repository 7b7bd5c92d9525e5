"""The values that one decision can take, and the moves between them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from netwright.core.arch import Decided

__all__ = ["Categorical", "Combination", "Domain", "IntegerRange", "RealRange"]


class Domain(Protocol):
    """The values of a decision. `draw` turns a number in [0, 1) into a value, so one call draws a whole arch."""

    @property
    def default(self) -> Decided:
        """The value that a careful person would start from."""
        ...

    @property
    def count(self) -> float:
        """How many values there are; infinite for a real."""
        ...

    @property
    def width(self) -> int:
        """How many numbers encode a value."""
        ...

    def draw(self, u: float) -> Decided:
        """The value at `u` in [0, 1)."""
        ...

    def draw_other(self, value: Decided, u: float) -> Decided:
        """A value other than this one."""
        ...

    def neighbours(self, value: Decided) -> Iterator[Decided]:
        """The values one step away."""
        ...

    def grid(self, resolution: int) -> Iterator[Decided]:
        """All values in a fixed order; `resolution` of them for a real."""
        ...

    def encode(self, value: Decided) -> list[float]:
        """`width` numbers in [0, 1]."""
        ...

    def __contains__(self, value: object) -> bool: ...

    def __str__(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Categorical:
    """One of a few values without an order."""

    values: tuple[Decided, ...]
    first: int = 0

    @property
    def default(self) -> Decided:
        return self.values[self.first]

    @property
    def count(self) -> int:
        return len(self.values)

    @property
    def width(self) -> int:
        return len(self.values)

    def draw(self, u: float) -> Decided:
        return self.values[int(u * len(self.values))]

    def draw_other(self, value: Decided, u: float) -> Decided:
        index = int(u * (len(self.values) - 1))
        return self.values[index + (index >= self.values.index(value))]

    def neighbours(self, value: Decided) -> Iterator[Decided]:
        return (other for other in self.values if other != value)

    def grid(self, resolution: int) -> Iterator[Decided]:
        return iter(self.values)

    def encode(self, value: Decided) -> list[float]:
        return [float(other == value) for other in self.values]

    def __contains__(self, value: object) -> bool:
        return any(value == other and type(value) is type(other) for other in self.values)

    def __str__(self) -> str:
        return "one of " + ", ".join(map(repr, self.values))


@dataclass(frozen=True, slots=True)
class IntegerRange:
    """Whole numbers from low to high in steps; neighbours are one step away."""

    low: int
    high: int
    step: int = 1
    log: bool = False
    start: int | None = None

    @property
    def count(self) -> int:
        return (self.high - self.low) // self.step + 1

    @property
    def default(self) -> int:
        if self.start is not None:
            return self.start
        if self.log:
            return round(math.sqrt(self.low * self.high))
        return self.low + self.step * (self.count // 2)

    @property
    def width(self) -> int:
        return 1

    def draw(self, u: float) -> int:
        if self.log:  # every number owns the interval from itself to the next one
            span = math.log(self.high + 1) - math.log(self.low)
            return min(self.high, max(self.low, int(math.exp(math.log(self.low) + u * span))))
        return self.low + self.step * int(u * self.count)

    def draw_other(self, value: Decided, u: float) -> int:
        if self.log:
            # Leave out the value's own interval and close the gap.
            assert isinstance(value, int)
            own_from, own_to = math.log(value), math.log(value + 1)
            start, stop = math.log(self.low), math.log(self.high + 1)
            at = start + u * (stop - start - (own_to - own_from))
            at = at + (own_to - own_from) if at >= own_from else at
            drawn = min(self.high, max(self.low, int(math.exp(at) + 1e-9)))
            return drawn if drawn != value else (value + 1 if value < self.high else value - 1)
        index = int(u * (self.count - 1))
        own = (value - self.low) // self.step  # type: ignore[operator]  # validated to be an int
        return self.low + self.step * (index + (index >= own))

    def neighbours(self, value: Decided) -> Iterator[int]:
        assert isinstance(value, int)
        return (other for other in (value - self.step, value + self.step) if self.low <= other <= self.high)

    def grid(self, resolution: int) -> Iterator[int]:
        return iter(range(self.low, self.high + 1, self.step))

    def encode(self, value: Decided) -> list[float]:
        if self.low == self.high:
            return [0.0]
        if self.log:
            return [math.log(value / self.low) / math.log(self.high / self.low)]  # type: ignore[operator]  # an int
        return [(value - self.low) / (self.high - self.low)]  # type: ignore[operator]  # validated to be an int

    def __contains__(self, value: object) -> bool:
        return (
            isinstance(value, int)
            and not isinstance(value, bool)
            and self.low <= value <= self.high
            and (value - self.low) % self.step == 0
        )

    def __str__(self) -> str:
        step = f" in steps of {self.step}" if self.step != 1 else ""
        return f"a whole number in {self.low}..{self.high}{step}{' (log)' if self.log else ''}"


_STEP = 0.1  # of the unit interval: how far a real's neighbours are


@dataclass(frozen=True, slots=True)
class RealRange:
    """Real numbers, six significant digits; neighbours are a tenth of the (logarithmic) range away."""

    low: float
    high: float
    log: bool = False
    start: float | None = None

    @property
    def count(self) -> float:
        return math.inf

    @property
    def default(self) -> float:
        return self._at(0.5) if self.start is None else self.start

    @property
    def width(self) -> int:
        return 1

    def _at(self, u: float) -> float:
        if self.log:
            value = math.exp(math.log(self.low) + u * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + u * (self.high - self.low)
        return min(self.high, max(self.low, float(f"{value:.6g}")))

    def draw(self, u: float) -> float:
        return self._at(u)

    def draw_other(self, value: Decided, u: float) -> float:
        drawn = self._at(u)
        return drawn if drawn != value else self._at((u + 0.5) % 1.0)

    def neighbours(self, value: Decided) -> Iterator[float]:
        u = self.encode(value)[0]
        # A hair of tolerance: six digits must not push a step past the border.
        return (self._at(v) for v in (u - _STEP, u + _STEP) if -1e-6 <= v <= 1 + 1e-6)

    def grid(self, resolution: int) -> Iterator[float]:
        if resolution == 1:
            return iter([self.default])
        return (self._at(i / (resolution - 1)) for i in range(resolution))

    def encode(self, value: Decided) -> list[float]:
        assert isinstance(value, (int, float))
        if self.log:
            return [math.log(value / self.low) / math.log(self.high / self.low)]
        return [(value - self.low) / (self.high - self.low)]

    def __contains__(self, value: object) -> bool:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and self.low <= value <= self.high

    def __str__(self) -> str:
        return f"a real number in {self.low:g}..{self.high:g}{' (log)' if self.log else ''}"


@dataclass(frozen=True, slots=True)
class Combination:
    """k of n values, in their order; neighbours swap one value for another."""

    values: tuple[Decided, ...]
    k: int

    @property
    def count(self) -> int:
        return math.comb(len(self.values), self.k)

    @property
    def default(self) -> Decided:
        return self.values[: self.k]  # type: ignore[return-value]  # a tuple of scalars

    @property
    def width(self) -> int:
        return len(self.values)

    def _unrank(self, rank: int) -> Decided:
        """The combination of this rank in lexicographic order."""
        chosen: list[Decided] = []
        left = self.k
        for index, value in enumerate(self.values):
            if left == 0:
                break
            with_it = math.comb(len(self.values) - index - 1, left - 1)
            if rank < with_it:
                chosen.append(value)
                left -= 1
            else:
                rank -= with_it
        return tuple(chosen)  # type: ignore[arg-type]  # scalars

    def _rank(self, value: Decided) -> int:
        assert isinstance(value, tuple)
        rank, left = 0, self.k
        for index, option in enumerate(self.values):
            if left == 0:
                break
            if option in value:
                left -= 1
            else:
                rank += math.comb(len(self.values) - index - 1, left - 1)
        return rank

    def draw(self, u: float) -> Decided:
        return self._unrank(int(u * self.count))

    def draw_other(self, value: Decided, u: float) -> Decided:
        rank = int(u * (self.count - 1))
        return self._unrank(rank + (rank >= self._rank(value)))

    def neighbours(self, value: Decided) -> Iterator[Decided]:
        assert isinstance(value, tuple)
        for leaving, entering in itertools.product(value, self.values):
            if entering not in value:
                chosen = {*value, entering} - {leaving}
                scalars: tuple[Any, ...] = self.values
                yield tuple(option for option in scalars if option in chosen)

    def grid(self, resolution: int) -> Iterator[Decided]:
        scalars: tuple[Any, ...] = self.values
        return itertools.combinations(scalars, self.k)

    def encode(self, value: Decided) -> list[float]:
        assert isinstance(value, tuple)
        return [float(option in value) for option in self.values]

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, tuple) or len(value) != self.k or len(set(value)) != self.k:
            return False
        order = [self.values.index(option) for option in value if option in self.values]
        return len(order) == self.k and order == sorted(order)

    def __str__(self) -> str:
        return f"{self.k} of " + ", ".join(map(repr, self.values))
