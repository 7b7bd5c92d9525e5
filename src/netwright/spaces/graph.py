"""An arch as a graph: operations as nodes, labelled by what was decided, from the input to the output.

This is what path and graph encodings of predictors read. A tree is compiled once into functions that draw an arch.

- A part of the model gets a node if an arch decides that it is there, or one of its arguments. What is in every arch
  alike has none: it tells arches not apart, and would only stand between those that do.
- A sequence is a chain. A `cell` gives its graph: an operation on an edge is a node, `None` is no node and no edge,
  and an identity is a node `skip`. Nodes that no data from the input reach, or that the output doesn't use, are left
  out. The sums at a cell's own nodes have no node: what enters a sum goes on to all that it feeds. Where a cell has
  several inputs, each has a node: `input 0`, `input 1`.
- Cells that share all their decisions (equal labels) are one cell here.
- The training's decisions have no place in it.
- Numbers from a range with more than ten values are told to a tenth of the range, so that labels come again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from netwright.core.arch import Arch
from netwright.core.errors import InvalidInput
from netwright.spaces.domains import IntegerRange, RealRange
from netwright.spaces.nodes import Call, Choice, Expression, Integer, Node, Placeholder, Real, Repeat, Subset, children

__all__ = ["INPUT", "OUTPUT", "SKIP", "ArchGraph", "Drawer"]

INPUT = "input"
"""The label of the first node of every graph."""
OUTPUT = "output"
"""The label of the last one."""
SKIP = "skip"
"""The label of an identity."""

_EXACT = 10  # a range with more values than this is told in tenths


@dataclass(frozen=True, slots=True)
class ArchGraph:
    """An arch as a labelled directed graph without cycles; an edge goes from a lower to a higher node.

    Attributes:
        labels: of the nodes; the first is the input, the last the output.
        edges: (source, target), sorted, each once.

    Example:
        >>> graph = ArchGraph(("input", "conv", "skip", "output"), ((0, 1), (0, 2), (1, 3), (2, 3)))
        >>> list(graph.paths())
        [('conv',), ('skip',)]

    Raises:
        InvalidInput: if an edge doesn't go from a node to a later one.
    """

    labels: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        n_nodes = len(self.labels)
        wrong = [edge for edge in self.edges if not 0 <= edge[0] < edge[1] < n_nodes]
        if wrong or n_nodes < 2:
            raise InvalidInput(
                f"a graph needs an input, an output and edges from earlier to later nodes, but got {n_nodes} nodes"
                f"{f' and the edge {wrong[0]}' if wrong else ''}."
            )

    @property
    def successors(self) -> list[list[int]]:
        """For each node, those that an edge leads to."""
        found: list[list[int]] = [[] for _ in self.labels]
        for source, target in self.edges:
            found[source].append(target)
        return found

    def paths(self, most: int = 1000) -> Iterator[tuple[str, ...]]:
        """The labels along each way from input to output, these two left out: the first `most` ways at most."""
        successors, end = self.successors, len(self.labels) - 1
        stack: list[tuple[int, tuple[str, ...]]] = [(0, ())]
        while stack and most > 0:
            node, labels = stack.pop()
            for target in reversed(successors[node]):
                passed = labels if target == end else (*labels, self.labels[target])
                stack.append((target, passed))
            if node == end:
                most -= 1
                yield labels


_Nodes: TypeAlias = "tuple[int, ...]"  # those whose outputs (summed) enter the next part
_Draw: TypeAlias = "Callable[[_Draft, _Nodes], _Nodes]"
_Text: TypeAlias = "Callable[[Arch], str]"


@dataclass(slots=True)
class _Draft:
    """A graph in the making."""

    arch: Arch
    labels: list[str] = field(default_factory=lambda: [INPUT])
    edges: set[tuple[int, int]] = field(default_factory=set)

    def node(self, label: str, sources: _Nodes) -> _Nodes:
        """A new node behind others; none where nothing enters it."""
        if not sources:
            return ()
        new = len(self.labels)
        self.labels.append(label)
        self.edges.update((source, new) for source in sources)
        return (new,)

    def finished(self, last: _Nodes) -> ArchGraph:
        """The graph without the nodes that its output doesn't use."""
        sources: list[list[int]] = [[] for _ in self.labels]
        for source, target in self.edges:
            sources[target].append(source)
        used, waiting = {0}, list(last)
        while waiting:
            node = waiting.pop()
            if node not in used:
                used.add(node)
                waiting += sources[node]
        number = {node: i for i, node in enumerate(sorted(used))}
        edges = {(number[s], number[t]) for s, t in self.edges if t in used}
        edges |= {(number[node], len(used)) for node in last}
        return ArchGraph((*(self.labels[node] for node in number), OUTPUT), tuple(sorted(edges)))


