"""An arch as a text: the decisions of a space written one after the other, in steps of a few options each.

What a controller writes. Only active decisions are written, each after those it depends on:

- a choice, and a range of at most 16 whole numbers, is one step;
- a longer range, and a real, is written digit by digit: its place between low and high (on its own scale, logarithmic
  ones included) in base eight, two digits; what is left of it is drawn uniformly. So there are 64 places that any
  distribution over them can be learned on, also one with several peaks, the coarse digit first;
- a subset of k is k steps, its members in their order, so that every subset is written in one way only.

Every step has *priors*: the logarithms of the weights that its options have before anything is learned. With equal
scores on top of them, what is written is distributed as what `space.sample` draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

from netwright.core import Arch, Decided, SearchSpace
from netwright.core.errors import InvalidInput
from netwright.spaces.decisions import Decision
from netwright.spaces.domains import Categorical, Combination, IntegerRange, RealRange
from netwright.spaces.narrowing import Part

__all__ = ["Step", "Writing"]

Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

_FEW = 16  # values of a range that are told apart in one step
_BASE, _DIGITS = 8, 2


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a text.

    Attributes:
        place: which step of the space it is; the same decision's same step always has the same place.
        option: what was written, from 0.
        priors: the logarithms of all options' weights, shape (options,); minus infinity: impossible here.
    """

    place: int
    option: int
    priors: Array


class Writing:
    """How the arches of a space are written.

    Args:
        space: one that knows its decisions.

    Attributes:
        widths: the number of options of each place.

    Example:
        >>> from netwright import Space, choice, subset
        >>> writing = Writing(Space({"op": choice(["conv", "pool"]), "inputs": subset(["a", "b", "c"], 2)}))
        >>> writing.widths
        (2, 3, 3)
        >>> [step.option for step in writing.read(Arch({"op": "pool", "inputs": ("a", "c")}))]
        [1, 0, 2]

    Raises:
        InvalidInput: if the space has no list of decisions, or a decision of a kind that can't be written.
    """

    def __init__(self, space: SearchSpace) -> None:
        decisions: Sequence[Decision] | None = getattr(space, "decisions", None)
        if decisions is None:
            raise InvalidInput(
                f"a controller needs a space with a fixed list of `decisions`, such as netwright.Space, but got "
                f"{space!r}: use an evolutionary method there."
            )
        self._plan: list[tuple[Decision, int, _Spelling]] = []
        widths: list[int] = []
        for decision in decisions:
            spelling = _spelling(decision)
            self._plan.append((decision, len(widths), spelling))
            widths += spelling.widths
        self.widths = tuple(widths)

    def write(self, choose: Callable[[int, Array], int], rng: np.random.Generator) -> Arch:
        """The arch that comes of choosing an option at each step, given its place and its priors."""
        decisions: dict[str, Decided] = {}
        for decision, first, spelling in self._plan:
            if decision.active(decisions):
                written: list[int] = []
                for place in range(first, first + len(spelling.widths)):
                    written.append(choose(place, spelling.priors(written)))
                decisions[decision.name] = spelling.value(written, rng)
        return Arch(decisions)

    def read(self, arch: Arch) -> Iterator[Step]:
        """The steps that write an arch."""
        for decision, first, spelling in self._plan:
            if decision.name in arch:
                options = spelling.options(arch[decision.name])
                for i, option in enumerate(options):
                    yield Step(first + i, option, spelling.priors(options[:i]))


class _Spelling(Protocol):
    """How the values of one decision are written."""

    @property
    def widths(self) -> tuple[int, ...]:
        """The number of options of each of its steps."""
        ...

    def priors(self, written: list[int]) -> Array:
        """Of the step after these."""
        ...

    def value(self, written: list[int], rng: np.random.Generator) -> Decided:
        """What these steps stand for."""
        ...

    def options(self, value: Decided) -> list[int]:
        """The steps that stand for a value."""
        ...


