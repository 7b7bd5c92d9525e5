"""`Benchmark`: a space, an evaluator that looks up instead of training, and what is optimised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netwright.benchmarks.tables import Lookup
from netwright.core import Arch, Candidate, Context, Evaluator, Objective, SearchSpace
from netwright.core.errors import EvaluationError, InvalidInput, unknown

__all__ = ["Benchmark"]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What strategies are compared on.

    All accuracies of the benchmarks that come with the package are in percent, all times in seconds.

    Attributes:
        name: what people call it, such as `nb201-cifar10`.
        space: what is searched.
        evaluator: gives the metrics of a candidate at one of the fidelities.
        objective: what is optimised, such as `max:val_accuracy`.
        test_metric: what is reported in the end, and never shown to a strategy; None: there is none.
        seconds_metric: what an evaluation took when it was really done: the cost on a simulated clock.
        fidelities: the shares of the full training that can be asked for, ascending; the last is 1.

    Example:
        >>> from netwright.benchmarks import Table
        >>> from netwright.spaces import Space, integer
        >>> space = Space({"x": integer(0, 3)})
        >>> table = Table({1.0: {"error": [0.4, 0.2, 0.1, 0.3]}}, arches=tuple(space.enumerate()))
        >>> tiny = Benchmark("tiny", space, Lookup.of(table), objective="min:error")
        >>> tiny.optimum(), tiny.values("error").tolist()
        (0.1, [0.4, 0.2, 0.1, 0.3])
    """

    name: str
    space: SearchSpace
    evaluator: Evaluator
    objective: str
    test_metric: str | None = None
    seconds_metric: str | None = None
    fidelities: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        Objective.parse(self.objective)
        given = self.fidelities
        if not given or given[-1] != 1 or min(given) <= 0 or list(given) != sorted(set(given)):
            raise InvalidInput(
                f"`fidelities` of a benchmark must ascend within (0, 1] and end with 1, but got {self.fidelities}."
            )

    def optimum(self) -> float:
        """The best value of the objective's metric after full training, over all arches of the benchmark."""
        objective = Objective.parse(self.objective)
        values = self.values(objective.metric)
        best = np.nanmax(values) if objective.direction == "max" else np.nanmin(values)
        return float(best)

    def arches(self) -> Sequence[Arch]:
        """All arches, in the order of `values`: the rows of the table, or the order of enumeration."""
        if isinstance(self.evaluator, Lookup):
            return self.evaluator.table.arches
        return tuple(self.space.enumerate())

    def values(self, metric: str, fidelity: float = 1.0) -> np.ndarray[Any, np.dtype[np.float64]]:
        """A metric of all arches, shape (n_arches,); NaN where an arch has none.

        Raises:
            NotFound: if no arch has such a metric.
            EvaluationError: if there is no such fidelity.
        """
        if isinstance(self.evaluator, Lookup):
            return self.evaluator.table.values(metric, fidelity)
        found: list[float] = []
        names: set[str] = set()
        for arch in self.arches():
            try:
                metrics = self.evaluator(Candidate(0, arch, fidelity), Context())
            except EvaluationError:
                metrics = {}
            names.update(metrics)
            found.append(metrics.get(metric, float("nan")))
        if metric not in names:
            raise unknown("metric", metric, names)
        return np.asarray(found, dtype=np.float64)
