"""The header of a run: what was asked for, as plain data, and whether a folder holds the same search."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from netwright.core import Budget, Constraint, Objective, Record
from netwright.core.errors import RunError, problems
from netwright.reports import environment
from netwright.spaces import Space
from netwright.strategies import Random, WarmStarted
from netwright.tasks import Task

__all__ = ["data_facts", "facts_of", "same_search"]

_MUST_AGREE = {
    "data": ("data", "digest"),
    "function": ("function",),
    "space": ("space", "digest"),
    "method": ("method", "repr"),
    "objectives": ("objectives",),
    "constraints": ("constraints",),
    "seed": ("seed",),
    "warm start": ("warm_start", "digest"),
    "training plan": ("asked_plan",),
    "shortcuts": ("shortcuts", "text"),
}


def data_facts(task: Task, given: Any) -> dict[str, Any]:
    """What is known about the data; `given` is how it was named, if it was."""
    digest = blake2b(digest_size=6)
    for split in (task.train, task.validation, task.test):
        for array in (split.inputs, split.targets):
            digest.update(str((array.shape, array.dtype)).encode())
            digest.update(np.ascontiguousarray(array).data)
    return {
        "name": task.name,
        "given": given,
        "digest": digest.hexdigest(),
        "kind": task.kind,
        "sizes": {"train": len(task.train), "validation": len(task.validation), "test": len(task.test)},
        "input_shape": list(task.input_shape),
        "n_outputs": task.n_outputs,
        "classes": [str(label) for label in task.classes],
        "notes": list(task.notes),
    }


def facts_of(
    *,
    version: str,
    data: Mapping[str, Any] | None,
    function: str | None,
    space: Space,
    space_given: str | None,
    method: Mapping[str, Any],
    budget: Budget,
    objectives: tuple[Objective, ...],
    constraints: tuple[Constraint, ...],
    seed: int,
    warm_start: Mapping[str, Any] | None,
    workers: int,
    device: str,
    asked_plan: str,
    shortcuts: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The header, all of it JSON."""
    size = space.size()
    facts = {
        "netwright": version,
        "name": "function" if data is None else data["name"],
        "data": data,
        "function": function,
        "space": {
            "name": space.name,
            "given": space_given,
            "digest": space.digest,
            "size": size if size != float("inf") else None,
            "text": f"{space.name}\n{space.describe()}",
        },
        "default_arch": dict(space.default()),
        "method": dict(method),
        "budget": str(budget),
        "budget_exact": [budget.seconds, budget.candidates],
        "objectives": [str(objective) for objective in objectives],
        "constraints": [f"{limit.metric}{limit.sense}{limit.limit:.12g}" for limit in constraints],
        "seed": seed,
        "warm_start": None if warm_start is None else _earlier(**warm_start),
        "workers": workers,
        "device": device,
        "asked_plan": asked_plan,
        "shortcuts": shortcuts,
        "plan": None,
        "environment": environment(),
    }
    return json.loads(json.dumps(facts))  # tuples become lists, as when it is read again


def _earlier(given: str | None, records: Sequence[Record]) -> dict[str, Any]:
    digest = WarmStarted(Random(), records).digest
    return {"given": given, "name": f"{len(records)} earlier records", "digest": digest}


def same_search(known: Mapping[str, Any], asked: Mapping[str, Any], *, folder: str) -> None:
    """Check that a folder's search is the one that is asked for, but for budget, workers and device.

    Raises:
        RunError: naming everything that differs.
    """
    wrong = []
    for name, path in _MUST_AGREE.items():
        was, now = _at(known, path), _at(asked, path)
        if was != now:
            shown = _at(known, (path[0], "name")) or was, _at(asked, (path[0], "name")) or now
            more = " of other contents" if shown[0] == shown[1] else ""
            wrong.append(f"{name}: there it is {shown[0]}, here {shown[1]}{more}.")
    if wrong:
        raise RunError(problems(f"{folder} holds another search, so it can't go on: choose another folder", wrong))


def _at(facts: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = facts
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
