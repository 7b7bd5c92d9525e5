"""Crossovers: how two arches of a space are made into one.

A crossover is a function of the space, both parents and the generator. Each keeps to the conditions and constraints of
the space: a decision that becomes active and that only one parent has comes from that one; if neither has it, it is
drawn. After 1,000 children that break the constraints, the first parent is returned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

import numpy as np

from netwright.core.arch import Arch, Decided
from netwright.core.errors import InvalidInput
from netwright.spaces.decisions import Decision

__all__ = ["CROSSOVERS", "Crossover", "one_point", "subtree", "uniform"]

Crossover: TypeAlias = Callable[[Any, Arch, Arch, np.random.Generator], Arch]
"""A function (space, first, second, rng) → child."""

_TRIES = 1000  # children that break the constraints, before the first parent is as good
_INNER = 0.9  # of all exchanges are of a decision on which others hang, where there is one (Koza 1992)


class _OfDecisions(Protocol):
    """A space whose arches are decisions in an order: `netwright.Space`."""

    decisions: tuple[Decision, ...]

    def allowed(self, arch: Arch) -> bool: ...


def uniform(space: _OfDecisions, first: Arch, second: Arch, rng: np.random.Generator) -> Arch:
    """Each decision from either parent with equal chance (Syswerda 1989): what `Space.crossover` does.

    Example:
        >>> from netwright import Space, choice
        >>> space = Space({name: choice(["x", "y"]) for name in "abcd"})
        >>> x, y = (Arch(dict.fromkeys("abcd", value)) for value in "xy")
        >>> "".join(uniform(space, x, y, np.random.default_rng(1)).values())
        'yxxy'
    """
    decisions = _decisions_of(space, "uniform")
    for _ in range(_TRIES):
        numbers = rng.random(2 * len(decisions)).tolist()
        taken: dict[str, Decided] = {}
        for i, decision in enumerate(decisions):
            if not decision.active(taken):
                continue
            name = decision.name
            donors = [parent for parent in (first, second) if name in parent]
            if donors:
                taken[name] = donors[int(numbers[2 * i] * len(donors))][name]
            else:
                taken[name] = decision.domain.draw(numbers[2 * i + 1])
        child = Arch(taken)
        if space.allowed(child):
            return child
    return first


def one_point(space: _OfDecisions, first: Arch, second: Arch, rng: np.random.Generator) -> Arch:
    """The first parent's decisions up to a random one, the second parent's from there on (Holland 1975).

    The order is the space's, in which a block's decisions stand together. Cuts before the first or after the last
    difference of the parents would give one of them again, so there are none (Booker 1987).

    Example:
        >>> from netwright import Space, choice
        >>> space = Space({name: choice(["x", "y"]) for name in "abcd"})
        >>> x, y = (Arch(dict.fromkeys("abcd", value)) for value in "xy")
        >>> "".join(one_point(space, x, y, np.random.default_rng(1)).values())
        'xyyy'
    """
    decisions = _decisions_of(space, "one-point")
    differ = [i for i, decision in enumerate(decisions) if _differ(first, second, decision.name)]
    if len(differ) < 2:
        return first
    cuts = range(differ[0] + 1, differ[-1] + 1)
    for _ in range(_TRIES):
        numbers = rng.random(len(decisions) + 1).tolist()
        cut = cuts[int(numbers[-1] * len(cuts))]
        later = {decision.name for decision in decisions[cut:]}
        child = _mixed(decisions, first, second, later, numbers)
        if space.allowed(child):
            return child
    return first


def subtree(space: _OfDecisions, first: Arch, second: Arch, rng: np.random.Generator) -> Arch:
    """The first parent with one decision, and all that hangs on it, taken from the second (Koza 1992).

    It is a decision in which the parents differ, or below which they do; in nine cases of ten one on which others hang,
    where there is one. Where nothing hangs on anything, one plain decision is exchanged.

    Example:
        >>> from netwright import Space, choice
        >>> block = {"kernel": choice([1, 3]), "act": choice(["relu", "silu"])}
        >>> space = Space({"stem": choice([8, 16]), "body": choice({"plain": None, "block": block})})
        >>> first = Arch({"stem": 8, "body": "plain"})
        >>> second = Arch({"stem": 16, "body": "block", "body.block.kernel": 3, "body.block.act": "silu"})
        >>> subtree(space, first, second, np.random.default_rng(1)).get("body.block.act")
        'silu'
    """
    decisions = _decisions_of(space, "subtree")
    inner: list[set[str]] = []
    leaves: list[set[str]] = []
    for decision in decisions:
        name = decision.name
        if name in first and name in second:
            below = _below(decisions, name)
            if any(_differ(first, second, other) for other in (name, *below)):
                (inner if below else leaves).append({name, *below})
    if not inner and not leaves:
        return first
    for _ in range(_TRIES):
        numbers = rng.random(len(decisions) + 2).tolist()
        branches = inner if inner and (not leaves or numbers[-1] < _INNER) else leaves
        branch = branches[int(numbers[-2] * len(branches))]
        child = _mixed(decisions, first, second, branch, numbers)
        if space.allowed(child):
            return child
    return first


CROSSOVERS: Mapping[str, Crossover] = MappingProxyType(
    {"uniform": uniform, "one_point": one_point, "subtree": subtree},
)
"""The crossovers by name."""


def _decisions_of(space: object, name: str) -> tuple[Decision, ...]:
    decisions = getattr(space, "decisions", None)
    if not isinstance(decisions, tuple):
        raise InvalidInput(
            f"{name} crossover needs a space with a tuple of decisions, as netwright.Space has, but got {space!r}: use "
            "the space's own `crossover`."
        )
    return decisions


def _differ(first: Arch, second: Arch, name: str) -> bool:
    """Whether exactly one of them has this decision, or they have different values of it."""
    if name in first and name in second:
        return first[name] != second[name]
    return (name in first) != (name in second)


def _mixed(
    decisions: tuple[Decision, ...], first: Arch, second: Arch, exchanged: set[str], numbers: list[float]
) -> Arch:
    """The first arch with some decisions from the second; where one lacks a decision, the other's, or a drawn one."""
    taken: dict[str, Decided] = {}
    for i, decision in enumerate(decisions):
        if decision.active(taken):
            name = decision.name
            one, other = (second, first) if name in exchanged else (first, second)
            if name in one:
                taken[name] = one[name]
            else:
                taken[name] = other[name] if name in other else decision.domain.draw(numbers[i])
    return Arch(taken)


def _below(decisions: tuple[Decision, ...], name: str) -> list[str]:
    """The decisions that hang on this one, directly or not."""
    found = {name}
    for decision in decisions:  # each comes after those that it depends on
        if any(condition.parent in found for condition in decision.conditions):
            found.add(decision.name)
    return [decision.name for decision in decisions if decision.name in found and decision.name != name]
