"""What users write a search space with: `choice`, `integer`, `real`, `subset`, `repeat`, `cell`, `recurse`, `defer`.

A node used at two places is one decision (`width = choice([16, 32])` written twice gives equal widths); so are nodes
with equal labels. Inside `repeat(node, …)` each repetition decides anew; labelled nodes stay shared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from netwright.core.arch import Decided
from netwright.core.errors import InvalidSpace
from netwright.spaces.mirror import Deferred
from netwright.spaces.nodes import (
    Call,
    Choice,
    Expression,
    Integer,
    Node,
    Placeholder,
    Real,
    Repeat,
    Subset,
    children,
    is_torch_module,
)

__all__ = ["cell", "choice", "defer", "derive", "integer", "n_outputs", "real", "recurse", "repeat", "subset"]

n_outputs = Placeholder("n_outputs")
"""The number of outputs that the task needs: classes, or numbers to predict."""

_MOST_SUBSETS = 2**53  # a subset is drawn by its rank out of one double


def choice(
    options: Sequence[Any] | Mapping[str, Any], *, label: str | None = None, default: Any = None
) -> Choice | Any:
    """One of several options: numbers, texts, deferred modules or whole sub-spaces.

    Args:
        options: the options. A mapping names them (name → option); else a number or text names itself and a
            deferred call takes its class's name.
        label: the decision's name. Equal label = one decision.
        default: the option (or its name) that `space.default()` takes; the first one if not given.

    Example:
        >>> from netwright import nn
        >>> choice([nn.ReLU(), nn.SiLU()])
        choice(['ReLU', 'SiLU'])
        >>> choice({"small": 3, "large": 7}, default="large").default
        1

    Raises:
        InvalidSpace: if there is no option, or two can't be told apart.
    """
    keys, values = _named(options, "choice")
    kept = [(key, value) for key, value in zip(keys, values, strict=True) if not _exhausted(value)]
    if not kept:
        raise InvalidSpace("a choice inside recurse() must keep at least one option that doesn't call itself again.")
    keys, values = [key for key, _ in kept], [value for _, value in kept]
    index = 0
    if default is not None:
        default = default.item() if isinstance(default, np.generic) else default
        matches = [i for i, key in enumerate(keys) if key == default and type(key) is type(default)]
        matches = matches or [i for i, value in enumerate(values) if value is default]
        if not matches:
            raise InvalidSpace(f"`default` of a choice must be one of its options {keys}, but got {default!r}.")
        index = matches[0]
    return Choice(tuple(values), tuple(keys), _label(label), index)


def integer(
    low: int, high: int, *, step: int = 1, log: bool = False, label: str | None = None, default: int | None = None
) -> Integer:
    """A whole number from `low` to `high`, both included.

    Args:
        low, high: the range.
        step: the distance of neighbouring values, counted from `low`.
        log: draw log-uniformly (needs `low` ≥ 1 and `step` 1).
        label: the decision's name.
        default: what `space.default()` takes; the middle if not given.

    Example:
        >>> integer(16, 64, step=16)
        integer(16, 64)
    """
    wrong = []
    if not all(isinstance(value, int) and not isinstance(value, bool) for value in (low, high, step)):
        wrong.append(f"low, high and step must be whole numbers, but got {low!r}, {high!r}, {step!r}")
    elif not low <= high or step < 1:
        wrong.append(f"low must be at most high and step at least 1, but got low={low}, high={high}, step={step}")
    elif log and (low < 1 or step != 1):
        wrong.append(f"log=True needs low of at least 1 and step=1, but got low={low}, step={step}")
    elif default is not None and (not low <= default <= high or (default - low) % step):
        wrong.append(f"default must be low + n * step and at most high, but got {default!r}")
    if wrong:
        raise InvalidSpace(f"integer({low!r}, {high!r}): {wrong[0]}.")
    return Integer(low, high, step, log, _label(label), default)


def real(low: float, high: float, *, log: bool = False, label: str | None = None, default: float | None = None) -> Real:
    """A real number from `low` to `high`.

    Values carry six significant digits, so that texts and files show what was really used.

    Args:
        low, high: the range.
        log: draw log-uniformly (needs `low` above 0): right for learning rates and the like.
        label: the decision's name.
        default: what `space.default()` takes; the middle (of the logarithms if `log`) if not given.

    Example:
        >>> real(1e-4, 1e-1, log=True)
        real(0.0001, 0.1)
    """
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (low, high))
    if not numbers or not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InvalidSpace(f"real({low!r}, {high!r}): low must be below high and both finite numbers.")
    if f"{low:.6g}" == f"{high:.6g}":
        raise InvalidSpace(f"real({low!r}, {high!r}): low and high must differ in their first six digits.")
    if log and low <= 0:
        raise InvalidSpace(f"real({low!r}, {high!r}, log=True): low must be above 0 for log=True.")
    if default is not None and not low <= default <= high:
        raise InvalidSpace(f"real({low!r}, {high!r}): default must be inside the range, but got {default!r}.")
    return Real(float(low), float(high), log, _label(label), None if default is None else float(default))


def subset(options: Sequence[Any] | Mapping[str, Any], k: int, *, label: str | None = None) -> Subset:
    """`k` different options out of several, in their order: an input choice, for example. Its value is a list.

    Example:
        >>> subset(["height", "width", "weight"], k=2)
        subset(['height', 'width', 'weight'], k=2)
    """
    keys, values = _named(options, "subset")
    if not isinstance(k, int) or not 0 <= k <= len(keys):
        raise InvalidSpace(f"`k` of a subset must be in 0..{len(keys)} (the number of options), but got {k!r}.")
    if math.comb(len(keys), k) > _MOST_SUBSETS:
        raise InvalidSpace(f"a subset of {k} out of {len(keys)} has more than 2**53 values: split it into several.")
    return Subset(tuple(values), tuple(keys), k, _label(label))


def repeat(
    block: Callable[[int], Any] | Any,
    minimum: int,
    maximum: int,
    *,
    label: str | None = None,
    default: int | None = None,
) -> Repeat:
    """`minimum` to `maximum` blocks one after the other: variable depth.

    Args:
        block: a function from the block's index (0, 1, …) to the block, called now, once for each index;
            or one node that is repeated, with its own decisions in each repetition.
        minimum, maximum: the range of the depth.
        label: the name of the depth's decision.
        default: the depth that `space.default()` takes; the middle, rounded up, if not given.

    Example:
        >>> from netwright import nn
        >>> repeat(lambda i: nn.LazyLinear(choice([8, 16])), 1, 3)
        repeat(LazyLinear(choice([8, 16])), 1, 3)
    """
    whole = isinstance(minimum, int) and isinstance(maximum, int)
    if not whole or not 0 <= minimum <= maximum or maximum < 1:
        raise InvalidSpace(f"repeat() needs 0 <= minimum <= maximum and maximum >= 1, but got {minimum}, {maximum}.")
    if default is not None and not minimum <= default <= maximum:
        raise InvalidSpace(f"`default` of repeat must be in {minimum}..{maximum}, but got {default!r}.")
    if is_torch_module(block):
        raise InvalidSpace(
            "repeat() needs a function or a node, but got a torch module: write "
            f"netwright.nn.{type(block).__name__}(...), or defer(MyModule, ...) for a class of yours."
        )
    scoped = isinstance(block, Node) or not callable(block)
    blocks = tuple(block if scoped else block(i) for i in range(maximum))
    return Repeat(blocks, minimum, _label(label), default, scoped)


def defer(target: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Call:
    """A call of your own class or function that is made when an arch is built.

    A required `in_channels`, `in_features`, `num_features` or `input_size` that you leave out is filled in from what
    reaches the module.

    Example:
        >>> class Block: ...
        >>> defer(Block, 64, kernel_size=choice([3, 5]))
        Block(64, kernel_size=choice([3, 5]))
    """
    if is_torch_module(target):
        name = type(target).__name__
        raise InvalidSpace(f"defer() needs the class {name}, not a module made of it: defer({name}, ...).")
    if not callable(target):
        raise InvalidSpace(f"defer() needs a class or a function first, but got {type(target).__name__}.")
    return Call(target, args, kwargs)


def derive(function: Callable[..., Any], *operands: Any) -> Expression:
    """A value computed from other nodes' values by your own function.

    Example:
        >>> width = choice([16, 32])
        >>> derive(max, width, 24)
        max(choice([16, 32]), 24)
    """
    if not callable(function):
        raise InvalidSpace(f"derive() needs a function first, but got {type(function).__name__}.")
    return Expression(function, operands)


_EXHAUSTED = Placeholder("recursion")


def recurse(rule: Callable[[Callable[[], Any]], Any], depth: int) -> Any:
    """A space that contains itself, to a depth: hierarchical and grammar spaces.

    Args:
        rule: a function from `again` to the space; each `again()` stands for the same space, one level deeper.
            At the last level, the options of a choice that call `again()` are dropped.
        depth: how many levels, at least 1.

    Example:
        >>> from netwright import nn
        >>> recurse(lambda again: choice([nn.ReLU(), nn.Sequential(again(), again())]), depth=2)
        choice(['ReLU', 'Sequential'])
    """
    if not isinstance(depth, int) or depth < 1:
        raise InvalidSpace(f"`depth` of recurse must be at least 1, but got {depth!r}.")
    result = rule(lambda: _EXHAUSTED if depth == 1 else recurse(rule, depth - 1))
    if _exhausted(result):
        raise InvalidSpace("the rule of recurse() calls itself outside of a choice, so it never ends: put it in one.")
    return result


def cell(
    operations: Sequence[Any] | Mapping[str, Any] | Callable[[int, int], Sequence[Any] | Mapping[str, Any]],
    n_nodes: int,
    *,
    n_inputs: int | None = None,
    output: str = "last",
    inputs: Sequence[Any] | None = None,
    stride: int = 1,
    label: str | None = None,
) -> Call:
    """A cell: nodes in a row, an operation chosen on each edge from an earlier to a later node, sums at the nodes.

    Node 0 is the cell's input. With equal labels several cells share their decisions, as in cell-based spaces.
    `layers.CellStack` calls cells of two inputs one after the other.

    Args:
        operations: what an edge can hold; None as an option is no edge at all. A function gets (source, target).
        n_nodes: the number of nodes, the inputs included.
        n_inputs: how many edges enter each node; None: one from every earlier node.
        output: the cell's output: `last` node, or along the channels the `concat` of all nodes but the inputs, or of
            those of them that are `unused` by others.
        inputs: for a cell of several inputs: a module for each that it passes first. They are the first nodes.
        stride: of the operations on edges from the inputs, where it isn't 1: needed for nodes without edges.
        label: names the decisions `label.1<-0` and so on.

    Example:
        >>> from netwright import nn
        >>> cell({"skip": nn.Identity(), "none": None}, 3, label="cell").name
        'Cell'
    """
    if not isinstance(n_nodes, int) or n_nodes < 2:
        raise InvalidSpace(f"`n_nodes` of a cell must be at least 2 (the input is one), but got {n_nodes!r}.")
    first = 1 if inputs is None else len(inputs)
    if not 1 <= first < n_nodes:
        raise InvalidSpace(f"a cell needs at least one input and more nodes than inputs, but got {first} of {n_nodes}.")
    if output not in ("last", "concat", "unused"):
        raise InvalidSpace(f"`output` of a cell must be 'last', 'concat' or 'unused', but got {output!r}.")
    if n_inputs is not None and not (isinstance(n_inputs, int) and n_inputs >= 1):
        raise InvalidSpace(f"`n_inputs` of a cell must be at least 1, but got {n_inputs!r}.")
    edges: list[Any] = []
    for target in range(first, n_nodes):
        entering: dict[str, Any] = {}
        for source in range(target):
            options = operations(source, target) if callable(operations) else operations
            name = None if label is None else f"{label}.{target}<-{source}"
            entering[f"{target}<-{source}"] = (source, target, choice(options, label=name))
        if n_inputs is None or n_inputs >= len(entering):
            edges.extend(entering.values())
        else:
            name = None if label is None else f"{label}.{target}<-"
            edges.append(subset(entering, n_inputs, label=name))
    several: dict[str, Any] = {} if inputs is None else {"inputs": list(inputs)}
    if stride != 1:
        several["stride"] = stride
    return Call("netwright.models.layers:Cell", (n_nodes, edges), {"output": output, **several})


def _label(label: str | None) -> str | None:
    if label is not None and (not isinstance(label, str) or not label.strip()):
        raise InvalidSpace(f"a label must be a text that isn't empty, but got {label!r}.")
    return label


def _exhausted(value: Any) -> bool:
    """Whether a tree can't do without the end of a recursion (choices have dropped such options already)."""
    return value is _EXHAUSTED or any(_exhausted(child) for child in children(value))


