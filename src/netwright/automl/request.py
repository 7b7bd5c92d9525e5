"""`Request`: a search as it was asked for, with every name resolved and everything checked before any training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netwright.automl.given import lasting_name, recipe_from, space_from, task_or_function
from netwright.automl.progress import Progress
from netwright.automl.run_facts import data_facts, facts_of
from netwright.core import Budget, Constraint, Objective, constraints_from, objectives_from
from netwright.core.errors import InvalidInput, unknown
from netwright.core.protocols import Evaluator
from netwright.evaluators import Function, Training, TrainingPlan
from netwright.spaces import Space
from netwright.tasks import Task
from netwright.tasks.kinds import Kind

__all__ = ["COSTS", "Request", "request_of"]

COSTS = ("params", "flops", "activation_mb")
"""Metrics that are known before training."""

_MEASURED = {"classification": ("accuracy", "loss"), "regression": ("r2", "rmse", "mae")}


@dataclass(slots=True)
class Request:
    """A search as it was asked for, with every name resolved."""

    space: Space
    space_given: str | None
    task: Task | None
    evaluator: Evaluator | None
    method: Any
    budget: Budget
    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...]
    workers: int
    seed: int
    device: str
    plan: TrainingPlan | None
    started: float
    progress: Progress
    facts: dict[str, Any]


def request_of(
    space: Any,
    task: Any,
    *,
    method: Any,
    budget: Budget,
    objectives: Any,
    constraints: Any,
    evaluator: Evaluator | None,
    workers: int,
    seed: int,
    device: str,
    target: str | None,
    kind: Kind | None,
    plan: TrainingPlan | None,
    progress: Progress,
    started: float,
) -> Request:
    """Everything resolved and checked, before anything is trained."""
    from netwright import __version__

    if not isinstance(workers, int) or isinstance(workers, bool) or workers < 1:
        raise InvalidInput(f"`workers` must be a whole number of at least 1, but got {workers!r}.")
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise InvalidInput(f"`seed` must be a whole number of at least 0, but got {seed!r}.")
    if task is None and evaluator is None:
        raise InvalidInput("a search needs data, a function of an arch, or an `evaluator`.")
    if plan is not None and not isinstance(plan, TrainingPlan):
        raise InvalidInput(f"`plan` must be a TrainingPlan, but got a {type(plan).__name__}.")
    limits = constraints_from(constraints)
    given = None if task is None else task_or_function(task, seed=seed, target=target, kind=kind)
    known = given if isinstance(given, Task) else None
    found, name = space_from(space, known)
    if known is None:
        wanted = objectives_from("min:loss" if objectives is None else objectives)
        evaluator = evaluator or Function(given, wanted[0].metric)  # type: ignore[arg-type]  # callable, by the above
        device = "cpu" if device == "auto" else device
    else:
        wanted = objectives_from(known.metric if objectives is None else objectives)
        if evaluator is None:
            _check_metrics(known, wanted, limits)
            Training(found, known, plan)  # complains now if the space's training choices don't fit
        device = _device(device)
    expected = budget.candidates
    recipe_from(method, found, expected_candidates=expected)  # complains now if there is no such method
    method_given = method if isinstance(method, str) else None
    label = {"data": lasting_name(str(task)), "target": target, "kind": kind} if isinstance(task, (str, Path)) else None
    facts = facts_of(
        version=__version__,
        data=None if known is None else data_facts(known, label),
        space=found,
        space_given=name,
        method={"name": method_given or type(method).__name__, "given": method_given, "repr": repr(method), "text": ""},
        budget=budget,
        objectives=wanted,
        constraints=limits,
        seed=seed,
        workers=workers,
        device=device,
        asked_plan="auto" if plan is None else repr(plan),
    )
    return Request(
        found, name, known, evaluator, method, budget, wanted, limits, workers, seed, device, plan, started, progress,
        facts,
    )  # fmt: skip


def _check_metrics(task: Task, objectives: tuple[Objective, ...], constraints: tuple[Constraint, ...]) -> None:
    known = [*_MEASURED[task.kind], *COSTS, "train_loss", "epochs"]
    for name in [wish.metric for wish in objectives] + [limit.metric for limit in constraints]:
        if name not in known:
            raise unknown(f"metric of a {task.kind} task", name, known)


def _device(name: str) -> str:
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        first = str(error).strip().partition("\n")[0]
        raise InvalidInput(f"the device {name!r} can't be used here: {first} Use device='auto' or 'cpu'.") from error
    return name
