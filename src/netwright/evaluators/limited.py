"""`Limited`: cheap metrics first; what breaks a limit is not trained at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from netwright.core import Arch, Candidate, Constraint, Context, Evaluator

__all__ = ["Limited"]


@dataclass(frozen=True, slots=True)
class Limited:
    """Measures what an arch costs, and asks the evaluator only if the costs hold the limits.

    Attributes:
        evaluator: what trains.
        costs: cheap metrics of an arch (parameters, FLOPs, …), by name; they join the evaluator's.
        constraints: limits on those costs; limits on other metrics are left to the search.

    Example:
        >>> from netwright.evaluators import Function
        >>> small = Limited(Function(lambda arch: 1.0), lambda arch: {"params": 10.0}, (Constraint("params", 5),))
        >>> small(Candidate(0, Arch({})), Context())
        {'params': 10.0}
    """

    evaluator: Evaluator
    costs: Callable[[Arch], Mapping[str, float]]
    constraints: tuple[Constraint, ...] = ()

    def __call__(self, candidate: Candidate, context: Context) -> Mapping[str, float]:
        """The costs, and the evaluator's metrics unless a limit is broken."""
        costs = dict(self.costs(candidate.arch))
        if any(limit.metric in costs and limit.violation(costs) > 0 for limit in self.constraints):
            return costs
        return {**costs, **self.evaluator(candidate, context)}
