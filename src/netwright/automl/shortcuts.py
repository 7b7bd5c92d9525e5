"""`Shortcuts`: what makes the evaluation of candidates cheaper than training each of them from scratch to its end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from netwright.core import Candidate, History, Objective
from netwright.core.errors import InvalidInput
from netwright.evaluators.stopping import Stopping, stopping_from

__all__ = ["Shortcuts", "may_be_parents", "shortcuts_from"]

_NEWEST, _BEST = 64, 16  # records whose checkpoints are kept for children, besides those of running candidates


@dataclass(frozen=True, slots=True)
class Shortcuts:
    """What was asked for.

    Attributes:
        stop: when a candidate's training ends before its time.
        inherit: whether a child begins with its parent's weights.
        given: the rule as it was named; None where it came as an object.
    """

    stop: Stopping | None = None
    inherit: bool = False
    given: str | None = None

    @property
    def facts(self) -> dict[str, Any] | None:
        """For the run's header; None where nothing was asked for."""
        if self.stop is None and not self.inherit:
            return None
        return {"stop": self.given, "inherit": self.inherit, "text": f"stop={self.stop}, inherit={self.inherit}"}


def shortcuts_from(
    stop: Any, inherit: bool, *, objectives: Sequence[Objective], measured: Collection[str] | None
) -> Shortcuts:
    """What a user asked for, checked.

    Args:
        stop: a stopping rule's name, a rule or a `Stopping`; None for none.
        inherit: whether children begin with their parents' weights.
        objectives: of the search; a rule goes by the first one, unless it says by which metric.
        measured: metrics that a training measures; None where candidates aren't trained.

    Raises:
        NotFound: for an unknown rule.
        InvalidInput: where a rule can't do what is asked for.
    """
    if not isinstance(inherit, bool):
        raise InvalidInput(f"`inherit` must be True or False, but got {inherit!r}.")
    found = stopping_from(stop)
    if measured is None and (found is not None or inherit):
        raise InvalidInput(
            "`stop` and `inherit` are about training candidates, but this search has a function or an `evaluator` of "
            "its own: leave them out, or give them to Training in that evaluator."
        )
    if found is not None:
        if found.rule.compares and len(objectives) > 1:
            raise InvalidInput(
                f"the stopping rule {type(found.rule).__name__} compares candidates by one metric, but there are "
                f"{len(objectives)} objectives: one that is bad by the first may be good by another. Use 'patience' or "
                "'divergence', which don't compare, or none."
            )
        if found.metric is None:
            metric = objectives[0].metric
            if measured is not None and metric not in measured:
                raise InvalidInput(
                    f"a stopping rule needs a metric that is measured after each epoch ({', '.join(measured)}), but "
                    f"the objective is {metric}: name one by Stopping(rule, metric=...)."
                )
            found = replace(found, metric=metric)
    return Shortcuts(found, inherit, stop if isinstance(stop, str) else None)


def may_be_parents(history: History, pending: Collection[Candidate]) -> set[str]:
    """Digests of the arches whose checkpoints children may still want.

    Those of the newest and of the best records, whatever the strategy; and of the parents of what is running.
    """
    records = history.records
    found = {record.arch.digest for record in records[-_NEWEST:]}
    found |= {record.arch.digest for record in sorted(records, key=lambda record: record.rank)[:_BEST]}
    parents = {candidate.parent for candidate in pending}
    return found | {record.arch.digest for record in records if record.id in parents}
