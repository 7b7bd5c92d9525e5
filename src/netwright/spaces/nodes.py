"""The nodes of a search space: deferred calls, choices and what combines them.

A space is data: a tree of these. Nothing is built, traced or cloned when one is written down, and torch isn't needed.
The functions that users call (`choice`, `repeat`, …) are in `netwright.spaces.language`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

from netwright.core.arch import Decided
from netwright.core.errors import InvalidSpace

__all__ = [
    "COMPARISONS",
    "Call",
    "Choice",
    "Expression",
    "Integer",
    "Node",
    "Placeholder",
    "Real",
    "Repeat",
    "Subset",
    "children",
    "is_torch_module",
]


class Node:
    """Anything in a space that has no value until an arch is chosen. Arithmetic on nodes gives an `Expression`."""

    __slots__ = ()

    def __add__(self, other: Any) -> Expression:
        return Expression("add", (self, other))

    def __radd__(self, other: Any) -> Expression:
        return Expression("add", (other, self))

    def __sub__(self, other: Any) -> Expression:
        return Expression("sub", (self, other))

    def __rsub__(self, other: Any) -> Expression:
        return Expression("sub", (other, self))

    def __mul__(self, other: Any) -> Expression:
        return Expression("mul", (self, other))

    def __rmul__(self, other: Any) -> Expression:
        return Expression("mul", (other, self))

    def __floordiv__(self, other: Any) -> Expression:
        return Expression("floordiv", (self, other))

    def __rfloordiv__(self, other: Any) -> Expression:
        return Expression("floordiv", (other, self))

    def __truediv__(self, other: Any) -> Expression:
        return Expression("truediv", (self, other))

    def __rtruediv__(self, other: Any) -> Expression:
        return Expression("truediv", (other, self))

    def __mod__(self, other: Any) -> Expression:
        return Expression("mod", (self, other))

    def __pow__(self, other: Any) -> Expression:
        return Expression("pow", (self, other))

    def __rpow__(self, other: Any) -> Expression:
        return Expression("pow", (other, self))

    def __neg__(self) -> Expression:
        return Expression("neg", (self,))

    def __le__(self, other: Any) -> Expression:
        return Expression("le", (self, other))

    def __lt__(self, other: Any) -> Expression:
        return Expression("lt", (self, other))

    def __ge__(self, other: Any) -> Expression:
        return Expression("ge", (self, other))

    def __gt__(self, other: Any) -> Expression:
        return Expression("gt", (self, other))

    def _no_value(self, *_: Any) -> NoReturn:
        kind = type(self).__name__.lower()
        article = "an" if kind[0] in "aeiou" else "a"
        raise InvalidSpace(
            f"{article} {kind} has no value while the space is written down, so it can't be used in "
            "`if`, `range`, `int` or a loop: use choice(), repeat() or derive(function, node) instead."
        )

    __bool__ = __int__ = __float__ = __index__ = __len__ = _no_value

    def __iter__(self) -> Iterator[Any]:
        self._no_value()


@dataclass(frozen=True, slots=True, eq=False)
class Call(Node):
    """A call that is made when an arch is built: usually a module's constructor.

    Attributes:
        target: what is called: `package.module:name`, or the class or function itself.
        args, kwargs: its arguments; they may hold nodes at any depth of lists, tuples and dicts.
    """

    target: str | Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The bare name of what is called."""
        if isinstance(self.target, str):
            return self.target.rpartition(":")[2].rpartition(".")[2]
        return getattr(self.target, "__name__", type(self.target).__name__)

    def __repr__(self) -> str:
        parts = [repr(arg) for arg in self.args] + [f"{key}={value!r}" for key, value in self.kwargs.items()]
        return f"{self.name}({', '.join(parts)})"


@dataclass(frozen=True, slots=True, eq=False)
class Choice(Node):
    """One of several options: values, calls or whole sub-trees.

    Attributes:
        options: what can be chosen.
        keys: what an arch says for each option, one for each, all different.
        label: the decision's name; equal label = one decision. None: named by its place in the tree.
        default: the index of the option that `space.default()` takes.
    """

    options: tuple[Any, ...]
    keys: tuple[Decided, ...]
    label: str | None = None
    default: int = 0

    def __repr__(self) -> str:
        return f"choice({list(self.keys)})"