def _named(options: Sequence[Any] | Mapping[str, Any], what: str) -> tuple[list[Decided], list[Any]]:
    if isinstance(options, Mapping):
        keys: list[Decided] = list(options)
        values = list(options.values())
        if not all(isinstance(key, (str, int, float, bool)) for key in keys):
            raise InvalidSpace(f"the names of the options of a {what} must be texts or numbers, but got {keys}.")
    elif isinstance(options, (str, bytes)) or not isinstance(options, Sequence):
        raise InvalidSpace(f"a {what} needs a list or a mapping of options, but got {options!r}.")
    else:
        values = [option.item() if isinstance(option, np.generic) else option for option in options]
        keys = _keys(values)
    if not values:
        raise InvalidSpace(f"a {what} needs at least one option, but got none.")
    twice = [key for i, key in enumerate(keys) if key in keys[:i]]
    if twice:
        raise InvalidSpace(
            f"the options of a {what} must differ, but {twice[0]!r} comes twice (1, 1.0 and True count as equal)."
        )
    return keys, values


def _keys(values: list[Any]) -> list[Decided]:
    """What an arch says for each option: the value itself where JSON has it, else the shortest name that differs."""
    short = [_short(value) for value in values]
    keys: list[Decided] = []
    for value, name in zip(values, short, strict=True):
        if value is None or isinstance(value, (str, int, float, bool)):
            if isinstance(value, float) and not math.isfinite(value):
                raise InvalidSpace(f"an option must be a finite number, but got {value!r}.")
            keys.append(value)
        elif short.count(name) == 1 and name not in values:
            keys.append(name)
        else:
            keys.append(repr(value))
    for i, key in enumerate(keys):  # equal even in full: number them
        if not isinstance(values[i], (str, int, float, bool, type(None))) and keys.count(key) > 1:
            same = [j for j in range(len(keys)) if keys[j] == key]
            for number, j in enumerate(same):
                keys[j] = f"{key}#{number}"
    return keys


def _short(value: Any) -> str:
    if isinstance(value, (Call, Deferred)):
        return value.name
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, (Choice, Integer, Real, Subset, Repeat)) and value.label:
        return value.label
    if isinstance(value, Node):
        return type(value).__name__.lower()
    return getattr(value, "__name__", None) or repr(value)
