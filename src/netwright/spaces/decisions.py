"""From a tree to its list of decisions: every choice gets a name, its values and the conditions under which it counts.

`Labeller` gives an equal tree in which every choice carries its decision's name; all interpreters read that one.
`decisions_of` lists the decisions so that each comes after those it depends on.
"""

from __future__ import annotations

import heapq
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from netwright.core.arch import Decided
from netwright.core.errors import InvalidSpace, problems
from netwright.spaces.domains import Categorical, Combination, Domain, IntegerRange, RealRange
from netwright.spaces.nodes import (
    Call,
    Choice,
    Expression,
    Integer,
    Node,
    Real,
    Repeat,
    Subset,
    children,
    is_torch_module,
)

__all__ = ["Condition", "Decision", "Labeller", "decisions_of", "labels_in"]

_ARGUMENTS = {
    "Conv": ("out_channels", "kernel_size", "stride", "padding"),
    "LazyConv": ("out_channels", "kernel_size", "stride", "padding"),
    "LazyLinear": ("out_features",),
    "Linear": ("in_features", "out_features"),
    "Dropout": ("p",),
    "MaxPool": ("kernel_size", "stride"),
    "AvgPool": ("kernel_size", "stride"),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds when the parent decision is active and has (or, for a subset, contains) one of these values."""

    parent: str
    values: frozenset[Decided]

    def holds(self, decisions: dict[str, Decided]) -> bool:
        """Whether it holds among these (active) decisions."""
        if self.parent not in decisions:
            return False
        value = decisions[self.parent]
        return not self.values.isdisjoint(value) if isinstance(value, tuple) else value in self.values

    def __str__(self) -> str:
        return f"{self.parent} in {{{', '.join(map(repr, sorted(self.values, key=_numbers_first)))}}}"


def _numbers_first(value: Decided) -> tuple[bool, float, str]:
    return (False, value, "") if isinstance(value, (int, float)) else (True, 0.0, repr(value))


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of a space.

    Attributes:
        name: as in an arch.
        domain: its values.
        conditions: it is active when any of these holds; none: always.
    """

    name: str
    domain: Domain
    conditions: tuple[Condition, ...] = ()

    def active(self, decisions: dict[str, Decided]) -> bool:
        """Whether it counts, given the decisions before it."""
        return not self.conditions or any(condition.holds(decisions) for condition in self.conditions)


class Labeller:
    """Names every choice of a tree; several trees that share nodes are given to one labeller.

    Args:
        trees: all that it will be given, so that no name that it makes up is a label elsewhere.

    Example:
        >>> from netwright.spaces.language import choice
        >>> Labeller()({"width": choice([8, 16])})["width"].label
        'width'
    """

    def __init__(self, trees: Any = ()) -> None:
        self.names: dict[tuple[int, int], str] = {}  # (the node's identity, its scope) → name
        self.taken = set(labels_in(trees))  # a name that is made up must not be somebody's label
        self.kept: list[Node] = []  # identities stay valid only while their nodes live
        self.scopes = 0

    def __call__(self, tree: Any) -> Any:
        """The same tree with every choice named."""
        return self.visit(tree, (), 0)

    def visit(self, node: Any, path: tuple[str, ...], scope: int) -> Any:
        if isinstance(node, Call):
            arguments = _argument_names(node)
            return Call(
                node.target,
                tuple(self.visit(arg, (*path, arguments(i)), scope) for i, arg in enumerate(node.args)),
                {key: self.visit(value, (*path, key), scope) for key, value in node.kwargs.items()},
            )
        if isinstance(node, Expression):
            return Expression(node.function, tuple(self.visit(o, (*path, "value"), scope) for o in node.operands))
        if isinstance(node, (list, tuple)):
            return type(node)(self.visit(item, (*path, str(i)), scope) for i, item in enumerate(node))
        if isinstance(node, dict):
            return {key: self.visit(value, (*path, str(key)), scope) for key, value in node.items()}
        if not isinstance(node, (Choice, Integer, Real, Subset, Repeat)):
            _refuse_modules(node, path)
            return node
        name = node.label or self._name(node, path, scope)
        if isinstance(node, (Choice, Subset)):
            options = tuple(
                self.visit(option, (name, str(key)), scope) for option, key in zip(node.options, node.keys, strict=True)
            )
            return replace(node, options=options, label=name)
        if isinstance(node, Repeat):
            stem = node.label or (".".join(path) or "block")
            blocks = []
            for i, block in enumerate(node.blocks):
                if node.scoped:
                    self.scopes += 1
                blocks.append(self.visit(block, (f"{stem}[{i}]",), self.scopes if node.scoped else scope))
            return replace(node, blocks=tuple(blocks), label=name)
        return replace(node, label=name)

    def _name(self, node: Node, path: tuple[str, ...], scope: int) -> str:
        key = (id(node), scope)
        if key not in self.names:
            self.kept.append(node)
            stem = ".".join(path) or "value"
            if isinstance(node, Repeat):
                stem = ".".join((*path, "depth"))
            name, number = stem, 1
            while name in self.taken:
                number += 1
                name = f"{stem}~{number}"
            self.taken.add(name)
            self.names[key] = name
        return self.names[key]


def labels_in(node: Any) -> Iterator[str]:
    """The labels of all choices of a tree, in its order; one that comes twice, twice."""
    label = getattr(node, "label", None) if isinstance(node, Node) else None
    if label is not None:
        yield label
    for part in children(node):
        yield from labels_in(part)


def _argument_names(call: Call) -> Any:
    """A function from the index of a positional argument to its name in a decision's name."""
    names: tuple[str, ...] = ()
    if isinstance(call.target, str):
        stem = call.name.rstrip("123d")
        names = _ARGUMENTS.get(stem, _ARGUMENTS.get(call.name, ()))
    else:
        try:
            names = tuple(
                p.name
                for p in inspect.signature(call.target).parameters.values()
                if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
            )
        except (TypeError, ValueError):
            names = ()
    return lambda i: names[i] if i < len(names) else str(i)


def _refuse_modules(value: Any, path: tuple[str, ...]) -> None:
    if is_torch_module(value):
        name = type(value).__name__
        raise InvalidSpace(
            f"a space holds deferred calls, but found a torch module at {'.'.join(path) or 'its root'}: write "
            f"netwright.nn.{name}(...) instead of torch.nn.{name}(...), or defer(MyModule, ...) for a class of yours."
        )


def _domain(node: Choice | Integer | Real | Subset | Repeat) -> Domain:
    if isinstance(node, Choice):
        return Categorical(node.keys, node.default)
    if isinstance(node, Integer):
        return IntegerRange(node.low, node.high, node.step, node.log, node.default)
    if isinstance(node, Real):
        return RealRange(node.low, node.high, node.log, node.default)
    if isinstance(node, Subset):
        return Combination(node.keys, node.k)
    return IntegerRange(node.minimum, len(node.blocks), start=node.default)


def _branches(node: Any) -> Iterator[tuple[Any, frozenset[Decided] | None]]:
    """The parts of a node, each with the values of its decision under which it counts (None: always)."""
    if isinstance(node, Call):
        yield from ((part, None) for part in (*node.args, *node.kwargs.values()))
    elif isinstance(node, Expression):
        yield from ((part, None) for part in node.operands)
    elif isinstance(node, (list, tuple)):
        yield from ((part, None) for part in node)
    elif isinstance(node, dict):
        yield from ((part, None) for part in node.values())
    elif isinstance(node, (Choice, Subset)):
        yield from ((part, frozenset([key])) for part, key in zip(node.options, node.keys, strict=True))
    elif isinstance(node, Repeat):
        depths = range(node.minimum, len(node.blocks) + 1)
        for i, block in enumerate(node.blocks):
            yield block, None if i < node.minimum else frozenset(d for d in depths if d > i)


def decisions_of(tree: Any) -> tuple[Decision, ...]:
    """The decisions of a labelled tree, each after those that it depends on.

    Raises:
        InvalidSpace: if equal labels have different values, or decisions depend on each other in a circle.
    """
    domains: dict[str, Domain] = {}
    conditions: dict[str, set[Condition]] = {}
    always: set[str] = set()
    wrong: list[str] = []

    def visit(node: Any, condition: Condition | None) -> None:
        own: str | None = None
        if isinstance(node, (Choice, Integer, Real, Subset, Repeat)):
            own = node.label
            if own is None:
                raise InvalidSpace("this tree isn't labelled: use a Labeller first.")
            domain = _domain(node)
            known = domains.setdefault(own, domain)
            if known != domain:
                if str(known) == str(domain):  # they differ in what comes first
                    defaults = f"{known.default!r} at one place and {domain.default!r} at another"
                    wrong.append(f"{own!r} has the default {defaults}.")
                else:
                    wrong.append(f"{own!r} is {known} at one place and {domain} at another.")
            if condition is None:
                always.add(own)
            else:
                conditions.setdefault(own, set()).add(condition)
        for part, values in _branches(node):
            if own is None or values is None:
                visit(part, condition)
            else:
                visit(part, Condition(own, values))

    visit(tree, None)
    if wrong:
        raise InvalidSpace(
            problems("equal labels must have equal values and defaults (label them differently)", dict.fromkeys(wrong))
        )
    merged = {name: () if name in always else tuple(_merged(conditions[name])) for name in domains}
    while certain := {
        name
        for name, known in merged.items()
        if any(
            not merged[condition.parent] and _is_certain(condition, domains[condition.parent]) for condition in known
        )
    }:  # options that all have the same decision in them
        merged.update(dict.fromkeys(certain, ()))
    return _parents_first([Decision(name, domain, merged[name]) for name, domain in domains.items()])


def _is_certain(condition: Condition, domain: Domain) -> bool:
    """Whether it holds for every value of its parent."""
    if isinstance(domain, Combination):
        return len(domain.values) - len(condition.values) < domain.k
    return len(condition.values) >= domain.count


def _merged(conditions: set[Condition]) -> list[Condition]:
    """One condition for each parent, in a fixed order."""
    values: dict[str, frozenset[Decided]] = {}
    for condition in conditions:
        values[condition.parent] = values.get(condition.parent, frozenset()) | condition.values
    return [Condition(parent, values[parent]) for parent in sorted(values)]


def _parents_first(plan: list[Decision]) -> tuple[Decision, ...]:
    """The decisions in the tree's order as far as possible, so that a block's stay together."""
    place = {decision.name: i for i, decision in enumerate(plan)}
    waits_for = [{condition.parent for condition in decision.conditions} for decision in plan]
    children: dict[str, list[int]] = {}
    for i, parents in enumerate(waits_for):
        for parent in parents:
            children.setdefault(parent, []).append(i)
    ready = [place[decision.name] for decision in plan if not decision.conditions]  # sorted, and so a heap
    done: list[Decision] = []
    while ready:
        decision = plan[heapq.heappop(ready)]
        done.append(decision)
        for i in children.get(decision.name, ()):
            waits_for[i].discard(decision.name)
            if not waits_for[i]:
                heapq.heappush(ready, i)
    if len(done) < len(plan):
        names = ", ".join(repr(decision.name) for decision, parents in zip(plan, waits_for, strict=True) if parents)
        raise InvalidSpace(f"these decisions depend on each other in a circle (check their labels): {names}.")
    return tuple(done)
