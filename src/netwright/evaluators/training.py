"""`Training`: trains an arch's model and measures it on the validation part."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import nn

from netwright.core import Arch, Candidate, Context
from netwright.core.errors import EvaluationError, InvalidInput, problems, unknown
from netwright.evaluators.checkpoints import continue_from, save_checkpoint, weights_of
from netwright.evaluators.examples_in_memory import ExamplesInMemory, in_memory
from netwright.evaluators.fitting import Fitting, fit
from netwright.evaluators.optimizers import optimizer_class
from netwright.evaluators.plan import TrainingPlan
from netwright.evaluators.scoring import outputs_of, score
from netwright.evaluators.stopping import Stopping, StoppingRule, stopping_from
from netwright.models import build
from netwright.models.inherit import inherit
from netwright.spaces import Space
from netwright.tasks import Split, Task
from netwright.tasks.splitting import pick

__all__ = ["Training", "cached_examples", "computing_with"]

_CURVE_EXAMPLES = 2_000  # of the validation part, for the curve of each epoch
_MOST_CHECKED = 1_000  # combinations of one training choice that are looked at before the search


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """Trains each candidate from fresh weights on the train part; its metrics come from the validation part.

    Fidelity is the share of the plan's epochs. Where the context has a folder for checkpoints, a candidate goes on
    from its arch's checkpoint of a lower fidelity: exactly as if it had never stopped. A deadline is kept within one
    batch: the candidate is then scored as it is, and marked partial. A loss that is no number ends it as failed.

    With a stopping rule, a candidate that isn't worth going on with is scored as it is and marked partial; the metrics
    `stop_epoch` (when the rule said so, 0 if it didn't) and `epochs_saved` tell of it. A repeat of its parent with
    another seed is never stopped. With `inherit`, a candidate with a parent begins with the parent's weights wherever
    these fit, if its checkpoint is there; the metric `inherited` is the share of the weights that it has from the
    record's parent.

    Attributes:
        space: what the arches are of; its `training` choices replace parts of the plan.
        task: the data, the loss and the metrics. The test part is never touched.
        plan: how to train; `TrainingPlan.for_task(task)` if not given.
        stop: when to end a candidate's training before its time: a `Stopping`, a rule, or the name of one.
        inherit: whether a child begins with its parent's weights (Real et al. 2017, https://arxiv.org/abs/1703.01041).
        n_train: how many examples of the train part an arch is trained on, stratified by class; all if not given. The
            metric `n_train` tells it.

    Example:
        >>> from netwright import nn, n_outputs, Space
        >>> from netwright.tasks import load
        >>> space = Space(nn.Sequential(nn.LazyLinear(16), nn.ReLU(), nn.LazyLinear(n_outputs)))
        >>> evaluator = Training(
        ...     space, load("blobs"), TrainingPlan(epochs=10, batch_size=32, optimizer="adamw", lr=0.01)
        ... )
        >>> evaluator(Candidate(0, Arch({})), Context())["accuracy"] > 0.8
        True

    Raises:
        InvalidInput: if the space's training choices are not parts of a plan, or name no optimizer; if the stopping
            rule goes by a metric that the task doesn't have.
    """

    space: Space
    task: Task
    plan: TrainingPlan | None = None
    stop: Stopping | StoppingRule | str | None = None
    inherit: bool = False
    n_train: Callable[[Arch], int] | None = None

    def __post_init__(self) -> None:
        if self.plan is None:
            object.__setattr__(self, "plan", TrainingPlan.for_task(self.task))
        check_choices(self.space, self.plan_at_rest)
        object.__setattr__(self, "stop", stopping_from(self.stop))
        if self.stopping is not None and self.stopping.metric is not None:
            few = self.task.validation.targets[:2]
            known = self.task.metrics(torch.zeros(len(few), self.task.n_outputs), few)
            if self.stopping.metric not in known:
                raise unknown("metric to stop by", self.stopping.metric, known)

    @property
    def stopping(self) -> Stopping | None:
        """The stopping rule with its policy."""
        assert self.stop is None or isinstance(self.stop, Stopping)
        return self.stop

    @property
    def wants(self) -> frozenset[str]:
        """What it wants to know of earlier candidates: see `core.protocols.wants_of`."""
        stopping = self.stopping
        compares = stopping is not None and stopping.rule.compares
        related = stopping is not None or self.inherit
        return frozenset([*(["curves"] if compares else []), *(["parent"] if related else [])])

    @property
    def plan_at_rest(self) -> TrainingPlan:
        """The plan before an arch's choices."""
        assert self.plan is not None
        return self.plan

    def plan_of(self, arch: Arch) -> TrainingPlan:
        """How this arch is trained."""
        return self.plan_at_rest.with_choices(self.space.training(arch))

    def __call__(self, candidate: Candidate, context: Context) -> dict[str, float]:
        """Metrics of the validation part, `train_loss`, `epochs`, and what stopping and inheriting have to tell.

        Raises:
            EvaluationError: if the loss is no number, or the deadline comes before the first batch.
            InvalidSpace: if the arch can't be built.
        """
        task, plan = self.task, self.plan_of(candidate.arch)
        with computing_with(context.threads):
            train = cached_examples(task, task.train, context.device, channels_last=plan.channels_last)
            validation = cached_examples(task, task.validation, context.device, channels_last=plan.channels_last)
            glimpse = validation.first(_CURVE_EXAMPLES)
            glimpsed = _targets_of(task.validation, _CURVE_EXAMPLES)
            model = self.model(candidate.arch, seed=context.seed, device=context.device)
            fitting = Fitting.begin(model, plan, seed=context.seed)
            file = None if context.checkpoints is None else context.checkpoints / f"{candidate.arch.digest}.pt"
            until = max(1, math.ceil(candidate.fidelity * plan.epochs - 1e-9))
            if self.n_train is not None:
                train = train.take(_rows(task, self.n_train(candidate.arch)))
            key = "" if file is None else self._key(plan, len(train))
            if file is not None:
                continue_from(file, fitting, key=key, until=until, context=context)
            if not fitting.losses:
                fitting.inherited = self._inherited(model, candidate.arch, context)

            def log(fitting: Fitting) -> None:
                values = {"train_loss": fitting.losses[-1]}
                if not fitting.stopped:  # else what is left of the time is for the whole validation part
                    found = score(model, glimpse, task, glimpsed, precision=plan.precision)
                    shown = {f"val_{name}": found[name] for name in self._shown if name in found}
                    for name, value in shown.items():
                        fitting.validation.setdefault(name, []).append(value)
                    values |= shown
                context.log(**values)
                self._judge(fitting, until, candidate, context)

            # The last part of the time is for scoring, which takes about a third of a pass over as many examples.
            margin = _scoring_seconds(model, validation, plan, context)
            deadline = None if context.deadline is None else context.deadline - margin
            self._judge(fitting, until, candidate, context)  # of what a lower fidelity left
            fit(fitting, train, task, plan, until_epoch=until, deadline=deadline, on_epoch=log, clock=context.clock)
            if not fitting.losses:
                raise EvaluationError("the deadline came before the first batch was trained.")
            by_rule = bool(fitting.stopped) and fitting.stopped == fitting.verdict
            if by_rule:
                context.partial = f"stopped after {fitting.epochs_done} of {until} epochs: {fitting.verdict}"
            elif fitting.stopped:
                context.partial = f"{fitting.stopped} after {len(fitting.losses)} of {until} epochs"
            metrics = score(model, validation, task, task.validation, precision=plan.precision)
            if file is not None and (by_rule or not fitting.stopped):
                save_checkpoint(file, fitting, key=key, context=context)
        metrics |= {"train_loss": fitting.losses[-1], "epochs": float(fitting.epochs_done)}
        if self.stopping is not None:
            saved = until - fitting.epochs_done if by_rule else 0
            metrics |= {"stop_epoch": float(fitting.verdict_epoch), "epochs_saved": float(saved)}
        if self.n_train is not None:
            metrics |= {"n_train": float(len(train))}
        return metrics | {"inherited": fitting.inherited} if self.inherit else metrics

    @property
    def _shown(self) -> tuple[str, ...]:
        """The metrics that have curves."""
        more = () if self.stopping is None or self.stopping.metric is None else (self.stopping.metric,)
        return tuple(dict.fromkeys((self.task.metric, "loss", *more)))

    def _judge(self, fitting: Fitting, until: int, candidate: Candidate, context: Context) -> None:
        """Ask the rule whether the training is worth going on with; once it has said no, it isn't asked again."""
        stopping, epoch, parent = self.stopping, fitting.epochs_done, context.parent
        if stopping is None or fitting.stopped or fitting.verdict or not 0 < epoch < until:
            return
        if parent is not None and (parent.arch, parent.fidelity) == (candidate.arch, candidate.fidelity):
            return  # once more with another seed, for a mean: half a training would spoil that
        metric = stopping.metric or self.task.metric
        if len(fitting.validation.get(f"val_{metric}", ())) != epoch:  # a checkpoint that was written without a rule
            return
        curve = stopping.curve(metric, fitting.validation, fitting.losses, until, context.earlier)
        verdict: object = stopping.rule(curve) or ""  # perhaps a user's own
        if not isinstance(verdict, str):
            raise EvaluationError(
                f"a stopping rule must say why to stop, as a text, or '' to go on, but {type(stopping.rule).__name__} "
                f"said {verdict!r}."
            )
        fitting.verdict = verdict
        if fitting.verdict:
            fitting.verdict_epoch = epoch
            if not stopping.checks(context.seed):
                fitting.stopped = fitting.verdict

    def _inherited(self, model: nn.Module, arch: Arch, context: Context) -> float:
        """Take over what the parent has; the share of the weights that this is."""
        parent = context.parent
        if not self.inherit or parent is None or context.checkpoints is None or parent.arch == arch:
            return 0.0
        weights = weights_of(context.checkpoints / f"{parent.arch.digest}.pt", key=self._data_key)
        if weights is None:
            return 0.0
        task = self.task
        return inherit(
            self.space, arch, model, parent=parent.arch, weights=weights, input_shape=task.input_shape,
            n_outputs=task.n_outputs,
        )  # fmt: skip

    @property
    def _data_key(self) -> str:
        task = self.task
        return f"{self.space.digest} {task.name} {len(task.train)} {task.input_shape} {task.n_outputs}"

    def _key(self, plan: TrainingPlan, n_train: int) -> str:
        """Tells one training of an arch from others, whose checkpoints can't be continued."""
        part = "" if self.n_train is None else f"on {n_train} "
        return f"{self._data_key} {plan} {part}{'inherit ' if self.inherit else ''}torch {torch.__version__}"

    def model(self, arch: Arch, *, seed: int, device: str = "cpu") -> nn.Module:
        """The arch's model with fresh weights; takes standardised inputs."""
        model = build(
            self.space,
            arch,
            input_shape=self.task.input_shape,
            n_outputs=self.task.n_outputs,
            seed=seed,
            device=device,
        )
        if self.plan_of(arch).channels_last and self.task.modality == "image":
            model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's types
        return model


def check_choices(space: Space, plan: TrainingPlan) -> None:
    """Whether everything that the space may decide about training fits a plan.

    Raises:
        NotFound: for a choice that is no part of a plan, or an unknown optimizer.
        InvalidInput: for values that are out of their range; all of them are named.
    """
    optimizer_class(plan.optimizer)
    wrong: dict[str, None] = {}  # in their order, each once
    for name, tree in space.training_tree.items():
        part = Space(None, training={name: tree})
        for arch in itertools.islice(part.enumerate(2), _MOST_CHECKED):
            try:
                optimizer_class(plan.with_choices(part.training(arch)).optimizer)
            except InvalidInput as error:
                wrong[str(error)] = None
    if wrong:
        raise InvalidInput(problems(f"the training choices of {space.name!r} don't fit", wrong))


@lru_cache(maxsize=4)
def cached_examples(task: Task, split: Split, device: str, *, channels_last: bool) -> ExamplesInMemory:
    """A part in memory, once for each process: tasks and splits are compared by identity."""
    return in_memory(task, split, device=device, channels_last=channels_last)


@lru_cache(maxsize=4)
def _targets_of(split: Split, n: int) -> Split:
    """The same rows as `ExamplesInMemory.first`; inputs aren't needed for metrics."""
    step = max(1, len(split) // max(1, n))
    return Split(split.targets[::step][:n], split.targets[::step][:n])


@lru_cache(maxsize=8)
def _rows(task: Task, n: int) -> torch.Tensor:
    """Which examples of the train part are taken, if it's not all: stratified by class, the same for all arches."""
    strata = task.train.targets if task.kind == "classification" else None
    n = max(len(task.classes), 1, min(n, len(task.train)))
    return torch.from_numpy(pick(len(task.train), n, strata, np.random.default_rng((0, n))))


def _scoring_seconds(model: nn.Module, validation: ExamplesInMemory, plan: TrainingPlan, context: Context) -> float:
    """How long scoring the validation part will take, where a deadline makes that matter: one batch is timed."""
    if context.deadline is None or context.remaining() <= 0:
        return 0.0
    batch = validation.first(min(len(validation), 256))
    for _ in range(2):
        before = context.clock()
        outputs_of(model, batch, precision=plan.precision)
        found = 1.2 * (context.clock() - before) * len(validation) / len(batch)
        if found < 0.1 * context.remaining():
            break  # else once more: the first time pays for what is set up once
    return found


@contextlib.contextmanager
def computing_with(n: int | None) -> Iterator[None]:
    """Compute with `n` threads inside, if that is given."""
    if n is None or n == torch.get_num_threads():
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)
