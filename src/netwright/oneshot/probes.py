"""The arches that a supernet is measured by: together they need all that any arch needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from netwright.core.arch import Arch, Decided
from netwright.spaces import Space
from netwright.spaces.decisions import Decision

__all__ = ["probes"]

_ALL = 128  # a space of up to so many arches is gone through
_MOST_VALUES = 16  # of one decision
_RANDOM = 48


def probes(space: Space) -> Iterator[Arch]:
    """Arches with every option once beside the largest numbers, the smallest and the default arch, and random ones.

    They may break the constraints: what breaks them is only larger. Small spaces are gone through instead.

    Example:
        >>> from netwright import Space, choice, integer
        >>> space = Space({"op": choice(["a", "b"]), "width": integer(1, 1000)})
        >>> [dict(arch) for arch in probes(space)][:2]
        [{'op': 'a', 'width': 1000}, {'op': 'b', 'width': 1000}]
    """
    seen: set[Arch] = set()
    for arch in _wanted(space):
        if arch not in seen:
            seen.add(arch)
            yield arch


def _wanted(space: Space) -> Iterator[Arch]:
    if not space.constrained and space.size() <= _ALL:
        yield from space.enumerate()
        return
    decisions = {decision.name: decision for decision in space.decisions}
    yield _completed(space, {})
    for decision in space.decisions:
        values = list(decision.domain.grid(3))
        if len(values) > _MOST_VALUES:
            values = [values[0], values[len(values) // 2], values[-1]]
        for value in values:
            yield _completed(space, {**_activating(decision, decisions), decision.name: value})
    yield _completed(space, {}, largest=False)
    yield space.default()
    rng = np.random.default_rng(0)
    for _ in range(_RANDOM):
        yield space.sample(rng)


def _activating(decision: Decision, decisions: Mapping[str, Decision]) -> dict[str, Decided]:
    """Values of other decisions under which this one counts."""
    if not decision.conditions:
        return {}
    condition = decision.conditions[0]
    parent = decisions[condition.parent]
    fixed = _activating(parent, decisions)
    for value in parent.domain.grid(3):
        if not condition.values.isdisjoint(value if isinstance(value, tuple) else [value]):
            return {**fixed, parent.name: value}
    return fixed


def _completed(space: Space, fixed: Mapping[str, Decided], *, largest: bool = True) -> Arch:
    """The arch with these decisions and, else, the largest (or smallest) numbers and the first options."""
    taken: dict[str, Decided] = {}
    for decision in space.decisions:
        if not decision.active(taken):
            continue
        if decision.name in fixed:
            taken[decision.name] = fixed[decision.name]
            continue
        values = list(decision.domain.grid(3))
        numbers = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
        if len(numbers) == len(values):
            taken[decision.name] = max(numbers) if largest else min(numbers)
        else:
            taken[decision.name] = values[0]
    return Arch(taken)
