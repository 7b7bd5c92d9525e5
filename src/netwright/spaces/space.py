"""`Space`: a search space and everything a strategy may ask of it."""

from __future__ import annotations

import difflib
import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from netwright.core.arch import Arch, Decided
from netwright.core.errors import InvalidSpace, SpaceExhausted, problems
from netwright.core.registry import interpreters
from netwright.spaces.constraints import Constraints, constraint_list
from netwright.spaces.counting import count_arches, enumerated
from netwright.spaces.crossovers import uniform
from netwright.spaces.decisions import Decision, Labeller, decisions_of
from netwright.spaces.domains import Domain
from netwright.spaces.graph import ArchGraph, Drawer
from netwright.spaces.identity import identity
from netwright.spaces.moves import Moves
from netwright.spaces.narrowing import Part
from netwright.spaces.nodes import Expression
from netwright.spaces.profile import Profile
from netwright.spaces.resolve import resolve

__all__ = ["Space"]

_TRIES = 1000  # draws before a constraint is said to be (almost) impossible
_MOST_LISTED = 100_000  # arches of a space that is gone through where random ones fail
_MOST_LOOKED_AT = 2_000  # arches near the default that are tried if it isn't allowed


class Space:
    """A search space: a tree of deferred calls and choices, with the training's hyperparameters beside it.

    Args:
        model: the tree; or any container of choices, for a search that builds no model.
        training: choices of the training by name: `lr`, `optimizer`, `batch_size`, `weight_decay`, ….
        constraints: what has to hold across decisions: comparisons of nodes (`width <= 4 * depth`) or functions
            from an arch to a truth value. What speaks of a decision that doesn't count in an arch holds for it.
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
        constraints: Expression | Callable[[Arch], bool] | Sequence[Expression | Callable[[Arch], bool]] = (),
        name: str | None = None,
        canonical: Callable[[Arch], Arch] | None = None,
    ) -> None:
        if not isinstance(training, (Mapping, type(None))):
            raise InvalidSpace(f"`training` must map names such as 'lr' to choices, but got {training!r}.")
        given = constraint_list(constraints)
        self._given = (model, training, given, name, canonical)
        self.name = name or "space"
        # Expressions in constraints refer to nodes of the trees, so one labeller names them all.
        labeller = Labeller((model, dict(training or {})))
        self.tree = labeller(model)
        self.training_tree: dict[str, Any] = labeller(dict(training or {}))
        self.decisions: tuple[Decision, ...] = decisions_of((self.tree, self.training_tree))
        self.constraints = Constraints(
            tuple(labeller(c) for c in given if isinstance(c, Expression)),
            tuple(c for c in given if not isinstance(c, Expression)),
            frozenset(decision.name for decision in self.decisions),
        )
        self.constrained = bool(self.constraints)
        foreign = [d.name for d in decisions_of(self.constraints.comparisons) if d.name not in self.constraints.names]
        if foreign:
            raise InvalidSpace(
                f"a constraint uses choices that are not in the space: {', '.join(map(repr, foreign))}. Use the very "
                "node that the model uses, or give both one label (inside a repeated node, only labels are shared)."
            )
        self._canonical = canonical
        self._parts: dict[str, Part] = {}  # of decisions with fewer values than in the tree
        self._take_decisions()

    def _take_decisions(self) -> None:
        """Whatever follows from the decisions."""
        self._by_name = {decision.name: decision for decision in self.decisions}
        self._conditional = any(decision.conditions for decision in self.decisions)
        self._changeable = [decision for decision in self.decisions if decision.domain.count > 1]
        self._draws = [(d.name, d.domain.draw, d.active if d.conditions else None) for d in self.decisions]
        self._moves = Moves(self.decisions)
        self._drawer: Drawer | None = None
        self._size: float | None = None
        self._start: Arch | None = None
        self._allowed: list[Arch] | None = None  # all of a small space, once sampling has failed

    def __reduce__(self) -> Any:
        return self._rebuilt, (*self._given, self._start, self._kept())

    def _kept(self) -> dict[str, Domain]:
        return {name: part.kept for name, part in self._parts.items()}

    @classmethod
    def _rebuilt(
        cls,
        model: Any,
        training: Any,
        constraints: Any,
        name: str | None,
        canonical: Callable[[Arch], Arch] | None,
        start: Arch | None,
        kept: Mapping[str, Domain],
    ) -> Space:
        space = cls(model, training=training, constraints=constraints, name=name, canonical=canonical)
        if kept:
            space._parts = {d.name: Part(d.domain, kept[d.name]) for d in space.decisions if d.name in kept}
            space.decisions = tuple(
                Decision(d.name, space._parts.get(d.name, d.domain), d.conditions) for d in space.decisions
            )
            space._take_decisions()
        space._start = start
        return space

    def starting_at(self, arch: Arch) -> Space:
        """The same space with another default arch: where the defaults of the single choices aren't enough."""
        self.validate(arch)
        return self._rebuilt(*self._given, arch, self._kept())

    def narrowed(self, kept: Mapping[str, Domain]) -> Space:
        """The same space with fewer values for the decisions named; conditions, names and encodings stay.

        What is asked about an arch that has other values (`mutate`, `crossover`, `neighbours`) is answered for `inside`
        of it. `canonical` is the whole space's: its representative may lie outside.

        Example:
            >>> from netwright import choice, integer
            >>> from netwright.spaces.domains import Categorical, IntegerRange
            >>> space = Space({"width": integer(1, 8), "act": choice(["relu", "silu", "tanh"])})
            >>> part = space.narrowed({"width": IntegerRange(4, 6), "act": Categorical(("relu", "tanh"))})
            >>> part.size(), part.inside(Arch({"width": 8, "act": "silu"}))
            (6, Arch({'width': 6, 'act': 'relu'}))

        Raises:
            InvalidSpace: for a name that is no decision, or values that it can't take.
        """
        wrong = sorted(set(kept) - set(self._by_name))
        if wrong:
            raise InvalidSpace(f"there is no decision {', '.join(map(repr, wrong))} in {self.name!r} to narrow.")
        kept = {**self._kept(), **kept}
        start = self._start
        if start is not None and not all(start[name] in kept[name] for name in kept if name in start):
            start = None
        return self._rebuilt(*self._given, start, kept)

    def inside(self, arch: Arch) -> Arch:
        """The arch itself where a narrowed space has all its values, else with the nearest ones (see `Part`)."""
        if not self._parts or all(arch[name] in part for name, part in self._parts.items() if name in arch):
            return arch
        decisions: dict[str, Decided] = {}
        for decision in self.decisions:
            if decision.active(decisions):
                value, part = arch.get(decision.name, decision.domain.default), self._parts.get(decision.name)
                decisions[decision.name] = value if part is None else part.nearest(value)
        return Arch(decisions)

    def __repr__(self) -> str:
        return f"<Space {self.name}: {len(self.decisions)} decisions>"

    # Arches -----------------------------------------------------------------------------------------------------

    def default(self) -> Arch:
        """The arch of all defaults; if the constraints rule it out, an allowed one that is near it."""
        if self._start is None:
            decisions: dict[str, Decided] = {}
            for decision in self.decisions:
                if decision.active(decisions):
                    decisions[decision.name] = decision.domain.default
            self._start = self.nearest_allowed(Arch(decisions))
        return self._start

    def nearest_allowed(self, arch: Arch) -> Arch:
        """The first arch that the constraints allow, in the order of steps away; a random one if none is near."""
        seen, near = {arch}, [arch]
        for candidate in near:  # grows while it is gone through
            if self.allowed(candidate):
                return candidate
            if len(seen) < _MOST_LOOKED_AT:
                new = [other for other in self._moves.neighbours(candidate) if other not in seen]
                seen.update(new)
                near += new
        return self.sample(np.random.default_rng(0))

    def sample(self, rng: np.random.Generator) -> Arch:
        """A random arch: every active decision is drawn uniformly from its values.

        Raises:
            InvalidSpace: if no arch of a small space is allowed, or 1,000 random ones of a large space are not.
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
            if not self.constrained or self.constraints.hold(arch):
                return arch
        if self._allowed is None:
            self._allowed = list(self.enumerate()) if self.without_constraints().size() <= _MOST_LISTED else []
        if not self._allowed:
            raise InvalidSpace(
                f"{_TRIES} random arches in a row break the constraints of {self.name!r}: loosen them, or build them "
                "into the choices."
            )
        return self._allowed[int(rng.random() * len(self._allowed))]

    def mutate(self, arch: Arch, rng: np.random.Generator) -> Arch:
        """A copy with one active decision changed to another value; decisions that this activates are drawn.

        Raises:
            SpaceExhausted: if no decision can be changed, or every change breaks the constraints.
        """
        arch = self.inside(arch)
        mutable = [d for d in self._changeable if d.name in arch] if self._conditional else self._changeable
        if not mutable:
            raise SpaceExhausted(f"no decision of {arch} has a second value.")
        new = len(self.decisions) if self._conditional else 0
        for _ in range(_TRIES):
            numbers = rng.random(new + 2).tolist()
            changed = mutable[int(numbers[-1] * len(mutable))]
            value = changed.domain.draw_other(arch[changed.name], numbers[-2])
            child = self._moves.changed(arch, changed.name, value, numbers)
            if not self.constrained or self.constraints.hold(child):
                return child
        # Few of them are allowed, if any: go through them all.
        numbers = rng.random(len(self.decisions) + 1).tolist()
        children = (
            self._moves.changed(arch, decision.name, value, numbers)
            for decision in mutable
            for value in decision.domain.grid(5)
            if value != arch[decision.name]
        )
        allowed = [child for child in children if self.constraints.hold(child)]
        if not allowed:
            raise SpaceExhausted(f"every mutation of {arch} breaks the constraints of {self.name!r}.")
        return allowed[int(numbers[-1] * len(allowed))]

    def crossover(self, first: Arch, second: Arch, rng: np.random.Generator) -> Arch:
        """A child that takes each decision from either parent with equal chance (uniform crossover).

        A decision that only one of them has comes from that one; if neither has it, it is drawn.
        After 1,000 children that break the constraints, a copy of the first parent is returned. There are others in
        `netwright.spaces.crossovers`.
        """
        return uniform(self, self.inside(first), self.inside(second), rng)

    def neighbours(self, arch: Arch) -> Iterator[Arch]:
        """Every allowed arch one step of one decision away, in a fixed order.

        Being a neighbour is mutual. Where the step (de)activates other decisions, all their values count if there
        are at most 64 combinations, else only their defaults.
        """
        return (other for other in self._moves.neighbours(self.inside(arch)) if self.allowed(other))

    def enumerate(self, resolution: int = 5) -> Iterator[Arch]:
        """Every allowed arch, in a fixed order; a real takes `resolution` values over its range."""
        if not isinstance(resolution, int) or resolution < 1:
            raise InvalidSpace(f"`resolution` must be at least 1, but got {resolution!r}.")
        return (arch for arch in enumerated(self.decisions, resolution) if self.allowed(arch))

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
        """Whether the constraints across decisions hold.

        Raises:
            InvalidSpace: if a constraint can't be computed, or asks for a decision that doesn't exist.
        """
        return not self.constrained or self.constraints.hold(arch)

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
                near = difflib.get_close_matches(name, self._by_name, n=1)
                hint = f": did you mean {near[0]!r}?" if near else "."
                wrong.append(f"{name!r} is not a decision of this space{hint}")
            elif name not in decisions:
                wrong.append(f"{name!r} doesn't count here: leave it out.")
        if not wrong:
            wrong.extend(self.constraints.broken(arch))
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

    def graph(self, arch: Arch) -> ArchGraph:
        """The arch as a graph of its operations, from input to output; see `netwright.spaces.graph`.

        Example:
            >>> from netwright import nn, choice
            >>> space = Space(nn.Sequential(nn.LazyLinear(choice([8, 16])), nn.ReLU()))
            >>> space.graph(space.default()).labels
            ('input', 'LazyLinear(8)', 'output')
        """
        if self._drawer is None:
            self._drawer = Drawer(self.tree)
        return self._drawer(arch)

    def without_constraints(self) -> Space:
        """The same space with nothing ruled out."""
        model, training, _, name, canonical = self._given
        return self._rebuilt(model, training, (), name, canonical, None, self._kept())

    def also(self, constraint: Expression | Callable[[Arch], bool]) -> Space:
        """The same space with one more constraint."""
        model, training, given, name, canonical = self._given
        return self._rebuilt(model, training, (*given, constraint), name, canonical, None, self._kept())

    # Interpretation ---------------------------------------------------------------------------------------------

    def resolve(self, arch: Arch, **placeholders: Any) -> Any:
        """The model's tree with every choice replaced by what the arch says: calls and plain values only."""
        return resolve(self.tree, arch, placeholders)

    def training(self, arch: Arch) -> dict[str, Any]:
        """The training's hyperparameters that the arch decides, by name."""
        return {name: resolve(tree, arch, {}) for name, tree in self.training_tree.items()}

    def with_decision(self, arch: Arch, name: str, value: Decided) -> Arch:
        """The arch with one decision changed; what this activates takes its default. Constraints aren't looked at."""
        return self._moves.changed(arch, name, value)

    def build(
        self,
        arch: Arch | None = None,
        *,
        input_shape: tuple[int, ...],
        n_outputs: int | None = None,
        seed: int = 0,
        device: Any = "cpu",
    ) -> Any:
        """The `torch.nn.Module` of an arch, by default of the default one; see `netwright.models.build`.

        Example:
            >>> from netwright import nn, choice
            >>> space = Space(nn.Sequential(nn.LazyLinear(choice([8, 16])), nn.ReLU()))
            >>> space.build(input_shape=(4,))[0]
            Linear(in_features=4, out_features=8, bias=True)
        """
        arch = self.default() if arch is None else arch
        make = interpreters["build"]
        return make(self, arch, input_shape=input_shape, n_outputs=n_outputs, seed=seed, device=device)

    def source(
        self,
        arch: Arch | None = None,
        *,
        input_shape: tuple[int, ...],
        n_outputs: int | None = None,
        title: str | None = None,
    ) -> str:
        """An arch, by default the default one, as a standalone Python file that needs torch only.

        Example:
            >>> from netwright import nn, choice
            >>> space = Space(nn.Sequential(nn.LazyLinear(choice([8, 16])), nn.ReLU()))
            >>> "return nn.Sequential(nn.Linear(4, 8), nn.ReLU())" in space.source(input_shape=(4,))
            True
        """
        arch = self.default() if arch is None else arch
        write: Callable[..., str] = interpreters["source"]
        return write(self, arch, input_shape=input_shape, n_outputs=n_outputs, title=title)

    def profile(
        self,
        *,
        input_shape: tuple[int, ...],
        n_outputs: int | None = None,
        constraints: Any = None,
        samples: int = 200,
        seed: int = 0,
    ) -> Profile:
        """Size, costs, impossible arches and whether constraints can be met, before any training.

        Args:
            input_shape: of one example.
            n_outputs: what the task needs.
            constraints: limits of `params`, `flops` or `activation_mb`, such as `params<=100k`.
            samples: how many random arches it looks at.
            seed: of these.

        Example:
            >>> from netwright import nn, choice
            >>> space = Space(nn.Sequential(nn.LazyLinear(choice([8, 16])), nn.ReLU()))
            >>> space.profile(input_shape=(4,), constraints="params<=50").within
            0.5
        """
        look: Callable[..., Profile] = interpreters["profile"]
        return look(
            self, input_shape=input_shape, n_outputs=n_outputs, constraints=constraints, samples=samples, seed=seed
        )

    def describe(self, arch: Arch | None = None) -> str:
        """The space, or an arch of it, as a text for people: one decision a line."""
        if arch is not None:
            width = max((len(name) for name in arch), default=0)
            return "\n".join(f"{name:<{width}} = {arch[name]!r}" for name in self._ordered(arch))
        width = max((len(decision.name) for decision in self.decisions), default=0)
        lines = []
        for decision in self.decisions:
            when = " or ".join(map(str, decision.conditions))
            lines.append(f"{decision.name:<{width}} : {decision.domain}{f', if {when}' if when else ''}")
        lines += [f"constraint: {comparison!r}" for comparison in self.constraints.comparisons]
        lines += [f"constraint: {getattr(f, '__name__', repr(f))}" for f in self.constraints.functions]
        return "\n".join(lines)

    def _ordered(self, arch: Arch) -> Iterator[str]:
        return itertools.chain(
            (d.name for d in self.decisions if d.name in arch), (n for n in arch if n not in self._by_name)
        )

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that change when anything that matters does: a resumed run is checked by it.

        That is the model with its fixed parts, the choices, the training, the constraints and the default.
        """
        functions = [identity(function) for function in self.constraints.functions]
        parts = (self.tree, self.training_tree, self.constraints.comparisons, functions, self._canonical)
        text = f"{identity(parts)} {self.default().to_json()}"
        if self._parts:
            text += f" {sorted((name, str(part)) for name, part in self._parts.items())}"
        return hashlib.sha256(text.encode()).hexdigest()[:12]
