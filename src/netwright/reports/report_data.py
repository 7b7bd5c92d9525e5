"""`ReportData`: all that a report says, as plain data. Whatever is missing, the report says is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from netwright.core.errors import InvalidInput
from netwright.core.history import History
from netwright.core.objective import Constraint, Objective
from netwright.core.record import Record
from netwright.oneshot.diary import Diary
from netwright.reports.drawing import Drawing

__all__ = ["FinalTraining", "ReportData", "TaskFacts"]


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """What was learned from which data.

    Attributes:
        name: the data's name.
        kind: `classification` or `regression`.
        sizes: examples in each part, by the part's name (`train`, `validation`, `test`).
        input_shape: of one example, without the batch.
        n_outputs: numbers that a model gives for one example.
        notes: what was found or assumed about the data.
    """

    name: str
    kind: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
    input_shape: tuple[int, ...] = ()
    n_outputs: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FinalTraining:
    """The best arch, trained for good and measured on data that the search never saw.

    Attributes:
        metrics: on the test part, by name.
        n_examples: how many test examples, for the confidence interval.
        seconds: what the final training took.
        share: its share of the whole time budget, in 0..1.
        trained_on: which parts it learned from, in words.
        note: what else is to be said (stopped at the deadline, say).
        curves: values after each of its epochs, by name.
        same_weights: the first objective's metric of the weights that the search itself trained for the winner, on the
            validation part and on the test part: what is between them is selection.
    """

    metrics: Mapping[str, float]
    n_examples: int | None = None
    seconds: float | None = None
    share: float | None = None
    trained_on: str = ""
    note: str = ""
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    same_weights: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """A finished or running search, as data.

    Only the history is needed; a list of records needs `objectives` beside it. The records are copied when the data
    are made, so that every part of a report about a running search tells of the same moment.

    Attributes:
        history: the search's history, or its records.
        objectives: what was wanted; those of the history unless given.
        constraints: the limits that were set.
        name: what this run is called.
        task: the data; None for an evaluator that is a function.
        space_text: the space, as text.
        method, method_text: the method's name, and what it does in a sentence or two.
        seed, budget, workers: the settings of the search.
        search_seconds: what the search took, without the final training; that of the last record unless given.
        best: the winner; the history's best unless given.
        baseline: the record of the space's default arch, if it was evaluated.
        final: the final training, if there was one.
        drawing: the best model's layers.
        source: the best model as Python source.
        environment: versions and the machine, see `environment`.
        warnings: what a reader must know.
        running: whether the search still goes on.
        diary: what the training of shared weights left behind, if there was one.
        records, pareto, winner, n_pending: what follows from the above.
        top_fidelity: the highest of any scored record, the only one at which candidates are compared.

    Example:
        >>> from netwright.core import Arch
        >>> data = ReportData(
        ...     history=[Record(0, Arch({"w": 8}), losses=(-0.9,))], objectives=(Objective("accuracy", "max"),)
        ... )
        >>> data.winner.id, data.value(data.winner)
        (0, 0.9)
    """

    history: History | Sequence[Record]
    objectives: tuple[Objective, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    name: str = "search"
    task: TaskFacts | None = None
    space_text: str = ""
    method: str = ""
    method_text: str = ""
    seed: int | None = None
    budget: str = ""
    workers: int | None = None
    search_seconds: float | None = None
    best: Record | None = None
    baseline: Record | None = None
    final: FinalTraining | None = None
    drawing: Drawing | None = None
    source: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    running: bool = False
    diary: Diary | None = None
    records: tuple[Record, ...] = field(init=False, repr=False)
    pareto: tuple[Record, ...] = field(init=False, repr=False)
    winner: Record | None = field(init=False)
    n_pending: int = field(init=False)
    top_fidelity: float = field(init=False)

    def __post_init__(self) -> None:
        given = self.history
        wanted = tuple(self.objectives) or (given.objectives if isinstance(given, History) else ())
        if not wanted:
            raise InvalidInput(
                "a report needs `objectives` where `history` is a list of records, but got none; "
                "pass a History, or objectives=(Objective('accuracy', 'max'),)."
            )
        records = tuple(given.records if isinstance(given, History) else given)
        wrong = next((record for record in records if record.losses and len(record.losses) != len(wanted)), None)
        if wrong is not None:
            raise InvalidInput(
                f"every scored record must have one loss an objective, but record {wrong.id} has {len(wrong.losses)} "
                f"and there are {len(wanted)} objectives: {', '.join(map(str, wanted))}."
            )
        copied = History(wanted)
        for record in records:
            copied.add(record)
        settle = object.__setattr__  # frozen: what follows from the given is settled once, here
        settle(self, "objectives", wanted)
        settle(self, "records", records)
        settle(self, "pareto", tuple(copied.pareto()))
        settle(self, "winner", self.best or copied.best)
        settle(self, "n_pending", len(given.pending) if isinstance(given, History) else 0)
        settle(self, "top_fidelity", max((record.fidelity for record in records if record.scored), default=1.0))

    @property
    def objective(self) -> Objective:
        """The first objective: the one that the winner is chosen by."""
        return self.objectives[0]

    def value(self, record: Record, objective: int = 0) -> float | None:
        """A record's own (not flipped) value of an objective; None without a finite one."""
        if not record.losses or not math.isfinite(record.losses[objective]):
            return None
        return self.objectives[objective].value(record.losses[objective])

    def value_of(self, record: Record, metric: str) -> float | None:
        """A record's value of any metric, objectives included; None without a finite one."""
        for place, objective in enumerate(self.objectives):
            if objective.metric == metric:
                return self.value(record, place)
        value = record.metrics.get(metric)
        return value if value is not None and math.isfinite(value) else None

    @property
    def seconds(self) -> float:
        """What the search took (so far)."""
        if self.search_seconds is not None:
            return self.search_seconds
        return max((record.elapsed_seconds for record in self.records), default=0.0)
