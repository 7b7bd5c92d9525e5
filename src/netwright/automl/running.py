"""A search from its request to its result: plan, search, train the winner, write."""

from __future__ import annotations

import contextlib
import json
import logging
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from netwright.automl.buildable import first_buildable
from netwright.automl.final_training import Trained, rebuilt, train_winner
from netwright.automl.keeping import Keeper
from netwright.automl.overuse import FreshScore, fresh_score
from netwright.automl.pacing import measured_pace
from netwright.automl.planning import (
    LEAST_EXAMPLES,
    LEAST_SEARCH_SHARE,
    PACE_SHARE,
    PREPARATION_SHARE,
    SearchPlan,
    plan_at_pace,
    plan_for_candidates,
    plan_for_seconds,
    plan_under,
)
from netwright.automl.request import COSTS, Request
from netwright.automl.result import Best, Result, result_of_folder
from netwright.automl.run_facts import same_search
from netwright.core import Constraint, History, Record, registry
from netwright.core.errors import InvalidSpace, NetwrightError
from netwright.core.protocols import Context, Evaluator, Executor, Recipe
from netwright.evaluators import AtPace, Limited, ModelCost, Training, TrainingPlan, measure_speed
from netwright.evaluators.training import cached_examples
from netwright.loop import Search
from netwright.methods.recipes import asks_for, recipe_from
from netwright.oneshot.diary import diary_at, diary_file
from netwright.runtime import InlineExecutor, MemoryStore, ProcessPool, RunFolder
from netwright.strategies import WarmStarted
from netwright.strategies.repeats import best_first

__all__ = ["place_of", "run_request"]

_log = logging.getLogger(__name__)
_TELL_EVERY = 5.0  # seconds
_LEAST_FOR_FRESH = 10.0  # seconds of the final training, of which a look at the test part takes a little
_MOST_LOOKED_FOR_BEST = 5  # records that are tried for the final training, should the best ones fail


@contextlib.contextmanager
def place_of(out: str | Path | None) -> Iterator[tuple[RunFolder | None, Path]]:
    """The run's folder, or none, and a folder for checkpoints."""
    if out is None:
        with tempfile.TemporaryDirectory(prefix="netwright-") as temporary:
            yield None, Path(temporary)
    else:
        with RunFolder(out) as folder:
            yield folder, folder.checkpoints


def run_request(request: Request, folder: RunFolder | None, checkpoints: Path) -> Result:
    """Search, train the winner and write what came of it, or go on with what the folder holds.

    Args:
        request: what was asked for.
        folder: where the run is kept; None: nowhere.
        checkpoints: a folder for weights.
    """
    facts, progress = request.facts, request.progress
    plan: SearchPlan | None = None
    if folder is not None and folder.header:
        same_search(folder.header, facts, folder=str(folder.path))
        finished = _finished(request, folder)
        if finished is not None:
            return finished
        if folder.header["plan"] is not None:
            plan = plan_under(
                SearchPlan.from_json(folder.header["plan"]), folder.header["budget_exact"][0], request.budget
            )
    progress.started(_start_facts(request, folder))
    if plan is None and request.task is not None and request.evaluator is None:
        progress.stage("measure", "measuring how fast this machine trains")
        plan = _planned(request)
    facts["plan"] = None if plan is None else plan.to_json()
    n_expected = request.budget.candidates if plan is None else plan.expected_candidates
    if folder is not None and folder.header:  # as it was chosen then: a larger budget must not change the method
        n_expected = folder.header.get("expected_candidates")
    facts["expected_candidates"] = n_expected
    recipe, name = recipe_from(
        request.method,
        request.space,
        expected_candidates=n_expected,
        n_objectives=len(request.objectives),
        fidelities=_fidelities(request, plan),
        foreseen=None if plan is None else plan.fidelities,
    )
    if request.warm_start and recipe.prepare is None:
        recipe = replace(recipe, strategy=WarmStarted(recipe.strategy, request.warm_start))
    said = f"{registry.methods.summary(name)} Here: " if isinstance(request.method, str) else ""
    reason = f" {recipe.reason}" if recipe.reason else ""
    facts["method"] |= {"name": name, "text": f"{said}{recipe.strategy}.{reason}"}
    if folder is not None:
        folder.write_header(facts)
        (folder.path / "final.json").unlink(missing_ok=True)  # of an earlier end: from now on the run isn't finished
    given = recipe
    if recipe.prepare is not None:
        progress.stage("prepare", f"{name}: {getattr(recipe.prepare, 'doing', 'training what its networks share')}")
        recipe = _prepared(recipe.prepare, name, request, plan, checkpoints)
    evaluator, limits = _evaluator(request, plan)
    if recipe.evaluator is not None:
        evaluator = recipe.evaluator(evaluator)
    search_budget = request.budget
    if plan is not None and plan.search_seconds is not None:
        seconds = max(plan.search_seconds, 0.01)
        if recipe is not given:  # whatever its preparation took, there is time for some candidates
            seconds = max(seconds, time.time() - request.started + LEAST_SEARCH_SHARE * seconds)
        search_budget = replace(request.budget, seconds=seconds)
    keeper = Keeper(checkpoints, request, search_budget.seconds)
    run = Search(
        request.space,
        recipe.strategy,
        evaluator,
        objectives=request.objectives,
        constraints=limits,
        budget=search_budget,
        executor=_executor(request),
        store=MemoryStore() if folder is None else folder.store,
        seed=request.seed,
        device=request.device,
        checkpoints=checkpoints,
        on_record=keeper,
        started=request.started,
    )
    progress.stage("search", f"searching with {name}")
    run.run()
    result = Result(
        run.history, facts, space=request.space, task=request.task, stopped_by=run.stopped_by, seconds=run.elapsed(),
        folder=None if folder is None else folder.path, diary=diary_at(diary_file(checkpoints)),
    )  # fmt: skip
    _finish(request, result, recipe, plan, checkpoints, run.elapsed)
    result.seconds = run.elapsed()
    progress.stage("write", "writing the model and the report")
    if folder is not None:
        _write(result, folder)
    result.seconds = run.elapsed()
    progress.finished(result)
    return result


