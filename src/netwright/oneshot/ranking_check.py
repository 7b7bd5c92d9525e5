"""`check_ranking`: do shared weights order arches as standalone training does? A few trainings tell."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from netwright.core import Arch, Candidate, Context
from netwright.core.errors import InvalidInput, NetwrightError
from netwright.core.protocols import Evaluator, SearchSpace
from netwright.oneshot.diary import Diary, Ranking

__all__ = ["check_ranking", "random_arches"]

_log = logging.getLogger(__name__)
_TRIES = 20  # for each arch that is wanted


def check_ranking(
    arches: Iterable[Arch],
    shared: Evaluator,
    standalone: Evaluator,
    *,
    metric: str = "accuracy",
    context: Context | None = None,
    diary: Diary | None = None,
    title: str = "",
) -> Ranking:
    """Score arches by shared weights and by standalone training, and see whether the two agree in their order.

    Twenty arches tell whether it is better than chance, forty how much. An arch that one of the two can't score is
    left out.

    Args:
        arches: that are scored; see `random_arches`.
        shared: scores by shared weights, such as a `SupernetEvaluator`.
        standalone: scores by training, such as `Training`.
        metric: of both.
        context: what they may use; its seed is the same for all, and nothing is read from or left in its folder.
        diary: is told the outcome, so that it is in the report.
        title: how the shared weights were used, for the diary.

    Example:
        >>> def shared(candidate, context):
        ...     return {"accuracy": candidate.arch["width"] / 100}
        >>> def standalone(candidate, context):
        ...     return {"accuracy": candidate.arch["width"] ** 0.5 / 10}
        >>> check_ranking([Arch({"width": width}) for width in (8, 16, 64)], shared, standalone).tau
        1.0

    Raises:
        InvalidInput: if an evaluator doesn't give the metric.
    """
    given = Context() if context is None else context
    scores: list[tuple[float, float]] = []
    for number, arch in enumerate(arches):
        pair = []
        for evaluator in (shared, standalone):
            try:
                found = evaluator(Candidate(number, arch), replace(given, checkpoints=None, curves={}, partial=None))
            except NetwrightError as error:
                _log.warning("an arch is left out of the comparison of rankings: %s", error)
                break
            if metric not in found:
                raise InvalidInput(f"`metric` must be one of {', '.join(found)}, but is {metric!r}.")
            pair.append(float(found[metric]))
        if len(pair) == 2 and all(map(math.isfinite, pair)):
            scores.append((pair[0], pair[1]))
    ranking = Ranking(title, tuple(pair[0] for pair in scores), tuple(pair[1] for pair in scores))
    if diary is not None:
        diary.ranking(title, ranking.shared, ranking.standalone)
    return ranking


def random_arches(space: SearchSpace, n: int, *, seed: int = 0) -> list[Arch]:
    """Different random arches; fewer than `n` where the space hasn't as many.

    Example:
        >>> from netwright import Space, choice
        >>> sorted(arch["x"] for arch in random_arches(Space({"x": choice([1, 2])}), 5))
        [1, 2]
    """
    rng = np.random.default_rng((seed, n))
    found: dict[Arch, None] = {}
    for _ in range(_TRIES * n):
        if len(found) >= n:
            break
        found[space.canonical(space.sample(rng))] = None
    return list(found)
