"""How well cheap estimates ranked arches that the same run trained fully."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netwright.core import registry
from netwright.core.objective import Objective
from netwright.core.record import Record
from netwright.predictors.ranking import Agreement, agreement
from netwright.strategies.repeats import averaged

__all__ = ["EstimatorQuality", "estimator_qualities"]

_LEAST = 3  # arches: with fewer nothing is said
_USUAL = frozenset(
    ["accuracy", "loss", "r2", "rmse", "mae", "train_loss", "epochs", "params", "flops", "activation_mb", "seconds"]
)
"""Metrics that are no estimates; where there is no other one, no list of proxies is looked up."""


@dataclass(frozen=True, slots=True)
class EstimatorQuality:
    """One estimator of a run.

    Attributes:
        name: what estimated: `fidelity 0.25`, or a proxy's name.
        selected: whether the arches that were fully trained were chosen by it: then it ranks them worse than it would
            rank any arches, as those that it put last are missing.
        agreement: with the first objective after full training, lower is better in both.
    """

    name: str
    selected: bool
    agreement: Agreement


def estimator_qualities(records: Sequence[Record], objective: Objective) -> list[EstimatorQuality]:
    """All estimators for which three arches or more were also fully trained.

    An estimate is a lower fidelity of the same metric, or a proxy among the metrics. Repeats count by their means;
    records that break limits are left out.

    Example:
        >>> from netwright.core import Arch
        >>> records = [
        ...     Record(2 * x + (fidelity == 1), Arch({"x": x}), fidelity, losses=(x + (x == 2 and fidelity < 1) * 9.0,))
        ...     for x in range(6)
        ...     for fidelity in (0.25, 1.0)
        ... ]
        >>> (found,) = estimator_qualities(records, Objective("loss"))
        >>> found.name, found.agreement.n, round(found.agreement.tau, 2)
        ('fidelity 0.25', 6, 0.6)
    """
    levels: dict[float, dict[object, float]] = {}
    proxies: dict[str, dict[object, float]] = {}
    names = _proxies({name for record in records for name in record.metrics} - _USUAL - {objective.metric})
    for one in averaged(records):
        record = one.first
        if one.violation == 0:
            levels.setdefault(record.fidelity, {})[record.arch] = one.losses[0]
        for name in names & record.metrics.keys():
            proxies.setdefault(name, {})[record.arch] = -record.metrics[name]  # more is better in each of them
    full = levels.pop(1.0, {})
    found = [_quality(f"fidelity {level:.3g}", levels[level], full, selected=True) for level in sorted(levels)]
    found += [_quality(name, proxies[name], full, selected=False) for name in sorted(proxies)]
    return [one for one in found if one.agreement.n >= _LEAST]


def _quality(name: str, cheap: dict[object, float], full: dict[object, float], *, selected: bool) -> EstimatorQuality:
    both = [arch for arch in full if arch in cheap]
    return EstimatorQuality(name, selected, agreement([cheap[arch] for arch in both], [full[arch] for arch in both]))


def _proxies(names: set[str]) -> set[str]:
    """Those that are zero-cost proxies."""
    return {name for name in names if name in registry.proxies} if names else set()
