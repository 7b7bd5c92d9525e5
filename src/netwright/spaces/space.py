"""`Space`: a search space and everything a strategy may ask of it."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from netwright.core.arch import Arch, Decided
from netwright.core.errors import InvalidSpace, SpaceExhausted, problems
from netwright.spaces.counting import count_arches
from netwright.spaces.decisions import Decision, Labeller, decisions_of
from netwright.spaces.nodes import Expression
from netwright.spaces.resolve import resolve

__all__ = ["Space"]

_TRIES = 1000  # draws before a constraint is said to be (almost) impossible
_MOST_ADDED = 64  # a neighbour may bring this many combinations of new decisions; beyond, only the defaults


class Space:
    """A search space: a tree of deferred calls and choices, with the training's hyperparameters beside it.

    Args:
        model: the tree; or any container of choices, for a search that builds no model.
        training: choices of the training by name: `lr`, `optimizer`, `batch_size`, `weight_decay`, ….
        constraints: what has to hold across decisions: comparisons of nodes (`width <= 4 * depth`) or functions
            from an arch to a truth value.
        name: what reports call this space.
        canonical: maps an arch to one representative of all that work the same.

    Example:
        >>> from netwright import nn, choice, integer, Space
        >>> space = Space(nn.Sequential(nn.LazyLinear(integer(8, 10)), choice([nn.ReLU(), nn.SiLU()])))
        >>> space.size()
        6
        >>> arch = space.sample(np.random.default_rng(0))
        >>> print(space.describe(arch))
        0.out_features = 9
        1              = 'ReLU'

    Raises:
        InvalidSpace: for a tree that can't be a space; the message lists every problem.
    """

    def __init__(
        self,
        model: Any,
        *,
        training: Mapping[str, Any] | None = None,
        constraints: Sequence[Expression | Callable[[Arch], bool]] = (),
        name: str | None = None,
        canonical: Callable[[Arch], Arch] | None = None,
    ) -> None:
        self._given = (model, training, tuple(constraints), name, canonical)
        self.name = name or "space"
        # Expressions in constraints refer to nodes of the trees, so one labeller names them all.
        labeller = Labeller()
        self.tree = labeller(model)
        self.training_tree: dict[str, Any] = labeller(dict(training or {}))
        self._comparisons = [labeller(c) for c in constraints if isinstance(c, Expression)]
        self._functions = tuple(c for c in constraints if not isinstance(c, Expression))
        if not all(callable(function) for function in self._functions):
            raise InvalidSpace("`constraints` must be comparisons of nodes or functions of an arch.")
        self.decisions: tuple[Decision, ...] = decisions_of((self.tree, self.training_tree))
        known = {decision.name for decision in self.decisions}
        foreign = [d.name for d in decisions_of(self._comparisons) if d.name not in known]
        if foreign:
            raise InvalidSpace(f"a constraint uses choices that are not in the space: {', '.join(foreign)}.")
        self.constrained = bool(self._comparisons or self._functions)
        self._canonical = canonical
        self._by_name = {decision.name: decision for decision in self.decisions}
        self._conditional = any(decision.conditions for decision in self.decisions)
        self._changeable = [decision for decision in self.decisions if decision.domain.count > 1]
        self._draws = [(d.name, d.domain.draw, d.active if d.conditions else None) for d in self.decisions]
        self._size: float | None = None
        self._start: Arch | None = None

    def __reduce__(self) -> Any:
        return Space._rebuilt, (*self._given, self._start)

    @classmethod
    def _rebuilt(
        cls,
        model: Any,
        training: Any,
        constraints: Any,
        name: str | None,
        canonical: Callable[[Arch], Arch] | None,
        start: Arch | None,
    ) -> Space:
        space = cls(model, training=training, constraints=constraints, name=name, canonical=canonical)
        space._start = start
        return space

    def starting_at(self, arch: Arch) -> Space:
        """The same space with another default arch: where the defaults of the single choices aren't enough."""
        self.validate(arch)
        model, training, constraints, name, canonical = self._given
        return Space._rebuilt(model, training, constraints, name, canonical, arch)

    def __repr__(self) -> str:
        return f"<Space {self.name}: {len(self.decisions)} decisions>"

    # Arches -----------------------------------------------------------------------------------------------------

    def default(self) -> Arch:
        """The arch of all defaults; the first legal one near it if the constraints rule it out."""
        if self._start is not None:
            return self._start
        decisions: dict[str, Decided] = {}
        for decision in self.decisions:
            if decision.active(decisions):
                decisions[decision.name] = decision.domain.default
        arch = Arch(decisions)
        if self.allowed(arch):
            return arch
        near = next((n for n in self._moves(arch) if self.allowed(n)), None)
        return near if near is not None else self.sample(np.random.default_rng(0))

    def sample(self, rng: np.random.Generator) -> Arch:
        """A random arch: every active decision is drawn uniformly from its values.

        Raises:
            InvalidSpace: if 1,000 draws in a row break the constraints.
        """
        for _ in range(_TRIES):
            numbers = rng.random(len(self._draws)).tolist()
            if self._conditional:
                decisions: dict[str, Decided] = {}
                for (name, draw, active), u in zip(self._draws, numbers, strict=True):
                    if active is None or active(decisions):
                        decisions[name] = draw(u)
            else:
                decisions = {name: draw(u) for (name, draw, _), u in zip(self._draws, numbers, strict=True)}
            arch = Arch(decisions)
            if not self.constrained or self.allowed(arch):
                return arch
        raise InvalidSpace(f"{_TRIES} random arches in a row break the constraints of {self.name!r}: loosen them.")

    def mutate(self, arch: Arch, rng: np.random.Generator) -> Arch:
        """A copy with one active decision changed to another value; decisions that this activates are drawn.

        Raises:
            SpaceExhausted: if no decision can be changed.
        """
        mutable = [d for d in self._changeable if d.name in arch] if self._conditional else self._changeable
        if not mutable:
            raise SpaceExhausted(f"no decision of {arch} has a second value.")
        new = len(self.decisions) if self._conditional else 0
        for _ in range(_TRIES):
            numbers = rng.random(new + 2).tolist()
            changed = mutable[int(numbers[-1] * len(mutable))]
            value = changed.domain.draw_other(arch[changed.name], numbers[-2])
            child = self._child(changed.name, value, arch, numbers)
            if not self.constrained or self.allowed(child):
                return child
        raise SpaceExhausted(f"{_TRIES} mutations in a row of {arch} break the constraints of {self.name!r}.")

    def crossover(self, first: Arch, second: Arch, rng: np.random.Generator) -> Arch:
        """A child that takes each decision from either parent with equal chance (uniform crossover).

        A decision that only one of them has comes from that one; if neither has it, it is drawn.
        After 1,000 children that break the constraints, a copy of the first parent is returned.
        """
        for _ in range(_TRIES):
            numbers = rng.random(2 * len(self.decisions)).tolist()
            decisions: dict[str, Decided] = {}
            for i, decision in enumerate(self.decisions):
                if not decision.active(decisions):
                    continue
                name = decision.name
                donors = [parent for parent in (first, second) if name in parent]
                if donors:
                    decisions[name] = donors[int(numbers[2 * i] * len(donors))][name]
                else:
                    decisions[name] = decision.domain.draw(numbers[2 * i + 1])
            child = Arch(decisions)
            if not self.constrained or self.allowed(child):
                return child
        return first

    def neighbours(self, arch: Arch) -> Iterator[Arch]:
        """Every allowed arch one step of one decision away, in a fixed order.

        Being a neighbour is mutual. Where the step (de)activates other decisions, all their values count if there
        are at most 64 combinations, else only their defaults.
        """
        return (other for other in self._moves(arch) if not self.constrained or self.allowed(other))

    def _moves(self, arch: Arch) -> Iterator[Arch]:
        for decision in self.decisions:
            if decision.name not in arch:
                continue
            for value in decision.domain.neighbours(arch[decision.name]):
                kept: dict[str, Decided] = {}
                added: list[Decision] = []
                self._split(arch, decision.name, value, kept, added)
                if not self._conditional:
                    yield Arch(kept)
                    continue
                base = self._child(decision.name, value, arch, None)
                back = self._child(decision.name, arch[decision.name], base, None)
                # Both directions weigh the same two sets of defaults, so that being a neighbour is mutual.
                leaves_many = self._combinations(back, base) > _MOST_ADDED
                if leaves_many and any(arch[name] != back.get(name) for name in arch if name not in base):
                    continue
                if not added or self._combinations(base, back) > _MOST_ADDED:
                    yield base
                else:
                    yield from self._completed(kept, arch)

    def _combinations(self, arch: Arch, without: Arch) -> float:
        """How many values the decisions take together that are in the one arch and not in the other."""
        counts = [self._by_name[name].domain.count for name in arch if name not in without]
        return math.prod(5 if math.isinf(count) else count for count in counts)

    def _split(self, arch: Arch, name: str, value: Decided, kept: dict[str, Decided], added: list[Decision]) -> None:
        """Decisions that survive a change, and those directly activated by it."""
        for decision in self.decisions:
            if decision.name == name:
                kept[name] = value
            elif decision.active(kept):
                if decision.name in arch:
                    kept[decision.name] = arch[decision.name]
                else:
                    added.append(decision)

    def _completed(self, kept: dict[str, Decided], arch: Arch) -> Iterator[Arch]:
        """Every arch that agrees with these decisions where they say something."""

        def extend(i: int, decisions: dict[str, Decided]) -> Iterator[Arch]:
            while i < len(self.decisions):
                decision = self.decisions[i]
                if decision.active(decisions):
                    if decision.name in kept:
                        decisions[decision.name] = kept[decision.name]
                    elif decision.name in arch:
                        decisions[decision.name] = arch[decision.name]
                    else:
                        for value in decision.domain.grid(5):
                            yield from extend(i + 1, {**decisions, decision.name: value})
                        return
                i += 1
            yield Arch(decisions)

        return extend(0, {})

    def _child(self, name: str, value: Decided, arch: Arch, numbers: list[float] | None) -> Arch:
        """The arch with one decision changed; newly active ones are drawn by `numbers`, or take their defaults."""
        if not self._conditional:
            return arch.replace(**{name: value})
        decisions: dict[str, Decided] = {}
        for i, decision in enumerate(self.decisions):
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

    def enumerate(self, resolution: int = 5) -> Iterator[Arch]:
        """Every allowed arch, in a fixed order; a real takes `resolution` values over its range."""
        if not isinstance(resolution, int) or resolution < 1:
            raise InvalidSpace(f"`resolution` must be at least 1, but got {resolution!r}.")

        def extend(i: int, decisions: dict[str, Decided]) -> Iterator[Arch]:
            while i < len(self.decisions) and not self.decisions[i].active(decisions):
                i += 1
            if i == len(self.decisions):
                arch = Arch(decisions)
                if not self.constrained or self.allowed(arch):
                    yield arch
                return
            decision = self.decisions[i]
            for value in decision.domain.grid(resolution):
                yield from extend(i + 1, {**decisions, decision.name: value})

        return extend(0, {})

    # Facts ------------------------------------------------------------------------------------------------------

    def size(self) -> float:
        """The number of arches.

        Exact (an `int`) where it can be counted, an estimate (a `float`) with constraints on a large space, infinite
        with a real.
        """
        if self._size is None:
            self._size = count_arches(self)
        return self._size

    def allowed(self, arch: Arch) -> bool:
        """Whether the constraints across decisions hold."""
        return not any(True for _ in self._broken(arch))

    def _broken(self, arch: Arch) -> Iterator[str]:
        for comparison in self._comparisons:
            try:
                holds = resolve(comparison, arch, {})
            except KeyError:
                continue  # speaks of a decision that doesn't count in this arch
            if not holds:
                yield f"the constraint {comparison!r} doesn't hold."
        for function in self._functions:
            try:
                holds = function(arch)
            except KeyError:
                continue
            if not holds:
                yield f"the constraint {getattr(function, '__name__', function)!r} doesn't hold."

    def validate(self, arch: Arch) -> None:
        """Check that this is an arch of this space.

        Raises:
            InvalidSpace: naming every decision that is missing, too many, or has an impossible value.
        """
        wrong: list[str] = []
        decisions: dict[str, Decided] = {}
        for decision in self.decisions:
            if not decision.active(decisions):
                continue
            if decision.name not in arch:
                wrong.append(f"{decision.name!r} is missing: it must be {decision.domain}.")
                decisions[decision.name] = decision.domain.default
            elif arch[decision.name] not in decision.domain:
                wrong.append(f"{decision.name!r} must be {decision.domain}, but is {arch[decision.name]!r}.")
                decisions[decision.name] = decision.domain.default
            else:
                decisions[decision.name] = arch[decision.name]
        for name in arch:
            if name not in self._by_name:
                wrong.append(f"{name!r} is not a decision of this space.")
            elif name not in decisions:
                wrong.append(f"{name!r} doesn't count here: leave it out.")
        if not wrong:
            wrong.extend(self._broken(arch))
        if wrong:
            raise InvalidSpace(problems(f"this is not an arch of {self.name!r}", wrong))

    def canonical(self, arch: Arch) -> Arch:
        """One representative of all arches that work the same; the arch itself where nothing is known."""
        return arch if self._canonical is None else self._canonical(arch)

    def encode(self, arch: Arch) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The arch as numbers in [0, 1], shape (encoded_width,): one-hot choices, scaled numbers.

        A decision that can be inactive has one more number: 1 while it counts.
        """
        numbers: list[float] = []
        for decision in self.decisions:
            there = decision.name in arch
            if decision.conditions:
                numbers.append(float(there))
            numbers += decision.domain.encode(arch[decision.name]) if there else [0.0] * decision.domain.width
        return np.asarray(numbers)

    @property
    def encoded_width(self) -> int:
        """The length of what `encode` returns."""
        return sum(decision.domain.width + bool(decision.conditions) for decision in self.decisions)

    def without_constraints(self) -> Space:
        """The same space with nothing ruled out."""
        model, training, _, name, canonical = self._given
        return Space(model, training=training, name=name, canonical=canonical)

    # Interpretation ---------------------------------------------------------------------------------------------

    def resolve(self, arch: Arch, **placeholders: Any) -> Any:
        """The model's tree with every choice replaced by what the arch says: calls and plain values only."""
        return resolve(self.tree, arch, placeholders)

    def training(self, arch: Arch) -> dict[str, Any]:
        """The training's hyperparameters that the arch decides, by name."""
        return {name: resolve(tree, arch, {}) for name, tree in self.training_tree.items()}

    def describe(self, arch: Arch | None = None) -> str:
        """The space, or an arch of it, as a text for people: one decision a line."""
        if arch is not None:
            width = max((len(name) for name in arch), default=0)
            return "\n".join(f"{name:<{width}} = {arch[name]!r}" for name in self._ordered(arch))
        width = max((len(decision.name) for decision in self.decisions), default=0)
        lines = []
        for decision in self.decisions:
            when = " or ".join(
                f"{c.parent} in {{{', '.join(sorted(map(repr, c.values)))}}}" for c in decision.conditions
            )
            lines.append(f"{decision.name:<{width}} : {decision.domain}{f', if {when}' if when else ''}")
        return "\n".join(lines)

    def _ordered(self, arch: Arch) -> Iterator[str]:
        return itertools.chain(
            (d.name for d in self.decisions if d.name in arch), (n for n in arch if n not in self._by_name)
        )

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that change when the decisions do: a resumed run is checked by it."""
        return hashlib.sha256(self.describe().encode()).hexdigest()[:12]