def _start_facts(request: Request, folder: RunFolder | None) -> dict[str, Any]:
    facts = request.facts
    return {
        "data": facts["name"],
        "space": facts["space"]["name"],
        "size": facts["space"]["size"],
        "method": facts["method"]["name"],
        "budget": facts["budget"],
        "objectives": facts["objectives"],
        "constraints": facts["constraints"],
        "notes": [] if facts["data"] is None else facts["data"]["notes"],
        "folder": None if folder is None else str(folder.path),
        "seed": request.seed,
    }


def _finished(request: Request, folder: RunFolder) -> Result | None:
    """The result of a folder whose search ended with the budget that is asked for now."""
    file = folder.path / "final.json"
    if not file.exists() or folder.header.get("budget_exact") != request.facts["budget_exact"]:
        return None
    result = result_of_folder(folder.path)
    if "report.html" not in result.final.get("files", ()) or (
        result.final.get("metrics") and (result.best is None or result.best.model is None)
    ):
        return None
    result.space, result.task = request.space, request.task
    if request.task is not None and result.best is not None and result.best.model is not None:
        weights = result.best.model.state_dict()
        result.built = rebuilt(request.space, result.best.arch, request.task, weights, device=request.device)
        result.best = replace(result.best, model=result.built.model)
    request.progress.finished(result)
    return result


def _planned(request: Request) -> SearchPlan:
    task, budget = request.task, request.budget
    assert task is not None
    base = request.plan or TrainingPlan.for_task(task)
    fixed = request.plan is not None
    if budget.seconds is None:
        assert budget.candidates is not None
        return plan_for_candidates(task, base, budget.candidates, fixed=fixed)
    arch, costs = first_buildable(request.space, task, seed=request.seed)
    training = Training(request.space, task, base)
    examples = cached_examples(task, task.train, request.device, channels_last=base.channels_last)
    try:
        model = training.model(arch, seed=request.seed, device=request.device)
        speed = measure_speed(model, examples, task, training.plan_of(arch), seconds=min(1.5, 0.02 * budget.seconds))
    except Exception as error:
        raise InvalidSpace(
            f"the speed of training can't be measured, as an arch of {request.space.name!r} can't be trained. "
            f"{type(error).__name__}: {error}\nThe arch: {dict(arch)}"
        ) from error
    used = time.time() - request.started
    plan = plan_for_seconds(
        task,
        base,
        budget,
        speed,
        flops=costs["flops"],
        used_seconds=used,
        workers=request.workers,
        fixed=fixed,
        halving=asks_for(request.method, "foreseen") and len(request.objectives) == 1,
    )
    if len(plan.fidelities) == 1 or plan.n_train == len(task.train):
        return plan
    pace = measured_pace(
        request.space, task, replace(base, precision=speed.precision), arch, speed.seconds_per_example,
        seed=request.seed, device=request.device, seconds=PACE_SHARE * budget.seconds,
    )  # fmt: skip
    return plan_at_pace(plan, pace, costs)