class Drawer:
    """Draws the arches of a labelled tree as graphs; `space.graph` keeps one for its tree.

    Args:
        tree: a space's labelled tree.

    Example:
        >>> from netwright import nn, cell, Arch, Space
        >>> operations = {"none": None, "skip": nn.Identity(), "relu": nn.ReLU()}
        >>> space = Space(nn.Sequential(cell(operations, 3, label="c"), nn.Flatten()))
        >>> Drawer(space.tree)(Arch({"c.1<-0": "relu", "c.2<-0": "skip", "c.2<-1": "none"})).labels
        ('input', 'skip', 'output')
    """

    def __init__(self, tree: Any) -> None:
        self._drawn: set[tuple[Any, ...]] = set()  # the decisions of cells that were met
        self._draw = self._part(tree, "value", decided=False)

    def __call__(self, arch: Arch) -> ArchGraph:
        """The graph of an arch."""
        draft = _Draft(arch)
        return draft.finished((0,) if self._draw is None else self._draw(draft, (0,)))

    # Parts: each gives a function that adds its nodes, or None where it never has any ------------------------------

    def _part(self, node: Any, name: str, *, decided: bool, key: str | None = None) -> _Draw | None:
        """One part; `decided`: whether it is there by decision, `key`: what the choice calls it."""
        if isinstance(node, Call):
            return self._call(node, name, decided=decided, key=key)
        if isinstance(node, (list, tuple)):
            return _chain([self._part(item, name, decided=decided) for item in node])
        if isinstance(node, dict):
            return _chain([self._part(item, str(key), decided=decided) for key, item in node.items()])
        if isinstance(node, Choice):
            return self._choice(node, name)
        if isinstance(node, Repeat):
            return self._repeat(node, name, decided=decided)
        if isinstance(node, Subset):
            return self._subset(node, name)
        if isinstance(node, (Integer, Real, Expression)) and _decides(node):
            return _leaf(_joined(f"{name}=", _text(node)))
        if key is not None and node is not None:
            return _leaf(_constant(f"{name}={key}"))
        return None

    def _call(self, node: Call, name: str, *, decided: bool, key: str | None) -> _Draw | None:
        if not decided and not _decides(node):
            return None
        if node.name == "Identity":
            return _leaf(_constant(SKIP))
        if key is not None and not _decides(node):
            return _leaf(_constant(key))
        arguments = [*enumerate(node.args), *node.kwargs.items()]
        if node.name == "Sequential":
            return _chain([self._part(item, str(at), decided=decided) for at, item in arguments])
        if node.name == "Cell" and len(node.args) == 2 and isinstance(node.args[1], list):
            return self._cell(node, *node.args, decided=decided)
        if node.name == "RecurrentCell" and len(node.args) == 1 and isinstance(node.args[0], list):
            return self._cell(node, 1 + len(node.args[0]), node.args[0], decided=decided)
        inner = [(str(at), item) for at, item in arguments if _is_model(item)]
        parts = _chain([self._part(item, at, decided=decided) for at, item in inner])
        if node.name == "Residual":
            return _around(parts)
        told = [(at, item) for at, item in arguments if _decides(item) and not _is_model(item)]
        plain = {name for _, item in told if not isinstance(item, Expression) for name in _names(item)}
        # What is computed from decisions that are told anyway tells nothing new.
        told = [(at, item) for at, item in told if not isinstance(item, Expression) or set(_names(item)) - plain]
        if told:
            shown = [_joined("" if isinstance(at, int) else f"{at}=", _text(item)) for at, item in told]
            return _chain([_leaf(_call_text(key or node.name, shown)), parts])
        alone = key or (node.name if inner else repr(node))
        return _chain([_leaf(_constant(alone)) if decided else None, parts])

    def _cell(self, node: Call, n_nodes: int, items: list[Any], *, decided: bool) -> _Draw | None:
        names = (n_nodes, *_names(node))
        if not decided:  # it is in every arch
            if names in self._drawn:
                return None
            self._drawn.add(names)
        edges = [self._edges(item, place) for place, item in enumerate(items, 1)]
        entry = self._part(node.kwargs.get("entry"), "entry", decided=False) or _pass
        n_inputs, output = len(node.kwargs.get("inputs") or [None]), node.kwargs.get("output", "last")

        def draw(draft: _Draft, sources: _Nodes) -> _Nodes:
            states: list[_Nodes] = [entry(draft, sources), *[()] * (n_nodes - 1)]
            if n_inputs > 1:
                states[:n_inputs] = [draft.node(f"{INPUT} {number}", sources) for number in range(n_inputs)]
            # By target: a state is complete before anything leaves it.
            drawn = sorted((e for pick in edges for e in pick(draft.arch)), key=_by_target)
            for source, target, operation in drawn:
                states[target] = _merged(states[target], operation(draft, states[source]))
            left = {source for source, _, _ in drawn} if output == "unused" else set()
            if output == "last":
                return states[-1]
            ending = range(n_inputs, n_nodes) if isinstance(output, str) else output
            return _merged(*(states[place] for place in ending if place not in left))

        return draw

    def _edges(self, item: Any, place: int) -> Callable[[Arch], list[tuple[int, int, _Draw]]]:
        """What one entry of a cell's list brings: an edge, the one that a choice takes, or those that a subset does."""
        if isinstance(item, (Choice, Subset)):
            label = str(item.label)
            options = {k: self._edges(o, place) for k, o in zip(item.keys, item.options, strict=True)}
            if isinstance(item, Choice):
                return lambda arch: options[arch[label]](arch)
            return lambda arch: [edge for key in arch[label] for edge in options[key](arch)]  # type: ignore[union-attr]
        # A node of a recurrent cell says where it takes from, and its place is the target.
        source, target, operation = (item.args[0], place, item.args[1]) if isinstance(item, Call) else item
        draw = self._part(operation, "operation", decided=not _decides(operation))
        edge = [] if draw is None else [(source, target, draw)]
        return lambda _: edge

    def _choice(self, node: Choice, name: str) -> _Draw | None:
        label = str(node.label)
        draws = {
            key: self._part(option, name, decided=True, key=str(key))
            for key, option in zip(node.keys, node.options, strict=True)
        }
        # In a cell no layer is no edge, elsewhere it is nothing on the way: see `_nothing`.
        nothing = _nothing if name == "operation" else _pass

        def draw(draft: _Draft, sources: _Nodes) -> _Nodes:
            return (draws[draft.arch[label]] or nothing)(draft, sources)

        return draw

    def _repeat(self, node: Repeat, name: str, *, decided: bool) -> _Draw:
        label, variable = str(node.label), node.minimum < len(node.blocks)
        draws = [self._part(block, name, decided=decided or variable) or _pass for block in node.blocks]

        def draw(draft: _Draft, sources: _Nodes) -> _Nodes:
            depth: Any = draft.arch[label]
            for part in draws[:depth]:
                sources = part(draft, sources)
            return sources

        return draw

    def _subset(self, node: Subset, name: str) -> _Draw:
        if not any(map(_is_model, node.options)):
            return _leaf(_joined(f"{name}=", _text(node)))
        label = str(node.label)
        draws = {
            key: self._part(option, name, decided=True, key=str(key)) or _pass
            for key, option in zip(node.keys, node.options, strict=True)
        }

        def draw(draft: _Draft, sources: _Nodes) -> _Nodes:
            chosen: Any = draft.arch[label]
            return _merged(*(draws[key](draft, sources) for key in chosen)) if chosen else sources

        return draw


