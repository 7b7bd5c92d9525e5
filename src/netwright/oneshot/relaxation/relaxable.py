"""Which spaces can be relaxed: those whose every choice is among modules, edges that enter a cell's node, or depths.

Choices of the training don't count: they stay at their defaults. Needs no torch: a method says what it can't do when it
is made, before anything is trained.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from netwright.core.errors import InvalidSpace, problems
from netwright.spaces import Space
from netwright.spaces.decisions import decisions_of
from netwright.spaces.nodes import Call, Choice, Integer, Real, Repeat, Subset, children

__all__ = ["check_relaxable", "is_identity", "makes_module"]

_NAMED = 3  # choices of a kind that are named


def check_relaxable(space: Any, method: str) -> None:
    """Check that every choice of a space can become a mixture.

    Example:
        >>> from netwright import nn, choice, integer
        >>> check_relaxable(Space(nn.Sequential(choice([nn.ReLU(), nn.SiLU()]))), "darts")
        >>> check_relaxable(Space(nn.Sequential(nn.LazyLinear(integer(8, 16, label="width")))), "darts")
        Traceback (most recent call last):
        netwright.core.errors.InvalidSpace: `darts` needs every choice to be a module choice; `width` is a number: ...

    Args:
        space: what is to be searched.
        method: who needs it, for the message.

    Raises:
        InvalidSpace: naming the choices that can't be relaxed: the first three of a kind, and how many more.
    """
    if not isinstance(space, Space):
        raise InvalidSpace(
            f"`{method}` trains a network that mixes the options of a space's choices, but a {type(space).__name__} "
            "has no tree of choices: use `regularized-evolution`."
        )
    if not decisions_of(space.tree):
        raise InvalidSpace(f"`{method}` needs a choice in the network, but {space.name!r} has none: use `random`.")
    found = _shortened(dict.fromkeys(_refused(space.tree)))
    if found:
        raise InvalidSpace(problems(f"`{method}` needs every choice to be a module choice", found).replace(":", ";", 1))


def makes_module(node: Any) -> bool:
    """Whether a node's value is a module (or, for an option, nothing) in every arch."""
    if isinstance(node, Call):
        return not isinstance(node.target, type) or _is_module_class(node.target)
    if isinstance(node, Choice):
        return all(option is None or makes_module(option) for option in node.options)
    return isinstance(node, Repeat) and all(makes_module(block) for block in node.blocks)


def is_identity(option: Any) -> bool:
    """Whether an option passes on what it gets."""
    return isinstance(option, Call) and option.name == "Identity"


def _shortened(found: Iterable[tuple[str, str]]) -> list[str]:
    """What is wrong with the first choices of each kind, and with how many more."""
    kinds: dict[str, list[str]] = {}
    for said, advice in found:
        kinds.setdefault(advice, []).append(said)
    told: list[str] = []
    for advice, all_said in kinds.items():
        told += [f"{said}: {advice}" for said in all_said[:_NAMED]]
        if len(all_said) > _NAMED:
            told.append(f"and {len(all_said) - _NAMED} more like these: {advice}")
    return told


def _refused(node: Any) -> Iterator[tuple[str, str]]:
    """What is wrong, and what to do."""
    if isinstance(node, (Integer, Real)):
        yield f"`{node.label}` is a number", "use `ofa`, or make it a module choice."
    elif isinstance(node, Choice) and not makes_module(node):
        options = ", ".join(map(str, node.keys[:4])) + (", …" if len(node.keys) > 4 else "")
        if not any(isinstance(part, Call) for option in node.options for part in _all_parts(option)):
            yield f"`{node.label}` chooses among values ({options})", "use `ofa`, or make it a module choice."
        else:
            yield f"`{node.label}` has options that are no modules ({options})", "make each one a module."
    elif isinstance(node, Subset) and not all(isinstance(option, (list, tuple)) for option in node.options):
        yield f"`{node.label}` picks {node.k} of {len(node.keys)}, which only the edges of a cell can be", "use `spos`."
    elif isinstance(node, Repeat) and not makes_module(node) and node.minimum < len(node.blocks):
        yield f"`{node.label}` repeats what are no modules", "use `regularized-evolution`."
    elif isinstance(node, Call) and node.kwargs.get("output") == "unused" and decisions_of(node):
        yield f"`{node.name}` puts out the nodes that no other takes, and in a mixture all are taken", "use `spos`."
    for part in children(node):
        yield from _refused(part)


def _all_parts(node: Any) -> Iterator[Any]:
    yield node
    for part in children(node):
        yield from _all_parts(part)


def _is_module_class(target: type) -> bool:
    return any(c.__name__ == "Module" and c.__module__.startswith("torch.nn") for c in target.__mro__)