def _prepared(
    prepare: Callable[[Evaluator, Context], Recipe],
    name: str,
    request: Request,
    plan: SearchPlan | None,
    checkpoints: Path,
) -> Recipe:
    """The recipe after its preparation, which sees all of the train part and may use a share of the search's time."""
    deadline = None
    if plan is not None and plan.search_seconds is not None:
        now = time.time()
        deadline = now + PREPARATION_SHARE * max(0.0, request.started + plan.search_seconds - now)
    usual, _ = _evaluator(request, plan, whole=True)
    told, n_told = time.time(), 0

    def tell(values: Mapping[str, float]) -> None:
        nonlocal told, n_told
        n_told += 1
        if time.time() - told >= _TELL_EVERY:
            told = time.time()
            said = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
            request.progress.stage("prepare", f"epoch {n_told}: {said}")

    context = Context(request.seed, deadline, request.device, checkpoints=checkpoints, on_log=tell)
    recipe = prepare(usual, context)
    if recipe.evaluator is not None and request.shortcuts.facts is not None:
        _log.warning(
            "`stop` and `inherit` are about training candidates: they do nothing here, where %s trains none.", name
        )
    if request.warm_start:
        recipe = replace(recipe, strategy=WarmStarted(recipe.strategy, request.warm_start))
    return recipe


def _fidelities(request: Request, plan: SearchPlan | None) -> Sequence[float] | None:
    """Those that candidates can be evaluated at; None: any."""
    if plan is None:
        inside: Any = request.evaluator
        while inside is not None and getattr(inside, "fidelities", None) is None:
            inside = getattr(inside, "evaluator", None)  # what a wrapper wraps
        return getattr(inside, "fidelities", None)
    return [epoch / plan.training.epochs for epoch in range(1, plan.training.epochs + 1)]


def _evaluator(
    request: Request, plan: SearchPlan | None, *, whole: bool = False
) -> tuple[Evaluator, tuple[Constraint, ...]]:
    """What scores candidates, with costs checked first; and all limits, those of the plan included.

    Args:
        request: what was asked for.
        plan: how the budget is used.
        whole: use all of the train part, whatever the plan says of a candidate.
    """
    limits = request.constraints
    if request.evaluator is not None:
        return request.evaluator, limits
    assert request.task is not None
    assert plan is not None
    task = request.task
    if plan.n_train < len(task.train) and plan.pace is None and not whole:
        task = task.subset(plan.n_train, seed=request.seed)
    if plan.flops_limit is not None:
        limits = (*limits, Constraint("flops", plan.flops_limit))
    costs = ModelCost(request.space, task.input_shape, task.n_outputs)
    cheap = tuple(limit for limit in limits if limit.metric in COSTS)
    n_train = None
    if plan.pace is not None and not whole:
        n_train = AtPace(
            plan.pace, costs, plan.n_train, plan.pace_seconds, plan.pace_power, LEAST_EXAMPLES, len(task.train)
        )
    shortcuts = request.shortcuts
    training = Training(
        request.space, task, plan.training, stop=shortcuts.stop, inherit=shortcuts.inherit, n_train=n_train
    )
    return Limited(training, costs, cheap), limits


def _executor(request: Request) -> Executor:
    return InlineExecutor() if request.workers == 1 else ProcessPool(request.workers)


def _finish(
    request: Request,
    result: Result,
    recipe: Recipe,
    plan: SearchPlan | None,
    checkpoints: Path,
    elapsed: Callable[[], float],
) -> None:
    """Train the winner, if there is one and a model is what is searched; what came of it goes into the result."""
    leaders = best_first(result.history.records)
    best = leaders[0].first if leaders else None
    warnings: list[str] = []
    final: dict[str, Any] = {"stopped_by": result.stopped_by, "n_records": len(result.history)}
    if best is None:
        warnings.append(f"there is no winner: {_why_none(result.history)} ({result.stopped_by}).")
    elif request.task is None or plan is None:
        result.best = Best(best.arch, best)
    else:
        request.progress.stage("final", "training the winner")
        fresh = _fresh(request, plan, result.history, best, checkpoints)
        chosen, trained = _trained(request, result.history, recipe, plan, checkpoints, elapsed, warnings)
        if trained is None:
            result.best = Best(best.arch, best, note=warnings[-1])
        else:
            result.best = Best(chosen.arch, chosen, trained.built.model, trained.metrics, trained.note)
            result.built = trained.built
            share = None if request.budget.seconds is None else trained.seconds / request.budget.seconds
            final |= {
                "metrics": trained.metrics,
                "n_examples": len(request.task.test),
                "seconds": trained.seconds,
                "share": share,
                "epochs": trained.epochs,
                "trained_on": trained.trained_on,
                "note": trained.note,
            }
        if fresh is not None:
            final["fresh"] = fresh.to_json()
            warnings += [fresh.warning] if fresh.warning else []
    if result.best is not None:
        final["record"] = result.best.record.id
    if request.shortcuts.inherit and plan is not None and _no_parents(result.history, recipe):
        warnings.append(
            "no candidate has a parent, so `inherit` did nothing: use local search, or evolution with more candidates "
            "than its population."
        )
    final["warnings"] = warnings
    result.final = final