# How parts combine ------------------------------------------------------------------------------------------------


def _pass(_draft: _Draft, sources: _Nodes) -> _Nodes:
    return sources


def _nothing(_draft: _Draft, _sources: _Nodes) -> _Nodes:
    return ()


def _leaf(text: _Text) -> _Draw:
    return lambda draft, sources: draft.node(text(draft.arch), sources)


def _chain(parts: list[_Draw | None]) -> _Draw | None:
    kept = [part for part in parts if part is not None]
    if len(kept) < 2:
        return kept[0] if kept else None

    def draw(draft: _Draft, sources: _Nodes) -> _Nodes:
        for part in kept:
            sources = part(draft, sources)
        return sources

    return draw


def _around(body: _Draw | None) -> _Draw | None:
    """A skip connection around a part."""
    if body is None:
        return None
    return lambda draft, sources: _merged(body(draft, sources), draft.node(SKIP, sources))


def _merged(*groups: _Nodes) -> _Nodes:
    return tuple(dict.fromkeys(node for group in groups for node in group))


def _by_target(edge: tuple[int, int, _Draw]) -> tuple[int, int]:
    return edge[1], edge[0]


# Labels -----------------------------------------------------------------------------------------------------------


def _constant(text: str) -> _Text:
    return lambda _: text


