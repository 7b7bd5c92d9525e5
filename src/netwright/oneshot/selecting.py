"""Many answers out of one supernet: fronts and winners under other objectives and limits, without training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from netwright.core import Budget, Constraint, History, Objective, Record, Strategy, constraints_from, objectives_from
from netwright.core.arch import Decided
from netwright.core.errors import InvalidInput
from netwright.evaluators import Limited, ModelCost, TrainingPlan
from netwright.loop import Search
from netwright.oneshot.architecture_only import ArchitectureOnly, without_training
from netwright.oneshot.evaluator import SupernetEvaluator
from netwright.oneshot.few_shot import SubSupernets
from netwright.oneshot.supernet import Supernet
from netwright.spaces import Space
from netwright.strategies import NSGA2, Deduplicated
from netwright.tasks import Task

__all__ = ["best_within", "explore", "saved_evaluator"]

_POPULATION = 32


def saved_evaluator(
    file: str | Path, space: Space, task: Task, plan: TrainingPlan | None = None, *, device: str = "cpu"
) -> SupernetEvaluator:
    """The supernet that a search left behind, ready to be explored.

    Of a search with `few_shot`, the supernets of all parts are loaded, and each path is scored by the one of its part.

    Args:
        file: `checkpoints/supernet.ckpt` in the folder of the run; those of parts, such as `supernet-0.ckpt`, are
            beside it. One of these scores the arches of its own part alone.
        space, task: of that search.
        plan: its training; what is usual for the data if not given. Its precision counts.
        device: where paths are scored.

    Raises:
        InvalidInput: if the file can't be read, was left by a search of another space, or a part isn't finished.
    """
    plan, file = plan or TrainingPlan.for_task(task), Path(file)
    space = without_training(space)
    supernet, state = _loaded(file, space, task, device)
    epochs = float(state["epochs_done"])
    if not state.get("parts"):
        return SupernetEvaluator(supernet, task, plan, epochs=epochs)
    decision, values = state["parts"]
    if len(values) == 1:
        return SupernetEvaluator(SubSupernets(decision, {values[0]: supernet}), task, plan, epochs=epochs)
    found: dict[Decided, Supernet] = {}
    for number, value in enumerate(values):
        part = file.with_name(f"{file.stem}-{number}{file.suffix}")
        if not part.is_file():
            raise InvalidInput(
                f"{file} was split by {decision!r}, so {part.name} must lie beside it, for {value!r}, but it doesn't: "
                "resume the search, which trains what is missing."
            )
        found[value], of_part = _loaded(part, space, task, device)
        if not of_part.get("finished") or of_part.get("parts") != (decision, (value,)):
            raise InvalidInput(
                f"{part} must be the finished supernet for {decision} = {value!r}, but it isn't: resume the search, "
                "which trains what is missing."
            )
    return SupernetEvaluator(SubSupernets(decision, found), task, plan, epochs=epochs + of_part["epochs_done"])


def explore(
    evaluator: SupernetEvaluator,
    *,
    objectives: str | Objective | Sequence[str | Objective] = ("accuracy", "min:params"),
    constraints: str | Constraint | Sequence[str | Constraint] | None = None,
    budget: str | Budget = "500 candidates",
    strategy: Strategy | None = None,
    records: Iterable[Record] = (),
    seed: int = 0,
) -> History:
    """Search a trained supernet: every candidate costs two passes over some data.

    Args:
        evaluator: of the supernet.
        objectives: what is wanted; a front comes out of several.
        constraints: limits; those on costs (`params`, `flops`, `activation_mb`) are checked first.
        budget: how much is evaluated.
        strategy: how; NSGA-II if not given.
        records: what was found in the same supernet before: its arches are not evaluated again.
        seed: of everything random.

    Example:
        >>> from netwright import nn, choice, n_outputs, Space
        >>> from netwright.evaluators import TrainingPlan
        >>> from netwright.tasks import load
        >>> task, width = load("blobs"), choice([2, 4, 8, 16], label="width")
        >>> space = Space(nn.Sequential(nn.LazyLinear(width), nn.ReLU(), nn.LazyLinear(n_outputs)))
        >>> supernet = Supernet(space, input_shape=task.input_shape, n_outputs=task.n_outputs)
        >>> history = explore(SupernetEvaluator(supernet, task, TrainingPlan()), budget="4 candidates")
        >>> best_within(history, "params<=50").arch["width"]
        4

    Raises:
        InvalidInput: if no arch can be scored, as with a metric that isn't there.
    """
    wanted, limits = objectives_from(objectives), constraints_from(constraints)
    supernet = evaluator.supernet
    one = supernet if isinstance(supernet, Supernet) else next(iter(supernet.supernets.values()))
    costs = ModelCost(one.space, one.input_shape, one.n_outputs)
    cheap = tuple(limit for limit in limits if limit.metric in ("params", "flops", "activation_mb"))
    strategy = strategy or ArchitectureOnly(Deduplicated(NSGA2(_POPULATION)))
    known = {record.arch: record for record in records if record.status == "ok"}

    def metrics(candidate: Any, context: Any) -> Any:
        before = known.get(candidate.arch)
        return limited(candidate, context) if before is None else before.metrics

    limited = Limited(evaluator, costs, cheap)
    search = Search(
        one.space, strategy, metrics, objectives=wanted, constraints=limits, budget=budget, seed=seed,
        device=str(one.device),
    )  # fmt: skip
    history = search.run()
    failed = [record for record in history.records if record.status == "failed"]
    if failed and len(failed) == len(history):
        raise InvalidInput(f"none of {len(failed)} arches could be scored; the last one: {failed[-1].error}")
    return history


def best_within(
    history: History | Iterable[Record],
    constraints: str | Constraint | Sequence[str | Constraint] | None = None,
    objective: str | Objective = "accuracy",
) -> Record:
    """The best of what was evaluated that holds some limits, whatever was asked for then.

    Args:
        history: of a search, or its records.
        constraints: limits on any metrics that the records have.
        objective: what the best is the best in.

    Example:
        >>> from netwright import Arch
        >>> metrics = [{"accuracy": 0.9, "params": 100.0}, {"accuracy": 0.8, "params": 10.0}]
        >>> records = [Record(i, Arch({"x": i}), metrics=m, losses=(0.0,)) for i, m in enumerate(metrics)]
        >>> best_within(records, "params<=50").id
        1

    Raises:
        InvalidInput: if nothing holds them, with what comes nearest.
    """
    limits, (wanted,) = constraints_from(constraints), objectives_from(objective)
    records = list(history.records if isinstance(history, History) else history)
    needed = {wanted.metric, *(limit.metric for limit in limits)}
    known = [record for record in records if record.losses and needed <= record.metrics.keys()]
    if not known:
        there = ", ".join(sorted({name for record in records for name in record.metrics})) or "none"
        raise InvalidInput(
            f"none of {len(records)} records has the metrics {', '.join(sorted(needed))}: there are {there}."
        )
    broken = {record.id: sum(limit.violation(record.metrics) for limit in limits) for record in known}
    within = [record for record in known if broken[record.id] == 0]
    if not within:
        nearest = min(known, key=lambda record: broken[record.id])
        there = ", ".join(f"{limit.metric}={nearest.metrics[limit.metric]:g}" for limit in limits)
        raise InvalidInput(
            f"none of {len(known)} records holds {', '.join(map(str, limits))}; the nearest has {there}: explore more, "
            "with this limit."
        )
    return min(within, key=lambda record: (wanted.loss(record.metrics), record.id))


def _loaded(file: Path, space: Space, task: Task, device: str) -> tuple[Supernet, dict[str, Any]]:
    """A supernet with the weights of a checkpoint, in evaluation mode, and what else the checkpoint says."""
    supernet = Supernet(space, input_shape=task.input_shape, n_outputs=task.n_outputs, device=device)
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        supernet.load_state_dict(state["supernet"])
    except Exception as error:
        said = " ".join(map(str.strip, str(error).strip().splitlines()[:2]))  # the second line of torch's says which
        raise InvalidInput(
            f"{file} must be a finished supernet of {space.name!r} for {task.name!r}, such as "
            f"RUN/checkpoints/supernet.ckpt, but it can't be used: {said}"
        ) from error
    supernet.eval()
    return supernet, state
