"""How short a training may be and still rank: measured on a few pilot arches."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from netwright.core import Arch, Candidate, Context, Evaluator, Objective
from netwright.core.errors import InvalidInput, NetwrightError
from netwright.predictors.ranking import Agreement, agreement

__all__ = ["FidelityRanking", "cheapest_that_ranks", "rank_fidelities"]


@dataclass(frozen=True, slots=True)
class FidelityRanking:
    """How one fidelity ranks.

    Attributes:
        fidelity: which.
        agreement: with the full training: Kendall's tau, the best in common, and intervals.
        seconds: what an evaluation took in the mean, from the beginning.
    """

    fidelity: float
    agreement: Agreement
    seconds: float


def rank_fidelities(
    evaluator: Evaluator,
    arches: Sequence[Arch],
    fidelities: Sequence[float],
    context: Context,
    *,
    objective: str | Objective = "accuracy",
) -> list[FidelityRanking]:
    """Train a few arches fully, and see how they would have been ranked on the way.

    Each arch is evaluated at each fidelity, the lowest first. With `Training` and a folder for checkpoints in the
    context, each goes on from the one before, so all of it costs no more than the full trainings. With few arches the
    intervals are wide: they say so.

    Args:
        evaluator: what scores.
        arches: the pilots: random arches of the space, ten or more.
        fidelities: in (0, 1); full training is added.
        context: what evaluations may use; each arch gets a seed of its own.
        objective: by what they are ranked.

    Example:
        >>> def evaluator(candidate, context):
        ...     x = candidate.arch["x"]
        ...     return {"loss": x + (7 * x % 10) * (1 / candidate.fidelity - 1)}
        >>> pilots = [Arch({"x": x}) for x in range(10)]
        >>> found = rank_fidelities(evaluator, pilots, [0.1, 0.5], Context(), objective="min:loss")
        >>> [(one.fidelity, round(one.agreement.tau, 2)) for one in found]
        [(0.1, 0.2), (0.5, 0.57), (1.0, 1.0)]
        >>> cheapest_that_ranks(found, tau=0.5)
        0.5

    Raises:
        InvalidInput: if there are fewer than three arches, a fidelity is out of range, or fewer than three come out.
    """
    wish = Objective.parse(objective) if isinstance(objective, str) else objective
    wrong = [one for one in fidelities if not 0 < one <= 1]
    if len(arches) < 3 or wrong:
        raise InvalidInput(
            "ranking fidelities needs three arches or more and fidelities in (0, 1], but got "
            f"{len(arches)} arches and {list(fidelities)}."
        )
    levels = sorted({*fidelities, 1.0})
    losses: dict[float, list[float]] = {level: [] for level in levels}
    seconds = dict.fromkeys(levels, 0.0)
    for number, arch in enumerate(arches):
        spent = 0.0
        for level in levels:
            own = replace(context, seed=context.seed + number, curves={}, partial=None)
            start = time.perf_counter()
            try:
                metrics = evaluator(Candidate(number, arch, level), own)
            except (NetwrightError, ArithmeticError, RuntimeError):  # it can't be built, diverged, or has no memory
                metrics = {wish.metric: float("nan")}
            spent += time.perf_counter() - start
            seconds[level] += spent / len(arches)
            if wish.metric not in metrics:
                raise InvalidInput(
                    f"`objective` of rank_fidelities must be a metric of the evaluator, but got {wish.metric!r}; there "
                    f"are {', '.join(sorted(metrics))}."
                )
            losses[level].append(wish.loss(metrics))
    found = [FidelityRanking(level, agreement(losses[level], losses[1.0]), seconds[level]) for level in levels]
    if found[-1].agreement.n < 3:
        raise InvalidInput(
            f"ranking fidelities needs three full trainings or more that come out, but {found[-1].agreement.n} of "
            f"{len(arches)} did: give other arches."
        )
    return found


def cheapest_that_ranks(found: Sequence[FidelityRanking], *, tau: float = 0.6) -> float:
    """The lowest fidelity from which on every one reaches this Kendall's tau; 1 if none does.

    Args:
        found: what `rank_fidelities` gave.
        tau: how well it has to rank. 0.6: of two random arches the better one is known with 80 %.
    """
    chosen = 1.0
    for one in sorted(found, key=lambda one: -one.fidelity):
        if one.agreement.tau < tau:
            break
        chosen = one.fidelity
    return chosen
