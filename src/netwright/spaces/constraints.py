"""What has to hold across decisions: comparisons of nodes, and functions of an arch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from netwright.core.arch import Arch, Decided
from netwright.core.errors import InvalidSpace, unknown
from netwright.spaces.nodes import COMPARISONS, Expression, Node
from netwright.spaces.resolve import resolve

__all__ = ["Constraints", "constraint_list"]


def constraint_list(given: Any) -> tuple[Expression | Callable[[Arch], bool], ...]:
    """The constraints of a space as a tuple; one alone needs no list.

    Raises:
        InvalidSpace: if one of them can't be a constraint.
    """
    alone = isinstance(given, Node) or callable(given) or not isinstance(given, Sequence)
    items = (given,) if alone else tuple(given)
    for item in items:
        if isinstance(item, Expression) and (callable(item.function) or item.function in COMPARISONS):
            continue
        if isinstance(item, Node) or not callable(item):
            hint = " (== and != of nodes are decided by Python at once: write a function of the arch)"
            raise InvalidSpace(
                "a constraint must be a comparison of nodes by <=, <, >= or >, or a function from an arch to True or "
                f"False, but got {item!r}{hint if isinstance(item, bool) else ''}."
            )
    return items


@dataclass(frozen=True, slots=True)
class Constraints:
    """All constraints of a space.

    A constraint that speaks of a decision which doesn't count in an arch holds for that arch.

    Attributes:
        comparisons: of labelled nodes.
        functions: from an arch to whether it is allowed.
        names: of all decisions of the space.
    """

    comparisons: tuple[Expression, ...]
    functions: tuple[Callable[[Arch], bool], ...]
    names: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.comparisons or self.functions)

    def hold(self, arch: Arch) -> bool:
        """Whether every one holds."""
        return next(self.broken(arch), None) is None

    def broken(self, arch: Arch) -> Iterator[str]:
        """A sentence for each that doesn't hold."""
        for comparison in self.comparisons:
            try:
                holds = resolve(comparison, arch, {})
            except KeyError:
                continue
            if not holds:
                yield f"the constraint {comparison!r} doesn't hold."
        for function in self.functions:
            if not self._holds(function, arch):
                yield f"the constraint {_name(function)!r} doesn't hold."

    def _holds(self, function: Callable[[Arch], bool], arch: Arch) -> bool:
        try:
            return bool(function(arch))
        except KeyError as error:
            asked = self._asked_in_vain(function, arch)
            if asked in self.names:
                return True  # the decision doesn't count in this arch
            if asked is not None:
                text = str(unknown("decision", asked, self.names))
                raise InvalidSpace(f"the constraint {_name(function)!r} asks for an {text}") from None
            raise InvalidSpace(f"the constraint {_name(function)!r} fails for {arch}: KeyError: {error}.") from error
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise InvalidSpace(f"the constraint {_name(function)!r} fails for {arch}: {reason}.") from error

    def _asked_in_vain(self, function: Callable[[Arch], bool], arch: Arch) -> str | None:
        """The decision that a function looks up and the arch hasn't, if that is why it fails."""
        watched = _Watched(arch)
        try:
            function(watched)
        except KeyError:
            return watched.missing
        return None


class _Watched(Arch):
    """An arch that remembers which decision was looked up in vain."""

    __slots__ = ("missing",)

    def __init__(self, arch: Arch) -> None:
        super().__init__(arch)
        self.missing: str | None = None

    def __getitem__(self, name: str) -> Decided:
        self.missing = None if name in self else name
        return super().__getitem__(name)


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", None) or repr(function)