def _spelling(decision: Decision) -> _Spelling:
    domain = decision.domain.kept if isinstance(decision.domain, Part) else decision.domain  # of a narrowed space
    if isinstance(domain, Categorical) or (isinstance(domain, IntegerRange) and domain.count <= _FEW):
        return _Word(domain)
    if isinstance(domain, IntegerRange | RealRange):
        return _Number(domain)
    if isinstance(domain, Combination):
        return _Members(domain)
    raise InvalidInput(
        f"a controller writes choices, integers, reals and subsets, but {decision.name!r} is {domain}: use an "
        "evolutionary method there."
    )


class _Word:
    """One of a few values: one step."""

    __slots__ = ("_index", "_priors", "_values", "widths")

    def __init__(self, domain: Categorical | IntegerRange) -> None:
        self._values = tuple(domain.grid(_FEW))
        self._index = {value: i for i, value in enumerate(self._values)}
        self.widths = (len(self._values),)
        if isinstance(domain, IntegerRange) and domain.log:  # a number's share of the logarithmic range
            numbers = np.arange(domain.low, domain.high + 1)
            self._priors = np.log(np.log1p(1 / numbers))
        else:
            self._priors = np.zeros(len(self._values))

    def priors(self, written: list[int]) -> Array:
        return self._priors

    def value(self, written: list[int], rng: np.random.Generator) -> Decided:
        return self._values[written[0]]

    def options(self, value: Decided) -> list[int]:
        return [self._index[value]]


class _Number:
    """A number of a long range: the digits of its place in it."""

    __slots__ = ("_domain", "_priors", "widths")

    def __init__(self, domain: IntegerRange | RealRange) -> None:
        self._domain = domain
        self._priors = np.zeros(_BASE)
        self.widths = (_BASE,) * _DIGITS

    def priors(self, written: list[int]) -> Array:
        return self._priors

    def value(self, written: list[int], rng: np.random.Generator) -> Decided:
        u = rng.random()
        for digit in reversed(written):
            u = (digit + u) / _BASE
        return self._domain.draw(u)

    def options(self, value: Decided) -> list[int]:
        u = _place(self._domain, value)
        digits = []
        for _ in range(_DIGITS):
            digit = min(int(_BASE * u), _BASE - 1)
            digits.append(digit)
            u = _BASE * u - digit
        return digits


def _place(domain: IntegerRange | RealRange, value: Decided) -> float:
    """A number in [0, 1] at which the domain draws this value: in the middle of those that do."""
    if isinstance(domain, RealRange):
        return domain.encode(value)[0]
    assert isinstance(value, int)
    if domain.log:
        return math.log((value + 0.5) / domain.low) / math.log((domain.high + 1) / domain.low)
    return ((value - domain.low) // domain.step + 0.5) / domain.count


class _Members:
    """k of n values: the members one after the other, in their order."""

    __slots__ = ("_k", "_priors", "_values", "widths")

    def __init__(self, domain: Combination) -> None:
        self._values, self._k = domain.values, domain.k
        self.widths = (len(domain.values),) * domain.k
        self._priors: dict[tuple[int, int], Array] = {}  # (members so far, the first that may come) → priors

    def priors(self, written: list[int]) -> Array:
        """By how many subsets go on with each value, so that all subsets are equally likely."""
        start = written[-1] + 1 if written else 0
        key = (len(written), start)
        if key not in self._priors:
            n, left = len(self._values), self._k - len(written) - 1
            ways = [math.comb(n - 1 - i, left) if i >= start else 0 for i in range(n)]
            self._priors[key] = np.array([math.log(way) if way else -math.inf for way in ways])
        return self._priors[key]

    def value(self, written: list[int], rng: np.random.Generator) -> Decided:
        scalars: tuple[Any, ...] = self._values
        return tuple(scalars[i] for i in written)

    def options(self, value: Decided) -> list[int]:
        assert isinstance(value, tuple)
        return [i for i, member in enumerate(self._values) if member in value]
