"""`Candidate` (what is to be evaluated) and `Record` (what came of it, a failure included)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from netwright.core.arch import Arch

__all__ = ["Candidate", "Record", "Status"]

Status: TypeAlias = Literal["ok", "partial", "infeasible", "failed"]
"""`ok`; `partial`: stopped at its deadline with what it had; `infeasible`: breaks a limit, not trained; `failed`."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An arch to evaluate at a fidelity.

    Attributes:
        id: 0, 1, 2 … in the order of the proposals, without gaps.
        arch: the decisions.
        fidelity: the share of the full training, in (0, 1].
        parent: the id of the candidate that this one was made from, if any; below 0, one of an earlier search.

    Example:
        >>> Candidate(0, Arch({"width": 8}))
        Candidate(id=0, arch=Arch({'width': 8}), fidelity=1.0, parent=None)
    """

    id: int
    arch: Arch
    fidelity: float = 1.0
    parent: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What came of a candidate.

    Two records are equal when everything but their times and curves is (NaN equals NaN): a resumed search is compared
    like this.

    Attributes:
        id, arch, fidelity, parent: the candidate's.
        metrics: what the evaluator measured, by name.
        losses: one number an objective, minimised (a maximised metric comes negated); empty unless a value exists.
        violation: by how much the constraints are broken, relative to their limits, summed; 0 = feasible.
        status: see `Status`.
        error: why it failed or was stopped.
        wall_seconds: what the evaluation took.
        elapsed_seconds: seconds of search from its start until this record, over all resumptions.
        curves: values per epoch (or step) by name, if the evaluator gave any.

    Example:
        >>> good = Record(0, Arch({"width": 8}), metrics={"accuracy": 0.9}, losses=(-0.9,))
        >>> failed = Record(1, Arch({"width": 9}), status="failed", error="out of memory")
        >>> min([failed, good], key=lambda record: record.rank).id, failed.loss
        (0, inf)
    """

    id: int
    arch: Arch
    fidelity: float = 1.0
    parent: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    losses: tuple[float, ...] = ()
    violation: float = 0.0
    status: Status = "ok"
    error: str | None = None
    wall_seconds: float = 0.0
    elapsed_seconds: float = 0.0
    curves: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    __hash__ = None  # type: ignore[assignment]  # holds mappings; use `id`

    def __eq__(self, other: object) -> bool:
        return _compared(self) == _compared(other) if isinstance(other, Record) else NotImplemented

    @property
    def candidate(self) -> Candidate:
        """The candidate that this is the record of."""
        return Candidate(self.id, self.arch, self.fidelity, self.parent)

    @property
    def scored(self) -> bool:
        """Whether it has a value for every objective (`ok` or `partial`)."""
        return bool(self.losses)

    @property
    def loss(self) -> float:
        """The first objective's loss; infinite where there is none."""
        return self.losses[0] if self.losses else math.inf

    @property
    def rank(self) -> tuple[bool, float, float]:
        """Sorts any records from best to worst: scored before not, then less violation, then less loss (Deb 2000).

        A failed record is the worst: nobody knows how far it is from being feasible.
        """
        if self.losses:
            return (False, self.violation, self.losses[0])
        return (True, self.violation or math.inf, math.inf)


def _compared(record: Record) -> tuple[object, ...]:
    metrics = {name: "nan" if value != value else value for name, value in record.metrics.items()}  # noqa: PLR0124
    told = (record.losses, record.violation, record.status, record.error)
    return (record.id, record.arch, record.fidelity, record.parent, metrics, *told)
