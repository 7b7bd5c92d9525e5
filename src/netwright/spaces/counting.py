"""How many arches a space has (exactly where possible, an estimate where not), and all of them one by one."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.arch import Arch, Decided
from netwright.spaces.decisions import Condition, Decision

if TYPE_CHECKING:
    from netwright.spaces.space import Space

__all__ = ["count_arches", "enumerated"]

_MOST_ENUMERATED = 100_000  # with constraints, spaces up to here are counted one by one
_DRAWS = 2_000  # for the estimate beyond
_MOST_STATES = 100_000  # that are told apart on the way
_NO_MORE: Any = object()
_UNTOLD: Any = object()  # the value of a decision on which no other depends


def count_arches(space: Space) -> float:
    """The number of arches; an `int` if exact, a `float` if estimated, infinite with a real."""
    total = _count(space.decisions)
    if not space.constrained or total == math.inf:  # not `isinf`: it fails for more than 1e308
        return total
    if total <= _MOST_ENUMERATED:
        return sum(1 for _ in space.enumerate())
    # The share of random arches that hold the constraints. Draws are uniform over each decision, not over arches,
    # so with conditional decisions this is an estimate in more than one way.
    rng = np.random.default_rng(0)
    free = space.without_constraints()
    held = sum(space.allowed(free.sample(rng)) for _ in range(_DRAWS))
    share = held / _DRAWS
    return float(total) * share if total < sys.float_info.max else math.inf


def enumerated(decisions: tuple[Decision, ...], resolution: int) -> Iterator[Arch]:
    """Every arch, in a fixed order; a real takes `resolution` values. Constraints are of no concern here."""
    taken: dict[str, Decided] = {}
    opened: list[tuple[int, Iterator[Decided]]] = []  # the active decisions with their values still to come
    start = 0
    while True:
        for i, decision in enumerate(decisions[start:], start):
            if decision.active(taken):
                values = decision.domain.grid(resolution)
                taken[decision.name] = next(values)
                opened.append((i, values))
        yield Arch(taken)
        while opened:  # back to the last decision that has another value
            last, values = opened[-1]
            value = next(values, _NO_MORE)
            if value is not _NO_MORE:
                taken[decisions[last].name] = value
                start = last + 1
                break
            del taken[decisions[last].name]
            opened.pop()
        else:
            return


def _count(decisions: tuple[Decision, ...]) -> float:
    """Without constraints: the product over independent groups of decisions."""
    if any(math.isinf(d.domain.count) for d in decisions):
        return math.inf
    return math.prod(_count_group(group) for group in _groups(decisions))


def _groups(decisions: tuple[Decision, ...]) -> list[list[Decision]]:
    """Decisions that depend on each other, directly or not, in their order."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader[name] != name:
            name = leader[name]
        return name

    for decision in decisions:
        leader[decision.name] = decision.name
        for condition in decision.conditions:  # on decisions before this one
            leader[find(condition.parent)] = find(decision.name)
    groups: dict[str, list[Decision]] = {}
    for decision in decisions:
        groups.setdefault(find(decision.name), []).append(decision)
    return list(groups.values())


def _count_group(group: list[Decision]) -> float:
    """Decision by decision, how many arches there are for each state of those that later ones depend on.

    A state knows no more than it must: values that switch on the same decisions are one value, and a decision is
    forgotten after the last that depends on it.
    """
    conditions: dict[str, list[Condition]] = {}
    last_use: dict[str, int] = {}
    for i, decision in enumerate(group):
        for condition in decision.conditions:
            conditions.setdefault(condition.parent, []).append(condition)
            last_use[condition.parent] = i
    if any(decision.domain.count > _MOST_STATES for decision in group if decision.name in conditions):
        return _estimate(group)
    states: dict[tuple[tuple[str, Decided], ...], int] = {(): 1}
    for i, decision in enumerate(group):
        kinds = _kinds(decision, conditions.get(decision.name, []))
        after: dict[tuple[tuple[str, Decided], ...], int] = {}
        for state, n_arches in states.items():
            kept = tuple(pair for pair in state if last_use[pair[0]] > i)
            if not decision.active(dict(state)):
                after[kept] = after.get(kept, 0) + n_arches
                continue
            for value, n_values in kinds:
                told = kept if value is _UNTOLD else (*kept, (decision.name, value))
                after[told] = after.get(told, 0) + n_arches * n_values
        states = after
        if len(states) > _MOST_STATES:
            return _estimate(group)
    return sum(states.values())


def _kinds(decision: Decision, conditions: list[Condition]) -> list[tuple[Any, int]]:
    """One value for each kind that later decisions can tell apart, and how many values are of that kind."""
    if not conditions:
        return [(_UNTOLD, int(decision.domain.count))]
    kinds: dict[tuple[bool, ...], tuple[Any, int]] = {}
    for value in decision.domain.grid(1):
        kind = tuple(condition.holds({decision.name: value}) for condition in conditions)
        first, n_values = kinds.get(kind, (value, 0))
        kinds[kind] = (first, n_values + 1)
    return list(kinds.values())


def _estimate(group: list[Decision]) -> float:
    """Knuth's estimate of a tree's size: the mean, over random descents, of the product of the branchings met."""
    rng = np.random.default_rng(0)
    total = 0.0
    for _ in range(_DRAWS):
        decisions: dict[str, Decided] = {}
        product = 1.0
        for decision in group:
            if decision.active(decisions):
                decisions[decision.name] = decision.domain.draw(rng.random())
                product *= decision.domain.count
        total += product
    return total / _DRAWS
