"""How many arches a space has: exactly where possible, an estimate where not."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from netwright.core.arch import Decided
from netwright.spaces.decisions import Decision

if TYPE_CHECKING:
    from netwright.spaces.space import Space

__all__ = ["count_arches"]

_MOST_ENUMERATED = 100_000  # with constraints, spaces up to here are counted one by one
_DRAWS = 2_000  # for the estimate beyond
_MOST_BRANCHES = 200_000  # joint values of decisions that others depend on


def count_arches(space: Space) -> float:
    """The number of arches; an `int` if exact, a `float` if estimated, infinite with a real."""
    total = _count(space.decisions)
    if not space.constrained or math.isinf(total):
        return total
    if total <= _MOST_ENUMERATED:
        return sum(1 for _ in space.enumerate())
    # The share of random arches that hold the constraints. Draws are uniform over each decision, not over arches,
    # so with conditional decisions this is an estimate in more than one way.
    rng = np.random.default_rng(0)
    free = space.without_constraints()
    held = sum(space.allowed(free.sample(rng)) for _ in range(_DRAWS))
    return float(total) * held / _DRAWS


def _count(decisions: tuple[Decision, ...]) -> float:
    """Without constraints: the product over independent groups of decisions."""
    groups = _groups(decisions)
    if any(math.isinf(d.domain.count) for d in decisions):
        return math.inf
    return math.prod(_count_group(group) for group in groups)


def _groups(decisions: tuple[Decision, ...]) -> list[list[Decision]]:
    """Decisions that depend on each other, directly or not, in their order."""
    group_of: dict[str, list[Decision]] = {}
    for decision in decisions:
        merged = [decision]
        for condition in decision.conditions:
            other = group_of[condition.parent]
            if all(member is not d for d in merged for member in other[:1]):
                merged = [*other, *merged]
        for member in merged:
            group_of[member.name] = merged
    unique = {id(group): group for group in group_of.values()}
    order = {decision.name: i for i, decision in enumerate(decisions)}
    return [sorted(group, key=lambda d: order[d.name]) for group in unique.values()]


def _count_group(group: list[Decision]) -> float:
    single_parent = all(len(d.conditions) <= 1 for d in group)
    if single_parent:  # a forest: multiply over children, add over values
        children: dict[str, list[Decision]] = {}
        for decision in group:
            for condition in decision.conditions:
                children.setdefault(condition.parent, []).append(decision)
        totals: dict[str, int] = {}
        for decision in reversed(group):
            below = children.get(decision.name, [])
            if not below:
                totals[decision.name] = int(decision.domain.count)
                continue
            totals[decision.name] = sum(
                math.prod(totals[c.name] for c in below if c.conditions[0].holds({decision.name: value}))
                for value in decision.domain.grid(1)
            )
        return math.prod(totals[d.name] for d in group if not d.conditions)
    # Shared decisions with several parents: go through the joint values of all decisions that others depend on.
    parents = {condition.parent for d in group for condition in d.conditions}
    branching = math.prod(d.domain.count for d in group if d.name in parents)
    if branching > _MOST_BRANCHES:
        return float(_estimate(group))
    return _by_branches(group, parents, 0, {})


def _by_branches(group: list[Decision], parents: set[str], i: int, decisions: dict[str, Decided]) -> int:
    factor = 1
    for j in range(i, len(group)):
        decision = group[j]
        if not decision.active(decisions):
            continue
        if decision.name not in parents:
            factor *= int(decision.domain.count)
            continue
        return factor * sum(
            _by_branches(group, parents, j + 1, {**decisions, decision.name: value})
            for value in decision.domain.grid(1)
        )
    return factor


def _estimate(group: list[Decision]) -> float:
    """Knuth's estimate of a tree's size: the mean, over random descents, of the product of the branchings met."""
    rng = np.random.default_rng(0)
    total = 0.0
    for _ in itertools.repeat(None, _DRAWS):
        decisions: dict[str, Decided] = {}
        product = 1.0
        for decision in group:
            if decision.active(decisions):
                decisions[decision.name] = decision.domain.draw(rng.random())
                product *= decision.domain.count
        total += product
    return total / _DRAWS
