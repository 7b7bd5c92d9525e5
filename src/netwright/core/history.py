"""`History`: the records so far plus what is pending. All that a strategy ever sees of a search."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from netwright.core.arch import Arch
from netwright.core.errors import InvalidInput, MissingDependency
from netwright.core.objective import Objective
from netwright.core.record import Candidate, Record

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["History"]

State = TypeVar("State")


class History:
    """An append-only list of records, with the pending candidates beside it.

    Only the search appends to it; strategies read. Records are in the order in which they came in.

    Args:
        objectives: what the losses of the records stand for.
        canonical: maps arches that work the same to one of them, for `seen`; usually the space's `canonical`.

    Example:
        >>> history = History([Objective("error")])
        >>> candidate = history.candidate(Arch({"width": 8}))
        >>> history.add(Record(candidate.id, candidate.arch, losses=(0.2,)))
        >>> history.best.loss, history.next_id, history.seen(Arch({"width": 8}))
        (0.2, 1, True)
    """

    __slots__ = (
        "_best",
        "_canonical",
        "_folds",
        "_forms",
        "_pending",
        "_records",
        "_waiting",
        "next_id",
        "objectives",
        "pending",
    )

    def __init__(
        self,
        objectives: Sequence[Objective] = (Objective("loss"),),
        *,
        canonical: Callable[[Arch], Arch] | None = None,
    ) -> None:
        self.objectives = tuple(objectives)
        self.next_id = 0
        """The id that the next candidate will have."""
        self._canonical = canonical
        self._records: list[Record] = []
        self._pending: dict[int, Candidate] = {}
        self.pending: Mapping[int, Candidate] = MappingProxyType(self._pending)
        """Candidates that are being evaluated now, by id."""
        # For `seen`, once it is asked: the form of each pending arch, and the fidelities at which a form is pending.
        self._forms: dict[int, Arch] = {}
        self._waiting: dict[Arch, list[float]] = {}
        self._folds: dict[Hashable, tuple[Any, int]] = {}
        self._best: Record | None = None

    @property
    def records(self) -> Sequence[Record]:
        """All records, in the order in which they came in. Not to be changed."""
        return self._records

    def __len__(self) -> int:
        return len(self._records)

    def candidate(self, arch: Arch, *, fidelity: float = 1.0, parent: int | None = None) -> Candidate:
        """The next candidate with this arch: what a strategy returns."""
        return Candidate(self.next_id, arch, fidelity, parent)

    def seen(self, arch: Arch, fidelity: float = 0.0) -> bool:
        """Whether this arch, or one that works the same, is recorded or pending at this fidelity or a higher one."""
        form = self._form(arch)
        highest: dict[Arch, float] = self.fold("seen", self._note, dict)
        if highest.get(form, -1.0) >= fidelity:
            return True
        if not self._pending:
            return False
        for number, other in reversed(self._pending.items()):  # the newest first: only those since the last question
            if number in self._forms:
                break
            self._forms[number] = own = self._form(other.arch)
            self._waiting.setdefault(own, []).append(other.fidelity)
        return any(there >= fidelity for there in self._waiting.get(form, ()))

    def _form(self, arch: Arch) -> Arch:
        return arch if self._canonical is None else self._canonical(arch)

    def _note(self, highest: dict[Arch, float], record: Record) -> dict[Arch, float]:
        form = self._form(record.arch)
        highest[form] = max(record.fidelity, highest.get(form, 0.0))
        return highest

    def fold(self, key: Hashable, step: Callable[[State, Record], State], init: Callable[[], State]) -> State:
        """Reduce the records, each only once: a strategy's state, and never a second truth.

        The state for `key` starts as `init()`; each call applies `step(state, record)` to the records that came in
        since the last one. `step` may change the state in place and return it. Use a key that nobody else uses, such
        as the (hashable) strategy itself with a word.
        """
        records = self._records
        total = len(records)
        try:
            cached = self._folds.get(key)
        except TypeError as error:
            raise InvalidInput(f"the key of a fold must be hashable, such as a frozen dataclass: {error}.") from error
        if cached is None:
            state, done = init(), -1
        else:
            state, done = cached
        if done != total:
            for i in range(max(done, 0), total):
                state = step(state, records[i])
            self._folds[key] = (state, total)
        return state

    @property
    def best(self) -> Record | None:
        """The best feasible record of the highest fidelity seen, by the first objective; None if there is none."""
        return self._best

    def pareto(self) -> list[Record]:
        """The feasible records that no other one beats in every objective, sorted by the first objective.

        Only records of the highest fidelity are compared. Equal loss vectors are kept once (the earlier record).
        """
        scored = [record for record in self._records if record.losses and record.violation == 0]
        top = max((record.fidelity for record in scored), default=1.0)
        front: list[Record] = []
        # Sorted by losses, a record can only be dominated by an earlier one.
        for record in sorted((r for r in scored if r.fidelity == top), key=lambda r: (r.losses, r.id)):
            if not any(all(a <= b for a, b in zip(kept.losses, record.losses, strict=True)) for kept in front):
                front.append(record)
        return front

    def to_frame(self) -> DataFrame:
        """The records as a pandas data frame, one a row, in the order in which they came in.

        Columns: `id`, `parent`, `status`, `fidelity`, each metric by its name, `violation`, `wall_seconds`,
        `elapsed_seconds`, `error`, and each decision as `arch.<name>` (missing where it was not active).

        Example:
            >>> history = History()
            >>> history.add(Record(0, Arch({"width": 8}), metrics={"loss": 0.5}, losses=(0.5,)))
            >>> history.to_frame()[["id", "loss", "arch.width"]].values.tolist()
            [[0.0, 0.5, 8.0]]

        Raises:
            MissingDependency: without pandas.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise MissingDependency(
                "a data frame needs pandas, which is not installed: pip install 'netwright[frame]'"
            ) from error
        records = self._records
        columns: dict[str, Any] = {
            "id": [record.id for record in records],
            "parent": pd.array([record.parent for record in records], dtype="Int64"),
            "status": [record.status for record in records],
            "fidelity": [record.fidelity for record in records],
        }
        fixed = {"violation", "wall_seconds", "elapsed_seconds", "error", *columns}
        for name in _names(record.metrics for record in records):
            # A metric that is named like a column of ours keeps its own, marked.
            columns[f"metric.{name}" if name in fixed else name] = [record.metrics.get(name) for record in records]
        for name in ("violation", "wall_seconds", "elapsed_seconds", "error"):
            columns[name] = [getattr(record, name) for record in records]
        for name in _names(record.arch for record in records):
            columns[f"arch.{name}"] = [record.arch.get(name) for record in records]
        return pd.DataFrame(columns)

    def __reduce__(self) -> Any:  # folds are caches, and a space's `canonical` may be any function: both stay behind
        return _restored, (self.objectives, self._records, list(self._pending.values()), self.next_id)

    # What follows is the search's side.

    def start(self, candidate: Candidate) -> None:
        """Note that a candidate is being evaluated."""
        if self._forms:
            self.drop(candidate.id)
        self._pending[candidate.id] = candidate

    def drop(self, candidate_id: int) -> None:
        """Forget a pending candidate: no record of it will come."""
        candidate = self._pending.pop(candidate_id, None)
        if candidate is not None and self._forms:
            self._leave(candidate)

    def _leave(self, candidate: Candidate) -> None:
        """No longer count a candidate among those that `seen` knows to be pending."""
        form = self._forms.pop(candidate.id, None)
        if form is not None:
            fidelities = self._waiting[form]
            fidelities.remove(candidate.fidelity)
            if not fidelities:
                del self._waiting[form]

    def add(self, record: Record) -> None:
        """Append a record; its candidate is no longer pending."""
        pending = self._pending.pop(record.id, None)
        if pending is not None and self._forms:
            self._leave(pending)
        self._records.append(record)
        if record.id >= self.next_id:
            self.next_id = record.id + 1
        if record.losses and record.violation == 0:
            best = self._best
            if (
                best is None
                or record.fidelity > best.fidelity
                or (record.fidelity == best.fidelity and record.losses[0] < best.losses[0])
            ):
                self._best = record


def _names(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    """All keys, in the order in which they are first met."""
    return list(dict.fromkeys(name for mapping in mappings for name in mapping))


def _restored(
    objectives: tuple[Objective, ...], records: list[Record], pending: list[Candidate], next_id: int
) -> History:
    history = History(objectives)
    for record in records:
        history.add(record)
    for candidate in pending:
        history.start(candidate)
    history.next_id = next_id
    return history
