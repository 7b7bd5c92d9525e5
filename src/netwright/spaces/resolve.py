"""From a labelled tree and an arch to plain calls and values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netwright.core.arch import Arch
from netwright.core.errors import InvalidSpace
from netwright.spaces.nodes import Call, Choice, Expression, Integer, Placeholder, Real, Repeat, Subset

__all__ = ["makes_calls", "resolve"]


def resolve(node: Any, arch: Arch, placeholders: Mapping[str, Any]) -> Any:
    """The tree with every choice replaced by what the arch says.

    Args:
        node: a labelled tree.
        arch: the decisions.
        placeholders: values for `n_outputs` and the like.

    Returns:
        The same kind of tree, of new `Call` objects and plain values only. A repeat becomes a `Sequential` call.

    Raises:
        KeyError: if a decision that counts is not in the arch.
        InvalidSpace: if a placeholder has no value, or an expression can't be computed.
    """
    if isinstance(node, Call):
        args = tuple(resolve(arg, arch, placeholders) for arg in node.args)
        return Call(node.target, args, {k: resolve(v, arch, placeholders) for k, v in node.kwargs.items()})
    if isinstance(node, (list, tuple)):
        return type(node)(resolve(item, arch, placeholders) for item in node)
    if isinstance(node, dict):
        return {key: resolve(value, arch, placeholders) for key, value in node.items()}
    if isinstance(node, Choice):
        return resolve(node.options[_index(node, arch)], arch, placeholders)
    if isinstance(node, (Integer, Real)):
        return arch[str(node.label)]
    if isinstance(node, Subset):
        chosen = arch[str(node.label)]
        if not isinstance(chosen, tuple):
            raise InvalidSpace(f"{node.label!r} must be {node.k} of {list(node.keys)}, but is {chosen!r}.")
        return [resolve(node.options[node.keys.index(key)], arch, placeholders) for key in chosen]
    if isinstance(node, Repeat):
        depth = arch[str(node.label)]
        if not isinstance(depth, int) or not node.minimum <= depth <= len(node.blocks):
            raise InvalidSpace(f"{node.label!r} must be in {node.minimum}..{len(node.blocks)}, but is {depth!r}.")
        blocks = [resolve(block, arch, placeholders) for block in node.blocks[:depth]]
        if not any(map(makes_calls, node.blocks)):
            return blocks  # of numbers, texts, …
        return Call("torch.nn:Sequential", tuple(block for block in blocks if block is not None))
    if isinstance(node, Expression):
        values = [resolve(operand, arch, placeholders) for operand in node.operands]
        try:
            return node.compute(values)
        except Exception as error:
            raise InvalidSpace(f"{node!r} can't be computed for {values}: {error}") from error
    if isinstance(node, Placeholder):
        if node.name not in placeholders:
            raise InvalidSpace(f"{node.name!r} isn't known here: pass {node.name}=… .")
        return placeholders[node.name]
    return node


def makes_calls(node: Any) -> bool:
    """Whether a block of a repeat is a module, in some arches at least."""
    if isinstance(node, Choice):
        return any(map(makes_calls, node.options))
    return isinstance(node, Call) or (isinstance(node, Repeat) and any(map(makes_calls, node.blocks)))


def _index(node: Choice, arch: Arch) -> int:
    key = arch[str(node.label)]
    try:
        return node.keys.index(key)
    except ValueError:
        raise InvalidSpace(f"{node.label!r} must be one of {list(node.keys)}, but is {key!r}.") from None
