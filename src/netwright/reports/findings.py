"""What the records of a search say, computed once for figures, tables and text. Data in, data out."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from netwright.core.arch import Decided
from netwright.core.record import Record
from netwright.reports.report_data import ReportData
from netwright.reports.wording import decided_text, is_share

__all__ = [
    "DecisionMeans",
    "Failures",
    "OptionMean",
    "best_first",
    "decision_means",
    "final_interval",
    "focus",
    "front",
    "grouped_failures",
    "incumbents",
    "wilson_interval",
]

_Z = 1.959963984540054  # the normal distribution's 97.5 % point
_NUMBERS = re.compile(r"0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def wilson_interval(share: float, n: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share of `n` examples (Wilson 1927), sound near 0 and 1 and for small `n`.

    Example:
        >>> low, high = wilson_interval(0.98, 360)
        >>> round(low, 4), round(high, 4)
        (0.9597, 0.9902)
    """
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def final_interval(data: ReportData) -> tuple[float, float] | None:
    """The interval of the final test metric, where that is a share of a known number of examples."""
    if data.final is None or not data.final.n_examples or not is_share(data.objective.metric):
        return None
    value = data.final.metrics.get(data.objective.metric)
    return None if value is None or not 0 <= value <= 1 else wilson_interval(value, data.final.n_examples)


def best_first(records: Sequence[Record]) -> list[Record]:
    """Records from best to worst: scored, within the limits, of high fidelity, of low first loss."""
    return sorted(records, key=lambda r: (not r.scored, r.violation, -r.fidelity, r.loss, r.id))


def incumbents(data: ReportData) -> list[Record]:
    """The records that were the best so far when they came in, in that order.

    A higher fidelity replaces a lower one, as in `History.best`; so the value may get worse once, and then it is truer.
    """
    found: list[Record] = []
    for record in data.records:
        if not record.losses or record.violation:
            continue
        if not found or (-record.fidelity, record.loss) < (-found[-1].fidelity, found[-1].loss):
            found.append(record)
    return found


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """The places of the points that no other one beats in both numbers (both minimised), by the first number.

    Example:
        >>> front([(1, 5), (2, 2), (3, 4), (4, 1)])
        [0, 1, 3]
    """
    kept: list[int] = []
    lowest = math.inf
    for place in sorted(range(len(points)), key=lambda i: points[i]):
        if points[place][1] < lowest:
            kept.append(place)
            lowest = points[place][1]
    return kept


def focus(values: Sequence[float]) -> tuple[float, float] | None:
    """The range that most values are in, where a few far outliers would squash the rest; None where none do.

    Example:
        >>> focus([0.9, 0.91, 0.92, 0.93, 0.94, 0.95, 0.1])
        (0.87, 0.98)
        >>> focus([0.1, 0.5, 0.9]) is None
        True
    """
    finite = sorted(values)
    if len(finite) < 5:
        return None
    first, third = finite[len(finite) // 4], finite[(3 * len(finite)) // 4]
    spread = third - first
    near = [value for value in finite if first - 2.5 * spread <= value <= third + 2.5 * spread]
    margin = (near[-1] - near[0]) * 0.6 or abs(near[0]) * 0.05
    low, high = near[0] - margin, near[-1] + margin
    if finite[0] >= low and finite[-1] <= high:
        return None
    return round(low, 10), round(high, 10)


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed candidates of one reason.

    Attributes:
        reason: the first line of the error that the first of them gave.
        ids: the candidates, in the order in which they failed.
        seconds: what they took together.
    """

    reason: str
    ids: tuple[int, ...]
    seconds: float


def grouped_failures(records: Sequence[Record]) -> list[Failures]:
    """Failures by reason, the most common first; reasons that differ only in their numbers are one.

    Example:
        >>> from netwright.core import Arch
        >>> failed = [Record(i, Arch({}), status="failed", error=f"out of memory: {i} MB") for i in range(3)]
        >>> [(group.reason, group.ids) for group in grouped_failures(failed)]
        [('out of memory: 0 MB', (0, 1, 2))]
    """
    groups: dict[str, list[Record]] = {}
    for record in records:
        if record.status == "failed":
            groups.setdefault(_NUMBERS.sub("#", _first_line(record.error)), []).append(record)
    found = [
        Failures(_first_line(group[0].error), tuple(r.id for r in group), sum(r.wall_seconds for r in group))
        for group in groups.values()
    ]
    return sorted(found, key=lambda group: -len(group.ids))


def _first_line(error: str | None) -> str:
    return (error or "").strip().partition("\n")[0] or "no reason given"


@dataclass(frozen=True, slots=True)
class OptionMean:
    """One option of a decision: how often it was tried, and the objective's mean and best value with it."""

    option: str
    count: int
    mean: float
    best: float


@dataclass(frozen=True, slots=True)
class DecisionMeans:
    """The options of one decision, in order, and the distance between the best and the worst mean."""

    decision: str
    options: tuple[OptionMean, ...]
    spread: float


def decision_means(data: ReportData, *, most_options: int = 8) -> list[DecisionMeans]:
    """The objective's observed mean for each option of each decision, the widest spread first.

    Only scored records of the highest fidelity count. Numbers with many values are put into three groups of equal
    size. These are means of what was tried: a strategy doesn't try at random, so they are a hint, not an effect.
    """
    top = data.top_fidelity
    scored = [(r, value) for r in data.records if r.fidelity == top and (value := data.value(r)) is not None]
    decided: dict[str, list[tuple[Decided, float]]] = {}
    for record, value in scored:
        for name, option in record.arch.items():
            decided.setdefault(name, []).append((option, value))
    found = []
    for name, pairs in decided.items():
        options = []
        for option, reached in _grouped(pairs, most_options).items():
            best = max(reached) if data.objective.direction == "max" else min(reached)
            options.append(OptionMean(option, len(reached), sum(reached) / len(reached), best))
        sound = [option.mean for option in options if option.count >= 3]
        if len(options) > 1:
            found.append(DecisionMeans(name, tuple(options), max(sound) - min(sound) if len(sound) > 1 else 0.0))
    return sorted(found, key=lambda means: -means.spread)


def _grouped(pairs: Sequence[tuple[Decided, float]], most_options: int) -> dict[str, list[float]]:
    """Values by option; numbers with too many options by thirds, other options that are too many not at all."""
    reached: dict[Decided, list[float]] = {}
    for option, value in pairs:
        reached.setdefault(option, []).append(value)
    if len(reached) > most_options:
        numbers = [(o, v) for o, v in pairs if isinstance(o, (int, float)) and not isinstance(o, bool)]
        if len(numbers) < len(pairs):
            return {}
        numbers.sort(key=lambda pair: pair[0])
        cuts = [0, len(numbers) // 3, 2 * len(numbers) // 3, len(numbers)]
        parts = [numbers[a:b] for a, b in itertools.pairwise(cuts)]
        return {f"{part[0][0]:.3g} to {part[-1][0]:.3g}": [v for _, v in part] for part in parts if part}
    groups: dict[str, list[float]] = {}
    for option in sorted(reached, key=_order):
        groups.setdefault(decided_text(option), []).extend(reached[option])
    return groups


def _order(value: Decided) -> tuple[int, float, str]:
    """Numbers by size, then everything else by name."""
    if isinstance(value, (int, float)):
        return (0, float(value), "")
    return (1, 0.0, str(value))