def _joined(start: str, text: _Text) -> _Text:
    return lambda arch: start + text(arch)


def _call_text(name: str, arguments: list[_Text]) -> _Text:
    return lambda arch: f"{name}({', '.join(argument(arch) for argument in arguments)})"


def _text(node: Any) -> _Text:
    """What a value is in an arch."""
    if isinstance(node, Choice):
        label = str(node.label)
        texts = {
            key: _text(option) if _decides(option) else _constant(str(key))
            for key, option in zip(node.keys, node.options, strict=True)
        }
        return lambda arch: texts[arch[label]](arch)
    if isinstance(node, (Integer, Real)):
        return _number(node)
    if isinstance(node, (Subset, Repeat)):
        label = str(node.label)
        return lambda arch: str(arch[label])
    if isinstance(node, Expression):
        operands = [_text(operand) for operand in node.operands]
        name = node.function if isinstance(node.function, str) else getattr(node.function, "__name__", "function")
        return _call_text(name, operands)
    if _decides(node):
        parts = [_text(part) for part in children(node)]
        return lambda arch: ", ".join(part(arch) for part in parts)
    return _constant(node.name if isinstance(node, (Call, Placeholder)) else repr(node))


def _number(node: Integer | Real) -> _Text:
    label = str(node.label)
    if isinstance(node, Integer):
        whole = IntegerRange(node.low, node.high, node.step, node.log)
        if whole.count <= _EXACT:
            return lambda arch: str(arch[label])
        domain: IntegerRange | RealRange = whole
    else:
        domain = RealRange(node.low, node.high, node.log)
    return lambda arch: f"~{round(10 * domain.encode(arch[label])[0])}/10"


# Looking into a tree ----------------------------------------------------------------------------------------------


def _names(node: Any) -> Iterator[str]:
    """The decisions in a tree, in its order."""
    if isinstance(node, (Choice, Integer, Real, Subset, Repeat)):
        yield str(node.label)
    for part in children(node):
        yield from _names(part)


def _decides(node: Any) -> bool:
    """Whether an arch decides anything in it."""
    return next(_names(node), None) is not None


def _is_model(node: Any) -> bool:
    """Whether there are modules in it."""
    if isinstance(node, Call):
        return True
    return isinstance(node, (Node, list, tuple, dict)) and any(map(_is_model, children(node)))
