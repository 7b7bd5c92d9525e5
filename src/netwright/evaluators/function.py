"""`Function`: any function of an arch as an evaluator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from netwright.core import Arch, Candidate, Context
from netwright.core.errors import EvaluationError, InvalidInput

__all__ = ["Function"]


@dataclass(frozen=True, slots=True)
class Function:
    """Calls a user's function with the arch; it returns one number, or numbers by name.

    Attributes:
        function: from an arch to a number or a mapping of metrics; it may raise: that is a failed record.
        metric: what a single number is called.

    Example:
        >>> Function(lambda arch: arch["x"] ** 2)(Candidate(0, Arch({"x": 3})), Context())
        {'loss': 9.0}
    """

    function: Callable[[Arch], float | Mapping[str, float]]
    metric: str = "loss"

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise InvalidInput(f"`function` must be callable with an arch, but got a {type(self.function).__name__}.")

    def __call__(self, candidate: Candidate, context: Context) -> Mapping[str, float]:
        """What the function returns for the candidate's arch.

        Raises:
            EvaluationError: if that is neither a number nor a mapping.
        """
        value: Any = self.function(candidate.arch)
        if isinstance(value, Mapping):
            return value
        try:
            return {self.metric: float(value)}
        except (TypeError, ValueError):
            told = f"{value!r:.100} (a {type(value).__name__})"
            raise EvaluationError(f"the function must return a number, or numbers by name, but gave {told}.") from None
