"""`Tabular`: looks metrics up in a table instead of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from netwright.core import Arch, Candidate, Context
from netwright.core.errors import EvaluationError, InvalidInput

__all__ = ["Tabular"]


@dataclass(frozen=True, slots=True)
class Tabular:
    """Metrics of arches that somebody evaluated before: a tabular benchmark.

    Attributes:
        table: metrics of each arch after full training.
        low: tables of lower fidelities, by their fidelity in (0, 1). A candidate gets the table of its own fidelity.

    Example:
        >>> evaluator = Tabular({Arch({"x": 1}): {"loss": 0.5}, Arch({"x": 2}): {"loss": 0.25}})
        >>> evaluator(Candidate(0, Arch({"x": 2})), Context())
        {'loss': 0.25}
    """

    table: Mapping[Arch, Mapping[str, float]]
    low: Mapping[float, Mapping[Arch, Mapping[str, float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.table:
            raise InvalidInput("`table` of Tabular must have at least one arch, but is empty.")
        wrong = [fidelity for fidelity in self.low if not 0 < fidelity < 1]
        if wrong:
            raise InvalidInput(f"the fidelities of `low` must be between 0 and 1, but got {wrong}.")

    __hash__ = None  # type: ignore[assignment]  # holds mappings

    @property
    def fidelities(self) -> tuple[float, ...]:
        """Those that can be asked for, ascending."""
        return (*sorted(self.low), 1.0)

    def __call__(self, candidate: Candidate, context: Context) -> Mapping[str, float]:
        """The row of the candidate's arch at its fidelity.

        Raises:
            EvaluationError: if the table doesn't have it.
        """
        table = self.table if candidate.fidelity == 1 else self.low.get(candidate.fidelity)
        if table is None:
            known = ", ".join(f"{fidelity:g}" for fidelity in [*sorted(self.low), 1.0])
            raise EvaluationError(f"the table has the fidelities {known}, but was asked for {candidate.fidelity:g}.")
        row = table.get(candidate.arch)
        if row is None:
            raise EvaluationError(f"the table of {len(table)} arches doesn't have {dict(candidate.arch)}.")
        return row