@dataclass(frozen=True, slots=True, eq=False)
class Integer(Node):
    """A whole number from `low` to `high`, both included, in steps of `step`, or log-uniform."""

    low: int
    high: int
    step: int = 1
    log: bool = False
    label: str | None = None
    default: int | None = None

    def __repr__(self) -> str:
        return f"integer({self.low}, {self.high})"


@dataclass(frozen=True, slots=True, eq=False)
class Real(Node):
    """A real number from `low` to `high`, uniform or log-uniform."""

    low: float
    high: float
    log: bool = False
    label: str | None = None
    default: float | None = None

    def __repr__(self) -> str:
        return f"real({self.low}, {self.high})"


@dataclass(frozen=True, slots=True, eq=False)
class Subset(Node):
    """`k` of several options, in their order; its value is a list."""

    options: tuple[Any, ...]
    keys: tuple[Decided, ...]
    k: int
    label: str | None = None

    def __repr__(self) -> str:
        return f"subset({list(self.keys)}, k={self.k})"


@dataclass(frozen=True, slots=True, eq=False)
class Repeat(Node):
    """The first `depth` of a list of blocks, `minimum` ≤ depth ≤ their number.

    Its value is a `Sequential` of them if they are modules, else a list.

    Attributes:
        blocks: the blocks; where `scoped`, they are one node repeated, and each takes its own decisions.
    """

    blocks: tuple[Any, ...]
    minimum: int
    label: str | None = None
    default: int | None = None
    scoped: bool = False

    def __repr__(self) -> str:
        return f"repeat({self.blocks[0]!r}, {self.minimum}, {len(self.blocks)})"


@dataclass(frozen=True, slots=True, eq=False)
class Placeholder(Node):
    """A value that is known when a model is built, such as the number of outputs that a task needs."""

    name: str

    def __repr__(self) -> str:
        return self.name


_OPERATORS: dict[str, Callable[..., Any]] = {
    name: getattr(operator, name)
    for name in ("add", "sub", "mul", "floordiv", "truediv", "mod", "pow", "neg", "le", "lt", "ge", "gt")
}
COMPARISONS = frozenset(["le", "lt", "ge", "gt"])
_SYMBOLS = {"add": "+", "sub": "-", "mul": "*", "floordiv": "//", "truediv": "/", "mod": "%", "pow": "**"}
_SYMBOLS |= {"le": "<=", "lt": "<", "ge": ">=", "gt": ">"}


@dataclass(frozen=True, slots=True, eq=False)
class Expression(Node):
    """A value computed from other nodes' values."""

    function: str | Callable[..., Any]
    operands: tuple[Any, ...]

    def compute(self, values: list[Any]) -> Any:
        """The value for these operands."""
        function = _OPERATORS[self.function] if isinstance(self.function, str) else self.function
        return function(*values)

    def __repr__(self) -> str:
        shown = [getattr(operand, "label", None) or repr(operand) for operand in self.operands]
        if isinstance(self.function, str) and self.function in _SYMBOLS:
            return f"({shown[0]} {_SYMBOLS[self.function]} {shown[1]})"
        name = self.function if isinstance(self.function, str) else getattr(self.function, "__name__", "function")
        return f"{name}({', '.join(shown)})"


def children(node: Any) -> Iterator[Any]:
    """The direct parts of a node or container."""
    if isinstance(node, Call):
        yield from node.args
        yield from node.kwargs.values()
    elif isinstance(node, (Choice, Subset)):
        yield from node.options
    elif isinstance(node, Repeat):
        yield from node.blocks
    elif isinstance(node, Expression):
        yield from node.operands
    elif isinstance(node, (list, tuple)):
        yield from node
    elif isinstance(node, dict):
        yield from node.values()


def is_torch_module(value: Any) -> bool:
    """Whether this is a module of torch that is made already (without importing torch)."""
    return any(c.__name__ == "Module" and c.__module__.startswith("torch.nn") for c in type(value).__mro__)
