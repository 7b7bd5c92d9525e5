"""The space of an Optuna study, found from what its trials suggested."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from netwright.spaces import Space, choice, integer, real

__all__ = ["Conditions", "Structure", "Values", "decided", "space_of", "value_of"]

Values: TypeAlias = "dict[str, Any]"
"""Parameters, or their distributions, by name."""

Conditions: TypeAlias = "Mapping[str, tuple[str, frozenset[int]]]"
"""For a parameter that doesn't always count: the one that it depends on, and its values with which it counts."""

_MOST_LISTED = 100  # values of a parameter that others may depend on


def space_of(distributions: Mapping[str, Any], conditions: Conditions | None = None) -> Space:
    """The space of some parameters, by their distributions.

    Choices are numbered, since Optuna's can be any objects. What others depend on is a choice between the texts of its
    values.

    Args:
        distributions: of each parameter, by name.
        conditions: for a parameter that doesn't always count: the one that it depends on, and its values (of a
            categorical one, their numbers) with which it counts.

    Example:
        >>> import optuna
        >>> kind = optuna.distributions.CategoricalDistribution(["sgd", "adam"])
        >>> momentum = optuna.distributions.FloatDistribution(0.0, 0.99)
        >>> print(space_of({"kind": kind, "momentum": momentum}, {"momentum": ("kind", frozenset([0]))}).describe())
        kind     : one of '0', '1'
        momentum : a real number in 0..0.99, if kind in {'0'}
    """
    conditions = conditions or {}
    parents = {parent for parent, _ in conditions.values()}

    def node(name: str) -> Any:
        known = distributions[name]
        if name in parents:
            return choice({str(value): below(name, value) for value in _listed(known)}, label=name)
        if isinstance(known, CategoricalDistribution):
            return choice(list(range(len(known.choices))), label=name)
        if isinstance(known, IntDistribution):
            return integer(known.low, known.high, step=known.step, log=known.log, label=name)
        if known.step is not None:
            return integer(0, round((known.high - known.low) / known.step), label=name)
        return real(known.low, known.high, log=known.log, label=name)

    def below(parent: str, value: int) -> dict[str, Any]:
        return {name: node(name) for name, (of, values) in conditions.items() if of == parent and value in values}

    return Space({name: node(name) for name in distributions if name not in conditions}, name="study")


class Structure:
    """What was suggested in a study, and what depends on what: a parameter on one categorical or whole number."""

    def __init__(self) -> None:
        self._read: set[int] = set()
        self._distributions: Values = {}
        self._seen: defaultdict[str, set[int]] = defaultdict(set)  # values of what others may depend on
        self._changing: set[str] = set()  # their ranges differ from trial to trial
        self._count: Counter[str] = Counter()
        # Of two parameters: the values of the second one with which the first was there, and wasn't.
        self._with: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
        self._without: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
        self._alone: set[tuple[str, str]] = set()  # the first was there without the second

    def read(self, trials: Sequence[FrozenTrial]) -> bool:
        """Take in the trials that have ended since the last time; whether there are any."""
        n_read = len(self._read)
        for trial in trials:
            if trial.state in (TrialState.COMPLETE, TrialState.PRUNED) and trial.number not in self._read:
                self._read.add(trial.number)
                self._take(trial)
        return len(self._read) > n_read

    def _take(self, trial: FrozenTrial) -> None:
        there = trial.distributions
        new = [name for name in there if name not in self._distributions]
        for name in new:  # until now it was never there, whatever the others were
            self._alone.update((other, name) for other in self._distributions)
            for other, values in self._seen.items():
                self._without[name, other] |= values
        for name, distribution in there.items():
            if self._distributions.setdefault(name, distribution) != distribution:
                self._changing.add(name)
        self._count.update(there.keys())
        listed = {n: int(d.to_internal_repr(trial.params[n])) for n, d in there.items() if _listed(d)}
        for other, value in listed.items():
            self._seen[other].add(value)
        for name in self._distributions:
            for other, value in listed.items():
                (self._with if name in there else self._without)[name, other].add(value)
            if name in there:
                self._alone.update((name, other) for other in self._distributions if other not in there)

    def found(self) -> tuple[Values, dict[str, tuple[str, frozenset[int]]]]:
        """The distributions, in a fixed order, and the conditions of those that don't always count."""
        kept = {n: d for n, d in sorted(self._distributions.items()) if not d.single() and n not in self._changing}
        conditions = {}
        for name in list(kept):
            if self._count[name] < len(self._read):
                parents = [other for other in kept if other != name and self._explains(name, other)]
                if not parents:
                    del kept[name]  # it comes and goes, who knows why
                    continue
                parent = min(parents, key=lambda other: (self._count[other], other))  # the nearest one
                conditions[name] = parent, frozenset(self._with[name, parent])
        while lost := {name for name, (parent, _) in conditions.items() if parent not in kept}:
            for name in lost:
                del kept[name], conditions[name]
        return kept, conditions

    def _explains(self, name: str, other: str) -> bool:
        """Whether one parameter was there exactly with some values of the other."""
        pair = name, other
        return pair not in self._alone and bool(self._without[pair]) and not self._with[pair] & self._without[pair]


def _listed(distribution: Any) -> Sequence[int]:
    """The values that others may depend on, choices by their numbers; none of a real or of a wide range."""
    if isinstance(distribution, CategoricalDistribution):
        return range(len(distribution.choices))
    if isinstance(distribution, IntDistribution):
        values = range(distribution.low, distribution.high + 1, distribution.step)
        return values if len(values) <= _MOST_LISTED else ()
    return ()


def decided(distribution: Any, value: Any) -> Any:
    """A parameter's value as a decision of `space_of`."""
    if isinstance(distribution, CategoricalDistribution):
        return int(distribution.to_internal_repr(value))
    if isinstance(distribution, FloatDistribution) and distribution.step is not None:
        return round((value - distribution.low) / distribution.step)
    return value


def value_of(distribution: Any, decided: Any) -> Any:
    """The value of a parameter that a decision of `space_of` stands for."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[decided]
    if isinstance(distribution, FloatDistribution) and distribution.step is not None:
        return min(distribution.high, distribution.low + decided * distribution.step)
    return decided
