"""The arches that a supernet is measured by: together they need all that any arch needs.

What has weights of its own is an option at its place in the tree, so what has to be seen is every option together with
those around it: an operation on the edge from this node and on the one from that. Many of them fit into one arch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from netwright.core.arch import Arch, Decided
from netwright.spaces import Space
from netwright.spaces.decisions import Decision
from netwright.spaces.nodes import Choice, Integer, Real, Repeat, Subset, children

__all__ = ["Probe", "probes"]

_ALL = 128  # a space of up to so many arches is gone through
_MOST_VALUES = 16  # of one number
_RANDOM = 16
_STREAM = 20201  # of the random ones: not what anybody else draws by 0, or a test would see nothing new

Wanted: TypeAlias = "dict[str, tuple[Decided, ...]]"  # values by decision; several only of a subset


@dataclass(frozen=True, slots=True)
class Probe:
    """An arch to look at.

    Attributes:
        arch: it.
        apart: arches that have each of its options beside the first ones, in case that it can't be built.
    """

    arch: Arch
    apart: tuple[Arch, ...] = ()


def probes(space: Space) -> Iterator[Probe]:
    """Arches that have every option in its place, and every number beside the largest; some random ones.

    They may break the constraints: what breaks them is only larger. Small spaces are gone through instead. A space
    whose parts get their sizes by rules of their own can add to them by a method `probes()`, which gives arches.

    Example:
        >>> from netwright import Space, choice, integer, nn
        >>> space = Space([choice([nn.ReLU(), nn.SiLU()], label=f"act{i}") for i in range(9)])
        >>> [len(set(probe.arch.values())) for probe in probes(space)][:3]  # all first options, then all second ones
        [1, 1, 2]
    """
    seen: set[Arch] = set()
    for probe in _wanted(space):
        if probe.arch not in seen:
            seen.add(probe.arch)
            yield probe


def _wanted(space: Space) -> Iterator[Probe]:
    if not space.constrained and space.size() <= _ALL:
        yield from map(Probe, space.enumerate())
        return
    facts = _Facts(space)
    yield Probe(facts.completed({}))
    yield from map(Probe, getattr(space, "probes", tuple)())
    yield from facts.together()
    for number in facts.numbers:
        yield Probe(facts.completed(number))
    yield Probe(facts.completed({}, largest=False))
    yield Probe(space.default())
    rng = np.random.default_rng(_STREAM)
    for _ in range(_RANDOM):
        yield Probe(space.sample(rng))


class _Facts:
    """What has to be seen of a space.

    Attributes:
        options: each option of modules in its place: the decisions on the way to it.
        numbers: each value of a number, in its place likewise.
    """

    def __init__(self, space: Space) -> None:
        self.decisions = space.decisions
        self.domains = {decision.name: decision for decision in space.decisions}
        self.numeric: set[str] = set()
        self.k: dict[str, int] = {}
        self.options: list[Wanted] = []
        self.numbers: list[Wanted] = []
        self._met: set[Any] = set()
        self._visit(space.tree, {})

    def together(self) -> Iterator[Probe]:
        """The options, as many as fit into one arch at a time."""
        left = self.options
        while left:
            fixed: Wanted = {}
            taken, rest = [], []
            for wanted in left:
                joined = self._joined(fixed, wanted)
                if joined is None:
                    rest.append(wanted)
                else:
                    fixed = joined
                    taken.append(wanted)
            left = rest
            yield Probe(self.completed(fixed), tuple(self.completed(wanted) for wanted in taken))

    def completed(self, fixed: Mapping[str, tuple[Decided, ...]], *, largest: bool = True) -> Arch:
        """The arch with these decisions and, else, the largest (or smallest) numbers and the first options."""
        taken: dict[str, Decided] = {}
        for decision in self.decisions:
            if not decision.active(taken):
                continue
            name = decision.name
            if name in self.k:
                taken[name] = self._filled(decision, fixed.get(name, ()))
            elif name in fixed:
                taken[name] = fixed[name][0]
            else:
                values: list[Any] = list(decision.domain.grid(3))
                if name not in self.numeric:
                    taken[name] = values[0]
                else:
                    taken[name] = max(values) if largest else min(values)
        return Arch(taken)

    def _filled(self, decision: Decision, some: tuple[Decided, ...]) -> Decided:
        """A subset with these options, and the first of all others."""
        options: Any = decision.domain
        others = [value for value in options.values if value not in some]
        chosen = {*some, *others[: self.k[decision.name] - len(some)]}
        return tuple(value for value in options.values if value in chosen)

    def _joined(self, fixed: Wanted, wanted: Wanted) -> Wanted | None:
        """Both, if one arch can have them."""
        joined = dict(fixed)
        for name, values in wanted.items():
            known = joined.get(name, ())
            joined[name] = (*known, *(value for value in values if value not in known))
            if len(joined[name]) > self.k.get(name, 1):
                return None
        return joined

    def _visit(self, node: Any, way: Wanted) -> None:
        met = (id(node), *way.items())
        if met in self._met:
            return
        self._met.add(met)
        if isinstance(node, (Integer, Real, Repeat)):
            self._number(str(node.label), way)
        if not isinstance(node, (Choice, Subset)):
            for part in children(node):
                self._visit(part, way)
            return
        name = str(node.label)
        if isinstance(node, Subset):
            self.k[name] = node.k
        elif all(isinstance(option, (int, float)) and not isinstance(option, bool) for option in node.options):
            self._number(name, way)
            return
        for key, option in zip(node.keys, node.options, strict=True):
            wanted = self._joined(way, {name: (key,)})
            if wanted is not None:
                self._add(self.options, wanted)
                self._visit(option, wanted)

    def _number(self, name: str, way: Wanted) -> None:
        self.numeric.add(name)
        values = list(self.domains[name].domain.grid(3))
        if len(values) > _MOST_VALUES:
            values = [values[0], values[len(values) // 2], values[-1]]
        for value in values:
            wanted = self._joined(way, {name: (value,)})
            if wanted is not None:
                self._add(self.numbers, wanted)

    def _add(self, found: list[Wanted], wanted: Wanted) -> None:
        """Once, wherever it is in the tree."""
        key = frozenset(wanted.items())
        if key not in self._met:
            self._met.add(key)
            found.append(wanted)