def _no_parents(history: History, recipe: Recipe) -> bool:
    """Whether several candidates were trained, none of them made from another."""
    trained = [record for record in history.records if "inherited" in record.metrics]
    return recipe.evaluator is None and len(trained) > 1 and all(record.parent is None for record in trained)


def _fresh(request: Request, plan: SearchPlan, history: History, best: Record, checkpoints: Path) -> FreshScore | None:
    """The winner's selection score and a fresh one; not where there is hardly time for the final training."""
    if request.task is None or (plan.final_seconds is not None and plan.final_seconds < _LEAST_FOR_FRESH):
        return None
    return fresh_score(
        request.space,
        request.task,
        plan.training,
        best,
        checkpoints / f"{best.arch.digest}.pt",
        n_candidates=sum(record.scored for record in history.records),
        device=request.device,
    )


def _why_none(history: History) -> str:
    """What kept every candidate from winning."""
    records = history.records
    if not records:
        return "the budget was used up before a candidate was evaluated, so give it more"
    limited = sum(record.status == "infeasible" or record.violation > 0 for record in records)
    errors = Counter(record.error for record in records if record.status == "failed")
    reasons = [f"{limited} of {len(records)} candidates break a limit"] if limited else []
    if errors:
        error, count = errors.most_common(1)[0]
        reasons.append(f"{errors.total()} of {len(records)} candidates failed, {count} of them with: {error}")
    return "; ".join(reasons)


def _trained(
    request: Request,
    history: History,
    recipe: Recipe,
    plan: SearchPlan,
    checkpoints: Path,
    elapsed: Callable[[], float],
    warnings: list[str],
) -> tuple[Record, Trained | None]:
    """The best record that can be trained, trained."""
    assert history.best is not None
    end = None
    if request.budget.seconds is not None and plan.final_seconds is not None and plan.search_seconds is not None:
        end = plan.search_seconds + plan.final_seconds
        if elapsed() >= end:  # resumed after its time was up: the winner still gets what was kept for it
            end = elapsed() + plan.final_seconds
    order = [repeats.first for repeats in best_first(history.records)[:_MOST_LOOKED_FOR_BEST]]  # by means
    for record in order:
        try:
            return record, train_winner(
                request.space,
                record.arch,
                request.task,  # type: ignore[arg-type]  # there is one: the caller checks
                plan.final,
                seed=request.seed,
                device=request.device,
                allotted=None if end is None else max(0.0, end - elapsed()),
                checkpoint=checkpoints / f"{record.arch.digest}.pt",
                search_examples=record.metrics.get("n_train", plan.n_train) * record.metrics.get("epochs", 0.0),
                weights=None if recipe.weights is None else recipe.weights(record.arch),
                on_epoch=request.progress.epoch,
            )
        except Exception as error:  # noqa: BLE001  # whatever the user's own modules raise: the next best may do
            warnings.append(f"candidate {record.id} could not be trained for good: {error}")
            _log.warning(warnings[-1])
    return history.best, None


def _write(result: Result, folder: RunFolder) -> None:
    """The model, the final facts and the report; a model that can't be written as source is said, not lost."""
    files: list[str] = []
    if result.built is not None:
        try:
            files += [path.name for path in result.export(folder.path / "model.py")]
        except NetwrightError as error:
            result.final["warnings"].append(f"the model can't be written as source: {error}")
    result.final["total_seconds"] = result.seconds
    result.final["files"] = files
    folder.write_text("final.json", json.dumps(result.final, indent=2) + "\n")
    result.report(folder.path / "report.html")
    result.final["files"] = [*files, "report.html"]
    folder.write_text("final.json", json.dumps(result.final, indent=2) + "\n")
