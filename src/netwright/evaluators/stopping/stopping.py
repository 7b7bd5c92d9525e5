"""`Stopping`: a rule as a policy of the training evaluator, with a share of its decisions checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netwright.core import Objective
from netwright.core.curves import Curves
from netwright.core.errors import InvalidInput
from netwright.core.registry import stopping
from netwright.evaluators.stopping.rule import RunningCurve, StoppingRule

__all__ = ["Stopping", "stopping_from"]

_CHECK_STREAM = 0x5709  # apart from whatever else is drawn from a candidate's seed


@dataclass(frozen=True, slots=True)
class Stopping:
    """When to stop a candidate's training, by which metric, and how many of the decisions to check.

    A checked candidate is trained to its end although the rule would have stopped it. So a run tells how often its
    rule was right; see the report. Which candidates are checked depends on their seeds alone.

    Attributes:
        rule: decides after each epoch.
        metric: of the validation part, that the rule goes by; the task's own if not given.
        checked: the share of stopped candidates that are trained to the end all the same.

    Example:
        >>> from netwright.evaluators.stopping import MedianRule
        >>> Stopping(MedianRule(), checked=0.0).checks(seed=3)
        False
    """

    rule: StoppingRule
    metric: str | None = None
    checked: float = 0.1

    def __post_init__(self) -> None:
        if not isinstance(self.rule, StoppingRule) or isinstance(self.rule, type):
            raise InvalidInput(
                f"`rule` of Stopping must be a stopping rule such as MedianRule(), but got {self.rule!r}."
            )
        if not 0 <= self.checked <= 1:
            raise InvalidInput(f"`checked` of Stopping must be in 0..1, but got {self.checked!r}.")

    def checks(self, seed: int) -> bool:
        """Whether the candidate with this seed is trained to its end, whatever the rule says."""
        return bool(np.random.default_rng((_CHECK_STREAM, seed)).random() < self.checked)

    def curve(
        self,
        metric: str,
        curves: Mapping[str, Sequence[float]],
        train_losses: Sequence[float],
        until: int,
        earlier: Curves | None,
    ) -> RunningCurve:
        """What the rule sees.

        Args:
            metric: the metric, by its own name.
            curves: of the validation part, since the first epoch: `val_<metric>`.
            train_losses: of each epoch.
            until: the epoch at which the training ends.
            earlier: curves of earlier candidates, by the names that `Training` logs them under.
        """
        name, sign = f"val_{metric}", -1.0 if Objective.parse(metric).direction == "max" else 1.0
        known = Curves() if earlier is None else earlier
        return RunningCurve(
            sign * np.array(curves[name]), np.array(train_losses), until, sign * known.of(name), known.of("train_loss")
        )


def stopping_from(given: Any) -> Stopping | None:
    """A policy from whatever a user wrote: a rule's name, a rule, a `Stopping`; None for none.

    Example:
        >>> stopping_from("median")
        Stopping(rule=MedianRule(start=5, grace=1), metric=None, checked=0.1)

    Raises:
        NotFound: for a rule that is unknown.
        InvalidInput: for anything else.
    """
    if given is None or isinstance(given, Stopping):
        return given
    if isinstance(given, str):
        return Stopping(stopping[given]())
    return Stopping(given)
