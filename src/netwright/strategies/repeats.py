"""Several evaluations of the same arch, with different seeds, as one: the mean, and how many there were.

The best of many noisy scores is the one that chance has helped most. To choose by, evaluate the best few again
(`strategies.Repeated`) and compare means.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from netwright.core import Arch, Record

__all__ = ["Repeats", "averaged", "best_first"]


@dataclass(slots=True)
class Repeats:
    """All records of one arch at one fidelity that have a value.

    Attributes:
        first: the first of them.
        n: how many there are.
        totals: the sum of each loss.
        violation: the largest.
    """

    first: Record
    n: int = 1
    totals: tuple[float, ...] = field(default=())
    violation: float = 0.0

    def __post_init__(self) -> None:
        self.totals, self.violation = self.first.losses, self.first.violation

    def add(self, record: Record) -> None:
        """One more of them."""
        self.n += 1
        self.totals = tuple(a + b for a, b in zip(self.totals, record.losses, strict=True))
        self.violation = max(self.violation, record.violation)

    @property
    def losses(self) -> tuple[float, ...]:
        """The mean of each loss."""
        return tuple(total / self.n for total in self.totals)

    @property
    def mean(self) -> Record:
        """The first record with the mean losses."""
        if self.n == 1:
            return self.first
        return replace(self.first, losses=self.losses, violation=self.violation)


def averaged(records: Iterable[Record]) -> list[Repeats]:
    """The records that have a value, one entry for each arch and fidelity, in the order of the first ones.

    Example:
        >>> a, b = Arch({"x": 1}), Arch({"x": 2})
        >>> records = [Record(i, arch, losses=(loss,)) for i, (arch, loss) in enumerate([(a, 0.1), (b, 0.2), (a, 0.5)])]
        >>> [(one.first.arch["x"], one.n, one.mean.loss) for one in averaged(records)]
        [(1, 2, 0.3), (2, 1, 0.2)]
    """
    found: dict[tuple[Arch, float], Repeats] = {}
    for record in records:
        if record.losses:
            key = record.arch, record.fidelity
            if key in found:
                found[key].add(record)
            else:
                found[key] = Repeats(record)
    return list(found.values())


def best_first(records: Iterable[Record]) -> list[Repeats]:
    """The feasible ones, best first: by fidelity, then by the mean of the first loss; of equal ones the first to come.

    Example:
        >>> a, b = Arch({"x": 1}), Arch({"x": 2})
        >>> records = [Record(i, arch, losses=(loss,)) for i, (arch, loss) in enumerate([(a, 0.1), (b, 0.2), (a, 0.5)])]
        >>> best_first(records)[0].first.arch["x"]
        2
    """
    feasible = [one for one in averaged(records) if one.violation == 0]
    return sorted(feasible, key=lambda one: (-one.first.fidelity, one.losses[0]))
