"""`Objective` and `Constraint`: what is wanted of the metrics that an evaluator returns."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from netwright.core.errors import InvalidInput, problems
from netwright.core.quantity import count_text, parse_count

__all__ = ["Constraint", "Objective", "constraints_from", "objectives_from"]

_MAXIMISED = frozenset(
    ["accuracy", "balanced_accuracy", "auc", "f1", "r2", "precision", "recall", "iou", "score", "reward", "bleu", "map"]
)


@dataclass(frozen=True, slots=True)
class Objective:
    """A metric and the direction in which it is better.

    Example:
        >>> Objective("accuracy", "max").loss({"accuracy": 0.9})
        -0.9
        >>> Objective.parse("min:params"), Objective.parse("accuracy").direction
        (Objective(metric='params', direction='min'), 'max')
    """

    metric: str
    direction: Literal["min", "max"] = "min"

    def __post_init__(self) -> None:
        if self.direction not in ("min", "max"):
            raise InvalidInput(f"`direction` of an objective must be 'min' or 'max', but got {self.direction!r}.")
        if not self.metric or not isinstance(self.metric, str):
            raise InvalidInput(f"`metric` of an objective must be a name, but got {self.metric!r}.")

    def loss(self, metrics: Mapping[str, float]) -> float:
        """The metric as a number to minimise: flipped here, once, if it is maximised."""
        value = metrics[self.metric]
        return -value if self.direction == "max" else value

    def value(self, loss: float) -> float:
        """The metric's own value for a loss of this objective."""
        return -loss if self.direction == "max" else loss

    @classmethod
    def parse(cls, text: str) -> Objective:
        """From `accuracy`, `max:accuracy`, `min:params` or `accuracy:max`.

        A bare name takes the direction that is usual for it: accuracies, scores and the like are maximised
        (a prefix such as `val_` or `test_` doesn't count), everything else is minimised.
        """
        first, colon, second = (part.strip() for part in text.partition(":"))
        if not colon:
            bare = re.sub(r"^(val|test|train)_", "", first.lower())
            return cls(first, "max" if bare in _MAXIMISED else "min")
        if first in ("min", "max"):
            return cls(second, first)  # type: ignore[arg-type]  # checked on this line
        if second in ("min", "max"):
            return cls(first, second)  # type: ignore[arg-type]  # checked on this line
        raise InvalidInput(f"an objective must look like accuracy, max:accuracy or min:params, but got {text!r}.")

    def __str__(self) -> str:
        return f"{self.direction}:{self.metric}"


@dataclass(frozen=True, slots=True)
class Constraint:
    """An upper or lower limit of a metric.

    Example:
        >>> limit = Constraint.parse("params<=100k")
        >>> limit, limit.violation({"params": 150_000})
        (Constraint(metric='params', limit=100000.0, sense='<='), 0.5)
    """

    metric: str
    limit: float
    sense: Literal["<=", ">="] = "<="

    def __post_init__(self) -> None:
        if self.sense not in ("<=", ">="):
            raise InvalidInput(f"`sense` of a constraint must be '<=' or '>=', but got {self.sense!r}.")
        if not self.limit == self.limit or abs(self.limit) == float("inf"):
            raise InvalidInput(f"the limit of a constraint must be a finite number, but got {self.limit!r}.")

    def violation(self, metrics: Mapping[str, float]) -> float:
        """By how much the limit is broken, relative to it; 0 where it holds; infinite for NaN."""
        excess = metrics[self.metric] - self.limit
        if self.sense == ">=":
            excess = -excess
        if math.isnan(excess):
            return math.inf
        return max(0.0, excess) / (abs(self.limit) or 1.0)

    @classmethod
    def parse(cls, text: str) -> Constraint:
        """From a text such as `params<=100k` or `accuracy >= 0.9`."""
        pattern = r"\s*([A-Za-z_][\w.]*)\s*(<=|>=)\s*(\S+)\s*"
        match = re.fullmatch(pattern, text) if isinstance(text, str) else None
        if match is None:
            raise InvalidInput(f"a constraint must look like params<=100k or accuracy>=0.9, but got {text!r}.")
        return cls(match[1], parse_count(match[3]), match[2])  # type: ignore[arg-type]  # one of two, by the pattern

    def __str__(self) -> str:
        return f"{self.metric}{self.sense}{count_text(self.limit)}"


def objectives_from(given: str | Objective | Sequence[str | Objective]) -> tuple[Objective, ...]:
    """Objectives from whatever a user wrote: one or several, as texts or objects.

    Example:
        >>> [str(objective) for objective in objectives_from("accuracy, min:params")]
        ['max:accuracy', 'min:params']
    """
    items = _items(given)
    wrong = [item for item in items if not isinstance(item, (str, Objective))]
    if wrong:
        raise InvalidInput(f"an objective must be a text such as 'accuracy' or an Objective, but got {wrong[0]!r}.")
    found = tuple(item if isinstance(item, Objective) else Objective.parse(item) for item in items)
    names = [objective.metric for objective in found]
    if not found or len(set(names)) != len(names):
        raise InvalidInput(f"`objectives` must be one or more different metrics, but got {names}.")
    return found


def constraints_from(given: str | Constraint | Sequence[str | Constraint] | None) -> tuple[Constraint, ...]:
    """Constraints from whatever a user wrote; all bad ones are named at once. They must not exclude each other."""
    if given is None:
        return ()
    found, wrong = [], []
    for item in _items(given):
        try:
            found.append(item if isinstance(item, Constraint) else Constraint.parse(item))
        except InvalidInput as error:
            wrong.append(str(error))
    if wrong:
        raise InvalidInput(problems("`constraints` can't be read", wrong))
    for least, most in ((one, other) for one in found for other in found):
        if (least.metric, least.sense, most.sense) == (most.metric, ">=", "<=") and least.limit > most.limit:
            raise InvalidInput(f"`constraints` exclude each other: {least} and {most} can't both hold; leave one out.")
    return tuple(found)


def _items(given: Any) -> list[Any]:
    """What a user wrote, as a list: one object, a text with commas, or several of either."""
    if isinstance(given, str):
        return given.split(",")
    return list(given) if isinstance(given, Iterable) else [given]
