"""How a search uses its budget: epochs for each candidate, and what is kept for the final training.

With a limit in time, a short measurement on the space's default arch says how fast it trains; from that follow the
share of the data and the epochs of a candidate, and the epochs of the final training. With a limit in candidates only,
epochs depend on the data's size alone, so everything is reproducible to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from netwright.core import Budget
from netwright.core.quantity import count_text, seconds_text
from netwright.evaluators import Pace, Speed, TrainingPlan
from netwright.evaluators.pace import FALL
from netwright.tasks import Task

__all__ = [
    "FINAL_SHARE",
    "LEAST_EXAMPLES",
    "LEAST_SEARCH_SHARE",
    "PACE_SHARE",
    "PREPARATION_SHARE",
    "SearchPlan",
    "plan_at_pace",
    "plan_for_candidates",
    "plan_for_seconds",
    "plan_under",
]

FINAL_SHARE = 0.65
"""The share of a time budget that the final training may take at most."""

PREPARATION_SHARE = 0.6
"""The share of a search's time that a method's preparation may take."""

LEAST_SEARCH_SHARE = 0.15
"""The share of a search's time that is left for candidates even where a preparation takes too long."""

PACE_SHARE = 0.01
"""The share of a time budget that measuring how fast arches train may take."""

LEAST_EXAMPLES = 500
"""Of the train part, for a candidate."""

