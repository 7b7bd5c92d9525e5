"""Which names of its module a definition uses, and when."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Names", "names_in"]


@dataclass(frozen=True, slots=True)
class Names:
    """The names from outside that a definition uses, each list in the order of the text.

    Attributes:
        when_defined: base classes, decorators, defaults, what a class body computes.
        when_called: in the bodies of functions.
        in_annotations: in annotations only.
    """

    when_defined: list[str]
    when_called: list[str]
    in_annotations: list[str]


def names_in(source: str) -> Names:
    """The names that a definition takes from its module; its own arguments and variables aren't among them.

    Example:
        >>> names_in("def area(r: Length, scale=ONE): return pi * r**TWO * scale")
        Names(when_defined=['ONE'], when_called=['pi', 'TWO'], in_annotations=['Length'])
    """
    tree = ast.parse(source)
    order = {node.id: None for node in _in_text_order(tree)}
    stripped = ast.unparse(_Stripped().visit(tree))
    table = symtable.symtable(stripped, "<definition>", "exec")
    defined = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced()}
    called: set[str] = set()
    for child in table.get_children():
        _collect(child, defined, called)
    rest = set(order) - {node.id for node in ast.walk(ast.parse(stripped)) if isinstance(node, ast.Name)}
    return Names(
        [name for name in order if name in defined],
        [name for name in order if name in called - defined],
        [name for name in order if name in rest],
    )


def _collect(table: symtable.SymbolTable, defined: set[str], called: set[str]) -> None:
    comprehension = table.get_name() in ("listcomp", "setcomp", "dictcomp", "genexpr")  # runs where it stands
    at_once = table.get_type() == "class" or (comprehension and defined is not called)
    into = defined if at_once else called
    into.update(symbol.get_name() for symbol in table.get_symbols() if symbol.is_global() and symbol.is_referenced())
    for child in table.get_children():
        _collect(child, defined if at_once else called, called)


def _in_text_order(tree: ast.AST) -> Iterator[ast.Name]:
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    yield from sorted(names, key=lambda node: (node.lineno, node.col_offset))


class _Stripped(ast.NodeTransformer):
    """The same code without annotations: the exported file never evaluates them."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:  # the name that ast calls
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:  # the name that ast calls
        if node.value is None:
            return ast.Pass()
        assigned = ast.Assign([node.target], node.value)
        return self.generic_visit(ast.copy_location(ast.fix_missing_locations(assigned), node))
