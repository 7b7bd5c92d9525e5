"""The text that two spaces share exactly when they mean the same: what a digest is made of."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from types import CodeType
from typing import Any

from netwright.spaces.mirror import Deferred
from netwright.spaces.nodes import Call, Choice, Expression, Integer, Placeholder, Real, Repeat, Subset

__all__ = ["identity"]


def identity(node: Any) -> str:
    """A labelled tree as a text: fixed parts, choices, defaults, and the code of its own functions.

    The same in every process and on every machine. Classes count by their names: their code may be improved while a
    search is stopped, and may not be at hand.

    Example:
        >>> from netwright import nn
        >>> identity([nn.Linear(4, bias=False), max])
        "[Call('torch.nn:Linear', 4, 'bias'=False), max]"
    """
    if isinstance(node, Call):
        named = [f"{key!r}={identity(value)}" for key, value in node.kwargs.items()]
        target = repr(node.target) if isinstance(node.target, str) else identity(node.target)
        return f"Call({', '.join([target, *map(identity, node.args), *named])})"
    if isinstance(node, (Choice, Subset)):
        options = ", ".join(f"{key!r}: {identity(value)}" for key, value in zip(node.keys, node.options, strict=True))
        rest = node.default if isinstance(node, Choice) else node.k
        return f"{type(node).__name__}({node.label!r}, {{{options}}}, {rest})"
    if isinstance(node, Repeat):
        blocks = ", ".join(map(identity, node.blocks))
        return f"Repeat({node.label!r}, {node.minimum}, {node.default}, [{blocks}])"
    if isinstance(node, Integer):
        return f"Integer({node.label!r}, {node.low}, {node.high}, {node.step}, {node.log}, {node.default})"
    if isinstance(node, Real):
        return f"Real({node.label!r}, {node.low!r}, {node.high!r}, {node.log}, {node.default!r})"
    if isinstance(node, Expression):
        function = node.function if isinstance(node.function, str) else identity(node.function)
        return f"{function}({', '.join(map(identity, node.operands))})"
    if isinstance(node, Placeholder):
        return f"<{node.name}>"
    if isinstance(node, Deferred):
        return repr(node.target)
    if isinstance(node, (list, tuple)):
        return f"{'[' if isinstance(node, list) else '('}{', '.join(map(identity, node))}]"
    if isinstance(node, dict):
        return f"{{{', '.join(f'{key!r}: {identity(value)}' for key, value in node.items())}}}"
    if node is None or isinstance(node, (bool, int, float, complex, str, bytes)):
        return repr(node)
    if isinstance(node, type):
        return node.__qualname__
    if callable(node):
        return _function(node)
    return _plain(node)


def _function(function: Callable[..., Any]) -> str:
    """A function by its name and, if it is written in Python, its code: a lambda has no other identity."""
    name = getattr(function, "__qualname__", type(function).__qualname__)
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):
        return str(name)
    try:
        # Normalised, so that comments and spaces don't count.
        return f"{name}: {ast.unparse(ast.parse(textwrap.dedent(inspect.getsource(function))))}"
    except (OSError, SyntaxError, TypeError):  # no file, or a lambda that starts in the middle of a statement
        return f"{name}: {_code(code)}"


def _code(code: CodeType) -> str:
    constants = [_code(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return f"{code.co_code.hex()} {code.co_names} {constants}"


def _plain(value: Any) -> str:
    """Any other value; an address in its text would differ each time."""
    text = repr(value)
    return type(value).__qualname__ if " at 0x" in text else text