_LEAST_EPOCHS = 3  # of a candidate, on as much of the data as then fits
_MOST_EPOCHS = 40  # of a candidate
_WORTH_HALVING = 8  # candidates: with fewer, all are trained fully
_LEAST_EPOCHS_HALVED = 8  # of a candidate where an eighth of the training is compared first: one epoch then
_SHARE_OF_HALVING = 1 / 8 + 1 / 8 * 7 / 8  # of full trainings for all: each an eighth, and one in eight the rest
_MOST_FINAL_EPOCHS = 80
_LEAST_FINAL_EPOCHS = 12  # dearer arches, which the final training couldn't pass over this often, are left out
_MANY_PASSES = 60  # over the data, from which on augmentation may be as strong as usual
_SCORING = 0.4  # of the time that training on an example takes
_OVERHEAD = 0.1  # seconds of a candidate beside its training
_WRITING = 2.0  # seconds kept for scoring, writing and ending


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """How the budget is used.

    Attributes:
        training: of each candidate.
        n_train: examples of the train part that candidates see; with a pace, those that the default arch sees.
        final: training of the winner, on the train and validation parts together.
        search_seconds: when the search ends, counted from the start; None: no limit in time.
        final_seconds: for the final training; None: as long as its epochs take.
        flops_limit: dearer arches are not trained; None: no limit.
        expected_candidates: how many candidates will fit, about.
        fidelities: the shares of that training at which candidates are compared, ascending; the best go on.
        pace: how long an example takes an arch, where dearer ones see fewer examples; None: each sees as many as the
            others.
        pace_seconds: that an example takes the default arch, by this pace.
        pace_power: see `evaluators.AtPace`.
        notes: what the user should know.
    """

    training: TrainingPlan
    n_train: int
    final: TrainingPlan
    search_seconds: float | None = None
    final_seconds: float | None = None
    flops_limit: float | None = None
    expected_candidates: int | None = None
    notes: tuple[str, ...] = ()
    fidelities: tuple[float, ...] = (1.0,)
    pace: Pace | None = None
    pace_seconds: float = 0.0
    pace_power: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """As plain data, for the run's header."""
        return {**asdict(self), "notes": list(self.notes), "fidelities": list(self.fidelities)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SearchPlan:
        """What `to_json` gave."""
        plans = {name: TrainingPlan(**data[name]) for name in ("training", "final")}
        tuples = {name: tuple(data[name]) for name in ("notes", "fidelities") if name in data}
        pace = None if data.get("pace") is None else Pace(**data["pace"])
        return cls(**{**data, **plans, **tuples, "pace": pace})


def plan_for_candidates(task: Task, base: TrainingPlan, n_candidates: int, *, fixed: bool = False) -> SearchPlan:
    """The plan of a budget without a limit in time.

    Args:
        task: the data.
        base: how to train; its epochs are used if `fixed`.
        n_candidates: the budget.
        fixed: whether the user chose the epochs.

    Example:
        >>> from netwright.tasks import load
        >>> plan = plan_for_candidates(load("blobs"), TrainingPlan(), 20)
        >>> plan.training.epochs, plan.final.epochs
        (40, 80)
    """
    epochs = base.epochs if fixed else min(_MOST_EPOCHS, max(6, round(300_000 / len(task.train))))
    final = base.epochs if fixed else min(_MOST_FINAL_EPOCHS, 2 * epochs)
    return SearchPlan(
        _plan_of(base, epochs, epochs, fixed=fixed),
        len(task.train),
        _plan_of(base, final, final, fixed=fixed),
        expected_candidates=n_candidates,
        notes=(f"each candidate trains for {epochs} epochs on all of the train part, the winner for {final}.",),
    )


def plan_for_seconds(
    task: Task,
    base: TrainingPlan,
    budget: Budget,
    speed: Speed,
    *,
    flops: float,
    used_seconds: float,
    workers: int = 1,
    fixed: bool = False,
    halving: bool = False,
) -> SearchPlan:
    """The plan of a budget with a limit in time.

    Args:
        task: the data.
        base: how to train; its epochs are used for candidates and the winner if `fixed`.
        budget: with seconds.
        speed: of the space's default arch.
        flops: of the default arch, for one example.
        used_seconds: of the budget, so far.
        workers: how many candidates are trained at once (each is slower by that, more or less).
        fixed: whether the user chose the epochs.
        halving: whether the method can compare candidates after a part of their training, and go on with the best.
    """
    assert budget.seconds is not None
    total = budget.seconds
    margin = _WRITING + 0.02 * total if total >= 20 else 0.15 * total
    left = max(0.1 * total, total - used_seconds - margin)
    each = speed.seconds_per_example
    n_all = len(task.train) + len(task.validation)
    an_epoch = max(each * n_all, 1e-3)
    most_final = base.epochs if fixed else _MOST_FINAL_EPOCHS
    # A final training that needs less time than its share leaves the rest to the search.
    final_seconds = min(FINAL_SHARE * left, 1.25 * an_epoch * most_final)
    search = max(left - final_seconds, 0.05 * total)
    count = _expected(search, budget.candidates)
    if budget.candidates is None:  # where the longest training takes less than a candidate's share, there will be more
        longest = each * (_MOST_EPOCHS * len(task.train) + _SCORING * len(task.validation)) + _OVERHEAD
        count = max(count, int(search * workers / longest))
    halved = halving and not fixed and budget.candidates is None and count >= _WORTH_HALVING
    for_each = max(0.0, search * workers / count - _OVERHEAD) / workers
    if halved:  # what is saved goes into more candidates and longer trainings alike
        gain = (1 / _SHARE_OF_HALVING) ** 0.5
        count, for_each = round(gain * count), gain * for_each
    least = _LEAST_EPOCHS_HALVED if halved else _LEAST_EPOCHS
    epochs, n_train = _epochs_and_examples(len(task.train), len(task.validation), each, for_each, least)
    if halved:
        epochs -= epochs % _LEAST_EPOCHS_HALVED
    n_train = max(n_train, min(len(task.train), len(task.classes)))  # one of each class, or it can't be divided
    if fixed:
        epochs, n_train = base.epochs, len(task.train)
        count = max(1, int(search / (epochs * n_train * each + _OVERHEAD)))
    # The final schedule follows the clock: its epochs are an upper limit, whatever was measured here.
    affordable = max(1.0, final_seconds / an_epoch / _LEAST_FINAL_EPOCHS)
    limit = None if fixed or affordable >= 20 or not flops else flops * max(1.25, affordable)
    first = ""
    if halved:
        first = f"; first for {epochs // _LEAST_EPOCHS_HALVED}, and the best eighth to the end"
    notes = [
        f"{speed.precision} trains fastest here: {speed_text(speed)}.",
        f"each candidate trains for {epochs} epochs on {n_train:,} of {len(task.train):,} examples{first}.",
        f"up to {seconds_text(final_seconds)} ({100 * final_seconds / total:.0f} % of the budget) are for the winner.",
    ]
    if limit is not None:
        reason = "the final training would be too short for them"
        notes.append(f"arches of more than {count_text(limit)} FLOPs are left out: {reason}.")
    precise = replace(base, precision=speed.precision)
    return SearchPlan(
        _plan_of(precise, epochs, epochs, fixed=fixed),
        n_train,
        _plan_of(precise, most_final, min(most_final, final_seconds / an_epoch), fixed=fixed),
        total - margin - final_seconds,
        final_seconds,
        limit,
        count,
        tuple(notes),
        (1 / _LEAST_EPOCHS_HALVED, 1.0) if halved else (1.0,),
    )


def plan_at_pace(plan: SearchPlan, pace: Pace | None, costs: Mapping[str, float]) -> SearchPlan:
    """The same plan with candidates of which those that train faster see more of the data: see `evaluators.AtPace`.

    Args:
        plan: whose candidates see a part of the data, and whose winner has so many seconds.
        pace: how long an example takes an arch; None: it isn't known, and the plan stays as it is.
        costs: of the default arch, which is trained as planned.

    Example:
        >>> plan = SearchPlan(
        ...     TrainingPlan(epochs=8), 500, TrainingPlan(), final_seconds=400.0, notes=("measured.", "8 epochs each.")
        ... )
        >>> plan = plan_at_pace(plan, Pace(0.0, 0.01, 0.0), {"flops": 1e6, "activation_mb": 1.0})
        >>> plan.pace_seconds, round(plan.pace_power, 3)
        (0.01, 0.447)
    """
    if pace is None or not plan.final_seconds:
        return plan
    seconds = pace.seconds(costs)
    share = seconds * plan.training.epochs * plan.n_train / plan.final_seconds
    note = "arches that train faster than the default one see more examples, slower ones fewer."
    return replace(
        plan,
        pace=pace,
        pace_seconds=seconds,
        pace_power=min(1.0, share) ** FALL,
        notes=(*plan.notes[:2], note, *plan.notes[2:]),
    )


def plan_under(plan: SearchPlan, seconds_before: float | None, budget: Budget) -> SearchPlan:
    """The plan of an earlier search under another budget: candidates are trained as they were, the end moves.

    Example:
        >>> plan = SearchPlan(TrainingPlan(), 100, TrainingPlan(), search_seconds=20.0, final_seconds=30.0)
        >>> longer = plan_under(plan, 60.0, Budget.of("2m"))
        >>> longer.search_seconds, longer.final_seconds
        (40.0, 60.0)
    """
    if budget.seconds is None:
        return replace(plan, search_seconds=None, final_seconds=None)
    if seconds_before is None or plan.search_seconds is None or plan.final_seconds is None:
        final_seconds = FINAL_SHARE * budget.seconds
        return replace(plan, search_seconds=0.95 * budget.seconds - final_seconds, final_seconds=final_seconds)
    factor = budget.seconds / seconds_before
    return replace(plan, search_seconds=plan.search_seconds * factor, final_seconds=plan.final_seconds * factor)


def speed_text(speed: Speed) -> str:
    """Examples a second by precision, for people."""
    return ", ".join(f"{name} {1 / each:,.0f} examples/s" for name, each in speed.compared.items())


def _plan_of(base: TrainingPlan, epochs: int, passes: float, *, fixed: bool) -> TrainingPlan:
    """The plan of so many epochs, of which so many passes fit into the time.

    Unless the user chose it, images are shifted less where the passes are few: networks don't overfit then, but learn
    slower.
    """
    crop = base.crop if fixed or passes >= _MANY_PASSES else min(base.crop, 1)
    return replace(base, epochs=epochs, crop=crop)


def _expected(seconds: float, limit: int | None) -> int:
    """How many candidates to aim at: more time gives more of them, and more time for each."""
    aim = max(4, round(10 * math.sqrt(seconds / 100)))
    return aim if limit is None else max(1, min(aim, limit))


def _epochs_and_examples(n: int, n_validation: int, each: float, seconds: float, least: int) -> tuple[int, int]:
    """Epochs and examples of a candidate's training that take about so many seconds."""
    scoring = _SCORING * each * n_validation
    passes = max(1.0, (seconds - scoring) / each)  # examples that can be trained on, counted again in each epoch
    epochs = min(_MOST_EPOCHS, int(passes / n))
    if epochs >= least:
        return epochs, n
    return least, max(min(n, LEAST_EXAMPLES), min(n, int(passes / least)))
