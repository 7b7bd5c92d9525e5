"""`Request`: a search as it was asked for, with every name resolved and everything checked before any training."""

from __future__ import annotations

import re
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

from netwright.automl.buildable import first_buildable
from netwright.automl.given import lasting_name, space_from, task_or_function
from netwright.automl.progress import Progress
from netwright.automl.run_facts import data_facts, facts_of
from netwright.automl.shortcuts import Shortcuts, shortcuts_from
from netwright.automl.warm_start import earlier_records
from netwright.core import Budget, Constraint, Objective, Record, constraints_from, objectives_from
from netwright.core.errors import InvalidInput, unknown
from netwright.core.protocols import Evaluator
from netwright.evaluators import Function, Training, TrainingPlan
from netwright.methods.recipes import recipe_from
from netwright.models.device import checked_device
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
    warm_start: tuple[Record, ...]
    device: str
    plan: TrainingPlan | None
    shortcuts: Shortcuts
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
    warm_start: Any,
    device: str,
    target: str | None,
    kind: Kind | None,
    plan: TrainingPlan | None,
    stop: Any,
    inherit: bool,
    progress: Progress,
    started: float,
) -> Request:
    """Everything resolved and checked, before anything is trained."""
    from netwright import __version__

    workers = _whole("workers", workers, least=1)
    seed = _whole("seed", seed, least=0)
    if task is None and evaluator is None:
        raise InvalidInput("a search needs data, a function of an arch, or an `evaluator`.")
    if plan is not None and not isinstance(plan, TrainingPlan):
        raise InvalidInput(f"`plan` must be a TrainingPlan, but got a {type(plan).__name__}.")
    limits = constraints_from(constraints)
    earlier, folder = earlier_records(warm_start)
    if evaluator is not None and not callable(evaluator):
        raise InvalidInput(f"`evaluator` must be callable with a candidate and a context, but got {evaluator!r}.")
    given = None if task is None else task_or_function(task, seed=seed, target=target, kind=kind)
    known = given if isinstance(given, Task) else None
    found, name = space_from(space, known, method=method)
    if known is None:
        wanted = objectives_from("min:loss" if objectives is None else objectives)
        evaluator = evaluator or Function(given, wanted[0].metric)  # type: ignore[arg-type]  # callable, by the above
    else:
        wanted = objectives_from(known.metric if objectives is None else objectives)
        if evaluator is None:
            _check_metrics(known, wanted, limits)
            Training(found, known, plan)  # complains now if the space's training choices don't fit
            first_buildable(found, known, seed=seed)
    measured = _MEASURED[known.kind] if known is not None and evaluator is None else None
    shortcuts = shortcuts_from(stop, inherit, objectives=wanted, measured=measured)
    device = "cpu" if known is None and device == "auto" else checked_device(device)
    expected = budget.candidates
    # Complains now, if at all.
    recipe, called = recipe_from(method, found, expected_candidates=expected, n_objectives=len(wanted))
    if recipe.prepare is not None and evaluator is not None:
        raise InvalidInput(
            f"the method {called!r} trains what networks share, so it needs data, but there is a function or an "
            "`evaluator` of your own: use 'regularized_evolution' or 'auto' for that, or give data."
        )
    method_facts = {
        "name": method if isinstance(method, str) else _name_of(method),
        "given": method if isinstance(method, str) else None,
        "repr": _lasting_repr(method),
        "text": "",
    }
    label = {"data": lasting_name(str(task)), "target": target, "kind": kind} if isinstance(task, (str, Path)) else None
    facts = facts_of(
        version=__version__,
        data=None if known is None else data_facts(known, label),
        function=None if evaluator is None else _name_of(given if isinstance(evaluator, Function) else evaluator),
        space=found,
        space_given=name,
        method=method_facts,
        budget=budget,
        objectives=wanted,
        constraints=limits,
        seed=seed,
        warm_start=None if not earlier else {"given": folder, "records": earlier},
        workers=workers,
        device=device,
        asked_plan="auto" if plan is None else repr(plan),
        shortcuts=shortcuts.facts,
    )
    return Request(
        found, name, known, evaluator, method, budget, wanted, limits, workers, seed, earlier, device, plan, shortcuts,
        started, progress, facts,
    )  # fmt: skip


def _whole(name: str, given: Any, *, least: int) -> int:
    """A whole number, also one of numpy's."""
    if not isinstance(given, Integral) or isinstance(given, bool) or given < least:
        raise InvalidInput(f"`{name}` must be a whole number of at least {least}, but got {given!r}.")
    return int(given)


def _check_metrics(task: Task, objectives: tuple[Objective, ...], constraints: tuple[Constraint, ...]) -> None:
    known = [*_MEASURED[task.kind], *COSTS, "train_loss", "epochs"]
    for name in [wish.metric for wish in objectives] + [limit.metric for limit in constraints]:
        if name not in known:
            raise unknown(f"metric of a {task.kind} task", name, known)


def _name_of(given: Any) -> str:
    """What people call a function or an object."""
    return str(getattr(given, "__qualname__", type(given).__qualname__))


def _lasting_repr(given: Any) -> str:
    """A text that is the same in every process, and tells objects apart where they say what they are."""
    if hasattr(given, "__qualname__"):  # a function or class
        return f"{given.__module__}.{given.__qualname__}"
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(given))
