"""The neighbours of an arch: everything one step of one decision away.

Being a neighbour is mutual, also where a step switches other decisions on or off. With many of them, going through
all their values would drown the other neighbours, so then only their defaults count, in both directions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from netwright.core.arch import Arch, Decided
from netwright.spaces.decisions import Decision

__all__ = ["Moves"]

_MOST_ADDED = 64  # combinations of new decisions that one step may bring
_RESOLUTION = 5  # values of a real that is switched on


class Moves:
    """Steps between the arches of a list of decisions; constraints are of no concern here.

    Args:
        decisions: of a space, each after those it depends on.
    """

    def __init__(self, decisions: tuple[Decision, ...]) -> None:
        self._decisions = decisions
        self._by_name = {decision.name: decision for decision in decisions}
        self._parents = {condition.parent for decision in decisions for condition in decision.conditions}
        self._conditional = bool(self._parents)
        self._below: dict[tuple[str, Decided], frozenset[str]] = {}

    def changed(self, arch: Arch, name: str, value: Decided, numbers: list[float] | None = None) -> Arch:
        """The arch with one decision changed; newly active ones are drawn by `numbers`, or take their defaults."""
        if not self._conditional:
            return arch.replace(**{name: value})
        decisions: dict[str, Decided] = {}
        for i, decision in enumerate(self._decisions):
            if decision.name == name:
                decisions[name] = value
            elif decision.active(decisions):
                if decision.name in arch:
                    decisions[decision.name] = arch[decision.name]
                elif numbers is None:
                    decisions[decision.name] = decision.domain.default
                else:
                    decisions[decision.name] = decision.domain.draw(numbers[i])
        return Arch(decisions)

    def neighbours(self, arch: Arch) -> Iterator[Arch]:
        """Every arch one step of one decision away, in a fixed order."""
        for decision in self._decisions:
            if decision.name not in arch:
                continue
            own = arch[decision.name]
            for value in decision.domain.neighbours(own):
                if not self._conditional:
                    yield arch.replace(**{decision.name: value})
                    continue
                here, there = self._dependents(decision, own), self._dependents(decision, value)
                all_values = self._combinations(there - here) <= _MOST_ADDED
                and_back = self._combinations(here - there) <= _MOST_ADDED
                others = self._completed(arch, decision.name, value) if all_values else [
                    self.changed(arch, decision.name, value)
                ]  # fmt: skip
                for other in others:
                    if self._leads_back(arch, other, and_back):
                        yield other

    def _leads_back(self, arch: Arch, other: Arch, all_values: bool) -> bool:
        """Whether the step from the other arch comes by this one: what it would switch on is as it would set it."""
        switched = [name for name in arch if name not in other]
        if all_values:
            return all(arch[name] in self._values(self._by_name[name]) for name in switched)
        return all(arch[name] == self._by_name[name].domain.default for name in switched)

    def _values(self, decision: Decision) -> list[Decided]:
        """What a decision that is switched on can be: its grid and its default."""
        values = list(decision.domain.grid(_RESOLUTION))
        default = decision.domain.default
        return values if default in values else [default, *values]

    def _completed(self, arch: Arch, name: str, value: Decided) -> Iterator[Arch]:
        """The arch with one decision changed, with every combination of values of newly active ones."""

        def extend(i: int, decisions: dict[str, Decided]) -> Iterator[Arch]:
            while i < len(self._decisions):
                decision = self._decisions[i]
                if decision.name == name:
                    decisions[name] = value
                elif decision.active(decisions):
                    if decision.name not in arch:
                        for new in self._values(decision):
                            yield from extend(i + 1, {**decisions, decision.name: new})
                        return
                    decisions[decision.name] = arch[decision.name]
                i += 1
            yield Arch(decisions)

        return extend(0, {})

    def _combinations(self, names: frozenset[str]) -> float:
        counts = (self._by_name[name].domain.count for name in names)
        return math.prod(_RESOLUTION if math.isinf(count) else count for count in counts)

    def _dependents(self, decision: Decision, value: Decided) -> frozenset[str]:
        """The decisions that this value can switch on, directly or through others."""
        key = (decision.name, value)
        if decision.name not in self._parents:
            return frozenset()
        if key not in self._below:
            found: set[str] = set()
            taken = {decision.name: value}
            for other in self._decisions:
                for condition in other.conditions:
                    if condition.parent in found or condition.holds(taken):
                        found.add(other.name)
            self._below[key] = frozenset(found)
        return self._below[key]
