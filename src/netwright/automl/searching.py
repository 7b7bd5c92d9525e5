"""`search`, `resume`, `load_result`: from data, a space and a budget to a trained model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from netwright.automl.progress import Progress, Quiet
from netwright.automl.request import request_of
from netwright.automl.result import Result, result_of_folder
from netwright.automl.running import place_of, run_request
from netwright.core import Budget, Constraint, Objective
from netwright.core.errors import InvalidInput, RunError
from netwright.core.protocols import Evaluator
from netwright.evaluators import TrainingPlan
from netwright.evaluators.training import cached_examples
from netwright.runtime import RunFolder
from netwright.tasks.kinds import Kind

__all__ = ["load_result", "resume", "search"]


def search(
    space: Any,
    task: Any = None,
    *,
    method: Any = "auto",
    budget: str | Budget = "10m",
    objectives: str | Objective | Sequence[str | Objective] | None = None,
    constraints: str | Constraint | Sequence[str | Constraint] | None = None,
    evaluator: Evaluator | None = None,
    workers: int = 1,
    out: str | Path | None = None,
    seed: int = 0,
    warm_start: Any = None,
    device: str = "auto",
    target: str | None = None,
    kind: Kind | None = None,
    plan: TrainingPlan | None = None,
    stop: Any = None,
    inherit: bool = False,
    progress: Progress | None = None,
    started: float | None = None,
) -> Result:
    """Search a space, train the winner, and give back a trained model with an honest account of it.

    Args:
        space: a `Space`; `auto` or the name of a ready-made one; `file.py:name`; or a function that returns one.
        task: the data: a known name or path, (X, y), a data frame (with `target`), a dataset of pairs, a `Task`.
            Or any function from an arch to a number (minimised) or to a mapping of metrics.
        method: how to explore: a name (`netwright list methods`), a recipe or a strategy.
        budget: `10m`, `200 candidates`, or both. With a time, all of it ends in time, the final training included,
            which may take up to 65 % of it.
        objectives: what is wanted, such as `accuracy` or `["accuracy", "min:params"]`; the first one picks the winner.
            The task's own metric if not given.
        constraints: limits, such as `params<=100k`. Costs (params, flops, activation_mb) are checked before training.
        evaluator: scores candidates instead of training on the task.
        workers: candidates that are evaluated at once, each in a process of its own.
        out: the folder that keeps the run. If it holds this search already, that goes on.
        seed: of everything random.
        warm_start: an earlier search, on the same space or one that overlaps with it: its result, its history, its
            folder or its records. Its best arches come first, and the strategy goes on from its records.
        device: `cpu`, `cuda`, …; `auto` takes a GPU if there is one.
        target: the target column of a table.
        kind: `classification` or `regression`; found from the targets if not given.
        plan: how candidates and the winner are trained; chosen by the data and the budget if not given.
        stop: when a candidate's training ends before its time: the name of a rule (`netwright list stopping`), a rule
            or a `Stopping`.
        inherit: whether a child begins with its parent's weights, in methods whose candidates have parents.
        progress: is told what happens.
        started: when the budget began, as `time.time()`; now if not given.

    Example:
        >>> result = search("mlp", "blobs", budget="2 candidates", seed=1)
        >>> result.best.metrics["accuracy"] > 0.8
        True

    Raises:
        InvalidInput: for values that can't be; all before anything is trained.
        NotFound: for unknown names.
        RunError: if the folder holds another search.
    """
    started = time.time() if started is None else started
    if isinstance(warm_start, (str, Path)) and out is not None and Path(warm_start).resolve() == Path(out).resolve():
        raise InvalidInput(
            f"a search can't begin with its own records, but `warm_start` and `out` are both {str(out)!r}: leave out "
            "`warm_start`, and the search in this folder goes on."
        )
    request = request_of(
        space,
        task,
        method=method,
        budget=Budget.of(budget),
        objectives=objectives,
        constraints=constraints,
        evaluator=evaluator,
        workers=workers,
        seed=seed,
        warm_start=warm_start,
        device=device,
        target=target,
        kind=kind,
        plan=plan,
        stop=stop,
        inherit=inherit,
        progress=progress or Quiet(),
        started=started,
    )
    try:
        with place_of(out) as (folder, checkpoints):
            return run_request(request, folder, checkpoints)
    finally:
        cached_examples.cache_clear()  # the data are the caller's again


def resume(
    folder: str | Path,
    *,
    budget: str | Budget | None = None,
    progress: Progress | None = None,
    started: float | None = None,
) -> Result:
    """Go on with the search of a folder, with its own settings; a larger budget takes it further.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> _ = search("mlp", "blobs", method="random", budget="1 candidate", out=folder)
        >>> len(resume(folder, budget="2 candidates").history)
        2

    Args:
        folder: the run's.
        budget: of the whole search, what is spent included; the one that it had if not given.
        progress: is told what happens.
        started: when this part of the budget began, as `time.time()`; now if not given.

    Raises:
        RunError: if there is no run, or its data or space had no name that leads to them: call `search` again with
            the same arguments and `out` then.
    """
    path = Path(folder)
    with RunFolder(path, read_only=True) as kept:
        facts = kept.header
    data, space, name = facts.get("data"), facts["space"]["given"], facts["method"]["given"]
    earlier = facts.get("warm_start")
    shortcuts = facts.get("shortcuts") or {"stop": None, "inherit": False, "text": "stop=None"}
    if (
        (data is None or data["given"] is None or space is None or name is None or facts["asked_plan"] != "auto")
        or (earlier is not None and earlier["given"] is None)
        or (shortcuts["stop"] is None and not shortcuts["text"].startswith("stop=None"))
    ):  # fmt: skip
        raise RunError(
            f"the search in {path} was started from Python objects, which a folder can't hold: call netwright.search "
            f"again with the same arguments and out={str(path)!r}; it goes on where it ended."
        )
    seconds, candidates = facts["budget_exact"]
    return search(
        space,
        data["given"]["data"],
        method=name,
        budget=Budget(seconds, candidates) if budget is None else budget,
        objectives=facts["objectives"],
        constraints=facts["constraints"],
        workers=facts["workers"],
        out=path,
        seed=facts["seed"],
        warm_start=None if earlier is None else earlier["given"],
        device=facts["device"],
        target=data["given"]["target"],
        kind=data["given"]["kind"],
        stop=shortcuts["stop"],
        inherit=shortcuts["inherit"],
        progress=progress,
        started=started,
    )


def load_result(folder: str | Path) -> Result:
    """The result of a run folder, also while the search goes on. Nothing is changed.

    The model comes from the folder's own model.py; the data are not loaded, so `predict` is not there.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> _ = search("mlp", "blobs", budget="1 candidate", out=folder)
        >>> load_result(folder).stopped_by
        '1 candidate evaluated'

    Raises:
        RunError: if there is no run.
    """
    return result_of_folder(Path(folder))
