"""Genotypes: the texts in which papers publish cells, read and written.

Liu et al. 2019, DARTS, https://arxiv.org/abs/1806.09055, began it, and most papers on cells keep to it:
`Genotype(normal=[('sep_conv_3x3', 0), …], normal_concat=[2, 3, 4, 5], reduce=[…], reduce_concat=[2, 3, 4, 5])`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from netwright.core.errors import InvalidInput, problems

__all__ = ["Edge", "Genotype", "RecurrentGenotype"]

Edge: TypeAlias = "tuple[str, int]"
"""An operation and the node that it takes its input from."""


@dataclass(frozen=True, slots=True)
class Genotype:
    """A normal and a reduction cell.

    Nodes 0 and 1 are the outputs of the cell before the last and of the last one. Two edges each enter the nodes from
    2 on, in this order.

    Attributes:
        normal, reduce: (operation, source) of each edge.
        normal_concat, reduce_concat: the nodes that are put out.

    Example:
        >>> text = "Genotype(normal=[('skip_connect', 0), ('sep_conv_3x3', 1)], normal_concat=range(2, 3), "
        >>> text += "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1)], reduce_concat=[2])"
        >>> genotype = Genotype.parse(text)
        >>> genotype.normal, genotype.n_nodes("normal")
        ((('skip_connect', 0), ('sep_conv_3x3', 1)), 3)
        >>> Genotype.parse(str(genotype)) == genotype
        True

    Raises:
        InvalidInput: naming all that is wrong with it.
    """

    normal: tuple[Edge, ...]
    normal_concat: tuple[int, ...]
    reduce: tuple[Edge, ...]
    reduce_concat: tuple[int, ...]

    def __post_init__(self) -> None:
        wrong = []
        for kind in ("normal", "reduce"):
            edges, concat = self.edges(kind), self.concat(kind)
            if not edges or len(edges) % 2:
                wrong.append(f"two edges must enter each node of {kind!r}, but it has {len(edges)} edges")
            for place, (operation, source) in enumerate(edges):
                if not 0 <= source < 2 + place // 2:
                    node = 2 + place // 2
                    wrong.append(
                        f"{kind!r}: ({operation!r}, {source}) enters node {node}, but must come from before it"
                    )
            if not concat or len(set(concat)) < len(concat) or not all(0 <= n < 2 + len(edges) // 2 for n in concat):
                wrong.append(f"'{kind}_concat' must be different nodes of {kind!r}, but is {list(concat)}")
        if wrong:
            raise InvalidInput(problems("this is not a genotype", wrong))

    @classmethod
    def parse(cls, text: str) -> Genotype:
        """The genotype of such a text, also with a name before it, or with the edges in pairs.

        Raises:
            InvalidInput: if it isn't one.
        """
        parts = _keywords(text, ("normal", "normal_concat", "reduce", "reduce_concat"))
        return cls(
            _edges(parts["normal"], "normal"),
            _nodes(parts["normal_concat"], "normal_concat"),
            _edges(parts["reduce"], "reduce"),
            _nodes(parts["reduce_concat"], "reduce_concat"),
        )

    def edges(self, kind: str) -> tuple[Edge, ...]:
        """Those of the `normal` or the `reduce` cell."""
        return self.normal if kind == "normal" else self.reduce

    def concat(self, kind: str) -> tuple[int, ...]:
        """The nodes that this cell puts out."""
        return self.normal_concat if kind == "normal" else self.reduce_concat

    def n_nodes(self, kind: str) -> int:
        """How many nodes the `normal` or the `reduce` cell has, its two inputs included."""
        return 2 + len(self.edges(kind)) // 2

    def __str__(self) -> str:
        return (
            f"Genotype(normal={list(self.normal)}, normal_concat={_shown(self.normal_concat)}, "
            f"reduce={list(self.reduce)}, reduce_concat={_shown(self.reduce_concat)})"
        )


@dataclass(frozen=True, slots=True)
class RecurrentGenotype:
    """A recurrent cell: node 0 is made of the input and the state before, one edge enters each node from 1 on.

    Attributes:
        recurrent: (activation, source) of each node.
        concat: the nodes whose mean is put out.

    Example:
        >>> RecurrentGenotype.parse("Genotype(recurrent=[('relu', 0), ('tanh', 1)], concat=range(1, 3))")
        RecurrentGenotype(recurrent=(('relu', 0), ('tanh', 1)), concat=(1, 2))

    Raises:
        InvalidInput: naming all that is wrong with it.
    """

    recurrent: tuple[Edge, ...]
    concat: tuple[int, ...]

    def __post_init__(self) -> None:
        wrong = [
            f"({activation!r}, {source}) enters node {place}, but must come from before it"
            for place, (activation, source) in enumerate(self.recurrent, 1)
            if not 0 <= source < place
        ]
        n_nodes = 1 + len(self.recurrent)
        if (
            not self.concat
            or len(set(self.concat)) < len(self.concat)
            or not all(0 <= n < n_nodes for n in self.concat)
        ):
            wrong.append(f"'concat' must be different nodes, but is {list(self.concat)}")
        if wrong:
            raise InvalidInput(problems("this is not a recurrent genotype", wrong))

    @classmethod
    def parse(cls, text: str) -> RecurrentGenotype:
        """The genotype of such a text, also with a name before it.

        Raises:
            InvalidInput: if it isn't one.
        """
        parts = _keywords(text, ("recurrent", "concat"))
        return cls(_edges(parts["recurrent"], "recurrent"), _nodes(parts["concat"], "concat"))

    def __str__(self) -> str:
        return f"Genotype(recurrent={list(self.recurrent)}, concat={_shown(self.concat)})"


# Reading ----------------------------------------------------------------------------------------------------------


def _keywords(text: str, names: Sequence[str]) -> Mapping[str, Any]:
    """The keyword arguments of the one call in a text, as plain values; nothing is executed."""
    example = f"Genotype({', '.join(f'{name}=…' for name in names)})"
    try:
        node: Any = ast.parse(text.strip()).body[0]
        call = node.value
        if not isinstance(call, ast.Call) or call.args:
            raise ValueError
        found = {str(keyword.arg): _value(keyword.value) for keyword in call.keywords}
    except (SyntaxError, ValueError, IndexError, AttributeError, TypeError):
        raise InvalidInput(f"a genotype must be a text like {example}, but got {text[:200]!r}.") from None
    missing, unknown = [n for n in names if n not in found], [n for n in found if n not in names]
    if missing or unknown:
        wrong = [f"{name!r} is missing" for name in missing] + [f"{name!r} is unknown" for name in unknown]
        raise InvalidInput(problems(f"a genotype must be a text like {example}", wrong))
    return found


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        return list(range(*(int(ast.literal_eval(arg)) for arg in node.args)))
    return ast.literal_eval(node)


def _edges(value: Any, name: str) -> tuple[Edge, ...]:
    found: list[Edge] = []

    def visit(item: Any) -> None:
        if isinstance(item, (list, tuple)):
            if len(item) == 2 and isinstance(item[0], str) and type(item[1]) is int:
                found.append((item[0], item[1]))
                return
            if not any(isinstance(part, (str, int)) for part in item):
                for part in item:
                    visit(part)
                return
        raise InvalidInput(f"{name!r} of a genotype must be a list of (operation, node), but there is {item!r} in it.")

    visit(value)
    return tuple(found)


def _nodes(value: Any, name: str) -> tuple[int, ...]:
    if not isinstance(value, (list, tuple)) or not all(type(node) is int for node in value):
        raise InvalidInput(f"{name!r} of a genotype must be a list of nodes or a range, but got {value!r}.")
    return tuple(value)


def _shown(nodes: tuple[int, ...]) -> str:
    run = nodes == tuple(range(nodes[0], nodes[0] + len(nodes)))
    return f"range({nodes[0]}, {nodes[-1] + 1})" if run and len(nodes) > 1 else str(list(nodes))
