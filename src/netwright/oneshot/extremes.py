"""The largest and the smallest arch of a space, and what each decision is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

from netwright.core import Arch
from netwright.core.errors import InvalidSpace, NetwrightError
from netwright.spaces import Space
from netwright.spaces.domains import Domain
from netwright.spaces.nodes import Choice, Integer, Real, Repeat, Subset, children

__all__ = ["Costs", "Kind", "check_elastic", "extreme", "kinds_of"]

Costs: TypeAlias = Callable[[Arch], Mapping[str, float]]
"""From an arch to its cheap metrics, `flops` and `params` among them, such as `evaluators.ModelCost`."""

Kind: TypeAlias = Literal["kernel", "depth", "width", "operation"]
"""What a decision is about: a number that is a kernel's, a depth, or any other size; or which operation there is."""

_MOST_VALUES = 16  # of one decision that are tried
_ROUNDS = 2  # over all decisions: what one activates is looked at in the next


def extreme(space: Space, costs: Costs | None, *, largest: bool) -> Arch:
    """The arch that costs most, or least, decision by decision; what makes no difference stays as in the default.

    Args:
        space: whose arches.
        costs: of an arch: FLOPs first, then parameters. None: numbers are compared as they are, larger costs more.
        largest: or the smallest.

    Example:
        >>> from netwright import choice, nn
        >>> space = Space(nn.Sequential(nn.LazyLinear(choice([4, 16, 8], label="width")), nn.ReLU()))
        >>> extreme(space, None, largest=True)["width"], extreme(space, None, largest=False)["width"]
        (16, 4)
    """
    sign = 1.0 if largest else -1.0
    costs = None if costs is None else _Known(costs)
    arch = space.default()
    for _ in range(_ROUNDS):
        before = arch
        for decision in space.decisions:
            if decision.name not in arch or decision.domain.count <= 1:
                continue
            best, highest = arch, _size(arch, costs, decision.name)
            for value in _values(decision.domain):
                other = space.with_decision(arch, decision.name, value)
                if value == arch[decision.name] or not space.allowed(other):
                    continue
                size = _size(other, costs, decision.name)
                if size is not None and (
                    highest is None or tuple(sign * s for s in size) > tuple(sign * s for s in highest)
                ):
                    best, highest = other, size
            arch = best
        if arch == before:
            break
    return arch


class _Known:
    """Costs that are computed once for each arch."""

    def __init__(self, costs: Costs) -> None:
        self.costs = costs
        self.known: dict[Arch, Mapping[str, float]] = {}

    def __call__(self, arch: Arch) -> Mapping[str, float]:
        if arch not in self.known:
            self.known[arch] = self.costs(arch)
        return self.known[arch]


def _size(arch: Arch, costs: Costs | None, name: str) -> tuple[float, ...] | None:
    """What an arch costs, to be compared; None where it can't be built."""
    if costs is None:
        value = arch[name]
        return (float(value),) if isinstance(value, (int, float)) and not isinstance(value, bool) else (0.0,)
    try:
        found = costs(arch)
    except NetwrightError:
        return None
    return found["flops"], found["params"]


def _values(domain: Domain) -> list[Any]:
    """All values of a decision, or the ends and the middle of a long range."""
    values = list(domain.grid(3))
    return values if len(values) <= _MOST_VALUES else [values[0], values[len(values) // 2], values[-1]]


def kinds_of(space: Space) -> dict[str, Kind]:
    """What each decision of the model is about, by where it stands in the tree.

    A depth is a `repeat`'s; a kernel is a number that goes to an argument with `kernel` in its name, or is labelled so;
    other numbers are widths. Whatever chooses between modules, texts or truth values is an operation.

    Example:
        >>> from netwright import choice, nn, repeat
        >>> block = nn.Sequential(nn.LazyConv2d(choice([8, 16]), choice([3, 5])), choice([nn.ReLU(), nn.SiLU()]))
        >>> sorted(set(kinds_of(Space(repeat(block, 1, 2))).values()))
        ['depth', 'kernel', 'operation', 'width']
    """
    found: dict[str, Kind] = {}
    for node in _choices(space.tree):
        name = str(node.label)
        if isinstance(node, Repeat):
            found[name] = "depth"
        elif isinstance(node, Subset) or (isinstance(node, Choice) and not all(map(_is_number, node.options))):
            found[name] = "operation"  # at one place at least
        else:
            found.setdefault(name, "kernel" if "kernel" in name.lower() else "width")
    return found


def _choices(node: Any) -> Iterator[Choice | Integer | Real | Subset | Repeat]:
    if isinstance(node, (Choice, Integer, Real, Subset, Repeat)):
        yield node
    for child in children(node):
        yield from _choices(child)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def check_elastic(method: str, space: Space) -> None:
    """Whether a space has something that can be made larger or smaller.

    Raises:
        InvalidSpace: if all of its decisions choose between operations.
    """
    if all(kind == "operation" for kind in kinds_of(space).values()):
        raise InvalidSpace(
            f"`{method}` shrinks a network's numbers (kernel, depth, width), but every decision of {space.name!r} "
            "chooses between operations: use 'spos' or 'fairnas' there, or make a width, a kernel or a depth a choice."
        )
