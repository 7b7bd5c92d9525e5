"""A wrapper that begins with what an earlier search has found."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from netwright.core import Arch, Candidate, Decided, History, Objective, Record, SearchSpace, Strategy
from netwright.core.errors import InvalidInput, InvalidSpace
from netwright.spaces import Space
from netwright.spaces.domains import Domain, IntegerRange, RealRange
from netwright.strategies.continued import continued
from netwright.strategies.inner import check_inner
from netwright.strategies.numbers import check_numbers

__all__ = ["WarmStarted", "carried_over"]


@dataclass(frozen=True, slots=True, repr=False)
class WarmStarted:
    """Another strategy, on the records of an earlier search on the same space or one that overlaps with it.

    The best earlier arches are evaluated first: only what was evaluated in this search can win it. Then the strategy
    goes on as if the earlier records were the beginning of its own: models learn from them, populations are bred from
    them, a climb starts where they ended, and nothing of them is new. Their losses are computed from their metrics, so
    the objectives may have changed; records without the metrics that are needed are left out. What failed or broke a
    limit counts as such.

    An earlier arch is carried over decision by decision (see `carried_over`). Its record holds for this space if no
    decision was lost or changed on the way; new ones have their defaults, so a default should do what the earlier space
    did. A record that doesn't hold gives its arch only. In candidates, the records that hold are numbered -1 (the last
    one), -2, …: a candidate's parent may be one of them.

    Attributes:
        strategy: what goes on.
        records: of the earlier search, in the order in which they came in.
        first: how many of the best earlier arches are evaluated first.
        digest: of the records.

    Example:
        >>> from netwright import Space, integer
        >>> from netwright.loop import Search
        >>> from netwright.strategies import LocalSearch
        >>> space = Space({"x": integer(0, 99)})
        >>> def loss(candidate, context):
        ...     return {"loss": abs(candidate.arch["x"] - 42)}
        >>> earlier = Search(space, LocalSearch(), loss, budget="30 candidates").run()
        >>> strategy = WarmStarted(LocalSearch(), tuple(earlier.records), first=1)
        >>> history = Search(space, strategy, loss, budget="10 candidates").run()
        >>> history.records[0].arch == earlier.best.arch, history.best.loss <= earlier.best.loss
        (True, True)

    Raises:
        InvalidInput: if `records` aren't records, or `first` is below 0.
    """

    strategy: Strategy
    records: Sequence[Record] = ()
    first: int = 5
    digest: str = field(init=False, compare=False, default="")

    def __post_init__(self) -> None:
        check_numbers(self)
        check_inner("WarmStarted", strategy=self.strategy)
        if not isinstance(self.records, Sequence) or not all(isinstance(record, Record) for record in self.records):
            raise InvalidInput(
                "`records` of WarmStarted must be the records of a search, such as history.records, but got "
                f"a {type(self.records).__name__}."
            )
        if self.first < 0:
            raise InvalidInput(f"`first` of WarmStarted must be at least 0, but got {self.first!r}.")
        object.__setattr__(self, "records", tuple(self.records))
        object.__setattr__(self, "digest", _digest(self.records))

    def __hash__(self) -> int:
        return hash((self.strategy, self.digest, self.first))

    def __repr__(self) -> str:
        records = f"<{len(self.records)} records, {self.digest}>"
        return f"WarmStarted(strategy={self.strategy!r}, records={records}, first={self.first})"

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """One of the best earlier arches, or what the strategy proposes after all records, the earlier ones first."""
        found = continued((self, "history"), space, history, partial(self._data, space, history.objectives))
        best = history.fold((self, "best"), _unchanged, partial(self._best, space, history.objectives))
        if history.next_id < len(best):
            arch, number = best[history.next_id]
            return found.outside(found.history.candidate(arch, parent=number))
        return found.outside(self.strategy.propose(space, found.history, rng))

    def _carried(self, space: SearchSpace, objectives: tuple[Objective, ...]) -> Iterator[tuple[Record, bool]]:
        """The records with arches of this space and these losses, and whether nothing of the arch was changed."""
        for record in self.records:
            losses = _losses(record, objectives)
            arch = None if losses is None else carried_over(space, record.arch)
            if losses is not None and arch is not None:
                same = all(name in arch and arch[name] == value for name, value in record.arch.items())
                yield replace(record, arch=arch, losses=losses), same

    def _data(self, space: SearchSpace, objectives: tuple[Objective, ...]) -> list[Record]:
        """The records that hold for this space, numbered from 0."""
        known = [record for record, same in self._carried(space, objectives) if same]
        places = {record.id: place for place, record in enumerate(known)}
        return [
            replace(r, id=place, parent=None if r.parent is None else places.get(r.parent))
            for place, r in enumerate(known)
        ]

    def _best(self, space: SearchSpace, objectives: tuple[Objective, ...]) -> list[tuple[Arch, int | None]]:
        """The earlier arches that are evaluated first, with the numbers of their records among the data."""
        carried = list(self._carried(space, objectives))
        data = {record.id: place for place, record in enumerate(record for record, same in carried if same)}
        best: dict[Arch, tuple[Arch, int | None]] = {}
        for record in _best_first([record for record, _ in carried], len(objectives), self.first):
            best.setdefault(space.canonical(record.arch), (record.arch, data.get(record.id)))
        return list(best.values())[: self.first]


def carried_over(space: SearchSpace, arch: Arch) -> Arch | None:
    """The arch of a space that is most like an arch of another space; None if they have nothing in common.

    Each active decision takes the other arch's value. A number out of range becomes the nearest one; what is missing or
    not possible here takes its default. If constraints rule the result out, the nearest allowed arch takes its place.

    Example:
        >>> from netwright import Space, choice, integer
        >>> larger = Space({"width": integer(1, 8), "act": choice(["relu", "silu"])})
        >>> carried_over(larger, Arch({"width": 16, "depth": 3}))
        Arch({'width': 8, 'act': 'relu'})
    """
    if not isinstance(space, Space):
        try:
            space.validate(arch)
        except InvalidSpace:
            return None
        return arch
    decisions: dict[str, Decided] = {}
    for decision in space.decisions:
        if decision.active(decisions):
            there = decision.name in arch
            decisions[decision.name] = (
                _nearest(decision.domain, arch[decision.name]) if there else decision.domain.default
            )
    if not decisions.keys() & arch.keys() and (decisions or arch):
        return None
    found = Arch(decisions)
    return found if space.allowed(found) else space.nearest_allowed(found)


def _nearest(domain: Domain, value: Decided) -> Decided:
    if value in domain:
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if isinstance(domain, RealRange):
            return min(domain.high, max(domain.low, float(value)))
        if isinstance(domain, IntegerRange):
            steps = round((value - domain.low) / domain.step)
            return domain.low + domain.step * min(domain.count - 1, max(0, steps))
    return domain.default


def _losses(record: Record, objectives: tuple[Objective, ...]) -> tuple[float, ...] | None:
    """An earlier record's losses for these objectives; empty where it has none, None where they can't be known."""
    if not record.losses:
        return ()
    if all(objective.metric in record.metrics for objective in objectives):
        losses = tuple(objective.loss(record.metrics) for objective in objectives)
        return losses if all(map(math.isfinite, losses)) else None
    return record.losses if not record.metrics and len(record.losses) == len(objectives) else None


def _best_first(records: Sequence[Record], n_objectives: int, n_wanted: int) -> Iterator[Record]:
    """Feasible records, the best ones first; of several objectives, the front first, evenly."""
    if n_objectives > 1:
        history = History([Objective(f"loss{i}") for i in range(n_objectives)])
        for record in records:
            history.add(record)
        front = history.pareto()
        n = min(n_wanted, len(front))
        yield from (front[round(i * (len(front) - 1) / max(1, n - 1))] for i in range(n))
    feasible = [record for record in records if record.losses and record.violation == 0]
    yield from sorted(feasible, key=lambda record: (-record.fidelity, record.loss, record.id))


def _unchanged(best: list[tuple[Arch, int | None]], _: Record) -> list[tuple[Arch, int | None]]:
    return best


def _digest(records: Sequence[Record]) -> str:
    """Twelve hexadecimal digits that change when a record does."""
    digest = hashlib.sha256()
    for record in records:
        told = (record.fidelity, record.parent, sorted(record.metrics.items()), record.losses, record.violation)
        digest.update(f"{record.arch.to_json()} {told!r} {record.status}\n".encode())
    return digest.hexdigest()[:12]
