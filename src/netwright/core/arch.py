"""`Arch`: the decisions taken in a search space, immutable and hashable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from netwright.core.errors import InvalidSpace

__all__ = ["Arch", "Decided"]

Decided: TypeAlias = "str | int | float | bool | tuple[str | int | float | bool | None, ...] | None"
"""What a decision can be: a JSON scalar, or a tuple of them for a subset."""


class Arch(Mapping[str, Decided]):
    """The decisions that pick one point of a space: decision name → what was decided.

    Only the active decisions are in it: a width inside a block that was not chosen is absent.
    Two arches are equal when their decisions are. The hash is computed once.

    Example:
        >>> arch = Arch({"depth": 2, "act": "ReLU"})
        >>> arch["depth"], len(arch), arch == Arch({"act": "ReLU", "depth": 2})
        (2, 2, True)
        >>> Arch.from_json(arch.to_json()) == arch
        True
    """

    __slots__ = ("_decisions", "_hash")

    def __init__(self, decisions: Mapping[str, Decided]) -> None:
        self._decisions = dict(decisions)
        self._hash: int | None = None

    def __getitem__(self, name: str) -> Decided:
        try:
            return self._decisions[name]
        except KeyError:
            raise KeyError(
                f"{name!r} is not an active decision of this arch; it has: {', '.join(self._decisions) or 'none'}"
            ) from None

    def get(self, name: str, default: Any = None) -> Any:
        """What was decided, or `default` where the decision is not active."""
        return self._decisions.get(name, default)

    def __contains__(self, name: object) -> bool:
        return name in self._decisions

    def __iter__(self) -> Iterator[str]:
        return iter(self._decisions)

    def __len__(self) -> int:
        return len(self._decisions)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Arch):
            return self._decisions == other._decisions
        return NotImplemented

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self._decisions.items()))
        return self._hash

    def __repr__(self) -> str:
        return f"Arch({self._decisions!r})"

    def __reduce__(self) -> tuple[type[Arch], tuple[dict[str, Decided]]]:
        return Arch, (self._decisions,)  # the hash of a string differs from process to process

    def replace(self, **changes: Decided) -> Arch:
        """A copy with some decisions changed; `space.validate` says whether it is still legal."""
        return Arch({**self._decisions, **changes})

    def to_json(self) -> str:
        """The canonical JSON text: sorted names, no spaces. A real survives the round trip exactly."""
        return json.dumps(self._decisions, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Arch:
        """The arch that `to_json` wrote.

        Raises:
            InvalidSpace: if the text is not a JSON object of decisions.
        """
        try:
            data = json.loads(text)
        except ValueError as error:
            raise InvalidSpace(f"an arch must be a JSON object, but it can't be parsed: {error}") from error
        if not isinstance(data, dict):
            raise InvalidSpace(
                f"an arch must be a JSON object of decisions, but got {type(data).__name__}: {text[:80]}"
            )
        decisions = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
        for name, value in decisions.items():
            if any(isinstance(part, (dict, list)) for part in (value if isinstance(value, tuple) else [value])):
                raise InvalidSpace(f"a decision must be a JSON scalar or a list of them, but {name!r} is {value!r}.")
        return cls(decisions)

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that name this arch in files: the same on every machine."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:12]
