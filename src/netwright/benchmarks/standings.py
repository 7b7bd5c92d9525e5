"""What a comparison says of one method (`Standing`), and of two (`Difference`)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from netwright.benchmarks import statistics
from netwright.benchmarks.runs import Run
from netwright.core import Objective

__all__ = ["Difference", "Standing", "differences_of", "standing_of"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

_SAME = 1e-9  # relative: an optimum that is met


@dataclass(frozen=True, slots=True)
class Standing:
    """How a method did on a benchmark; all but `method` and `error` is NaN or 0 where it refused the space.

    Attributes:
        method: its name.
        mean_rank: among the methods, over the seeds, by the incumbent after the last query; 1 is the best.
        anytime_rank: the same after each query, and the mean of all: how good it is on the way.
        median, worse_quartile, better_quartile: of the objective's metric over the seeds, after the last query.
        test_median: the median of the incumbents' test metric.
        optimum_share: the share of seeds that have found an arch as good as the best of the table.
        queries_to_optimum: the median number of queries until then; infinite if half the seeds or more haven't.
        simulated_seconds: the median time of a run on the simulated clock.
        n_queries: the median number of evaluations.
        distinct_share: the share of evaluations that were of a network not evaluated before.
        failed_share: the share of evaluations that gave nothing.
        query_ms: real milliseconds for each query, nearly all of them the method's own; the median of the runs.
        n_broken: how many runs ended with an error; what they had found until then counts.
        error: the first of the errors, or why the method refused the space.
    """

    method: str
    mean_rank: float = math.nan
    anytime_rank: float = math.nan
    median: float = math.nan
    worse_quartile: float = math.nan
    better_quartile: float = math.nan
    test_median: float = math.nan
    optimum_share: float = math.nan
    queries_to_optimum: float = math.nan
    simulated_seconds: float = math.nan
    n_queries: float = 0.0
    distinct_share: float = math.nan
    failed_share: float = math.nan
    query_ms: float = math.nan
    n_broken: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """Two methods after the last query, seed by seed.

    Attributes:
        better: the one with the better mean rank among the two (or the first, where it is the same).
        worse: the other one.
        wins, draws, losses: on how many seeds the better one is better, equal, worse.
        p: two-sided, of Wilcoxon's signed-rank test, before the correction.
        p_corrected: Holm's correction for the number of pairs.
    """

    better: str
    worse: str
    wins: int
    draws: int
    losses: int
    p: float
    p_corrected: float

    @property
    def significant(self) -> bool:
        """Whether chance would do this less than once in twenty times, with all pairs taken together."""
        return self.p_corrected < 0.05


def standing_of(
    runs: Sequence[Run], losses: Numbers, ranks: Numbers, goal: Objective, optimum: float | None
) -> Standing:
    """A method's standing from its runs.

    Args:
        runs: one for each seed.
        losses: of its incumbents, shape (seeds, queries).
        ranks: among all methods, shape (seeds, queries).
        goal: the objective.
        optimum: the best value there is, or None.
    """
    better, median, worse = (goal.value(float(one)) for one in statistics.quartiles(losses[:, -1]))
    tests = np.array([run.tests[-1] if run.tests else math.nan for run in runs])
    n_queries = sum(run.n_queries for run in runs)
    broken = [run.error for run in runs if run.error is not None]
    reached, until = math.nan, math.nan
    if optimum is not None:
        best = goal.loss({goal.metric: optimum})
        there = losses <= best + _SAME * max(abs(best), 1e-3)
        first = np.where(there.any(axis=1), 1.0 + there.argmax(axis=1), math.inf)
        reached, until = float(there[:, -1].mean()), float(statistics.quartiles(first)[1])
    return Standing(
        method=runs[0].method,
        mean_rank=float(ranks[:, -1].mean()),
        anytime_rank=float(ranks.mean()),
        median=median,
        worse_quartile=worse,
        better_quartile=better,
        test_median=float(np.nanmedian(tests)) if not np.isnan(tests).all() else math.nan,
        optimum_share=reached,
        queries_to_optimum=until,
        simulated_seconds=float(np.median([run.total_seconds for run in runs])),
        n_queries=float(np.median([run.n_queries for run in runs])),
        distinct_share=sum(run.n_distinct for run in runs) / n_queries if n_queries else math.nan,
        failed_share=sum(run.n_failed for run in runs) / n_queries if n_queries else math.nan,
        query_ms=1e3 * float(np.median([run.wall_seconds / max(run.n_queries, 1) for run in runs])),
        n_broken=len(broken),
        error=broken[0] if broken else None,
    )


def differences_of(methods: Sequence[str], losses: Numbers) -> list[Difference]:
    """Every pair of methods, the clearest first.

    Args:
        methods: their names.
        losses: shape (methods, blocks): what is compared block by block.

    Example:
        >>> found = differences_of(["a", "b"], np.array([[1.0, 2.0, 3.0, 4.0, 5.0], [1.5, 3.0, 4.5, 6.0, 7.5]]))
        >>> found[0].better, found[0].wins, found[0].p, found[0].significant
        ('a', 5, 0.0625, False)
    """
    pairs = list(itertools.combinations(range(len(methods)), 2))
    p_values = np.array([statistics.signed_rank(losses[i], losses[j]) for i, j in pairs])
    found = []
    for (i, j), p, corrected in zip(pairs, p_values, statistics.holm(p_values), strict=True):
        wins, losing = int((losses[i] < losses[j]).sum()), int((losses[i] > losses[j]).sum())
        if losing > wins:
            i, j, wins, losing = j, i, losing, wins  # noqa: PLW2901  # turned round
        draws = losses.shape[1] - wins - losing
        found.append(Difference(methods[i], methods[j], wins, draws, losing, float(p), float(corrected)))
    return sorted(found, key=lambda one: (one.p_corrected, one.p, one.better, one.worse))
