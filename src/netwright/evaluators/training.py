"""`Training`: trains an arch's model and measures it on the validation part."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import nn

from netwright.core import Arch, Candidate, Context
from netwright.core.errors import EvaluationError, InvalidInput, problems
from netwright.evaluators.checkpoints import continue_from, save_checkpoint
from netwright.evaluators.examples_in_memory import ExamplesInMemory, in_memory
from netwright.evaluators.fitting import Fitting, fit
from netwright.evaluators.optimizers import optimizer_class
from netwright.evaluators.plan import TrainingPlan
from netwright.evaluators.scoring import outputs_of, score
from netwright.models import build
from netwright.spaces import Space
from netwright.tasks import Split, Task

__all__ = ["Training", "cached_examples"]

_CURVE_EXAMPLES = 2_000  # of the validation part, for the curve of each epoch
_MOST_CHECKED = 1_000  # combinations of one training choice that are looked at before the search


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """Trains each candidate from fresh weights on the train part; its metrics come from the validation part.

    Fidelity is the share of the plan's epochs. Where the context has a folder for checkpoints, a candidate goes on
    from its arch's checkpoint of a lower fidelity: exactly as if it had never stopped. A deadline is kept within one
    batch: the candidate is then scored as it is, and marked partial. A loss that is no number ends it as failed.

    Attributes:
        space: what the arches are of; its `training` choices replace parts of the plan.
        task: the data, the loss and the metrics. The test part is never touched.
        plan: how to train; `TrainingPlan.for_task(task)` if not given.

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
        InvalidInput: if the space's training choices are not parts of a plan, or name no optimizer.
    """

    space: Space
    task: Task
    plan: TrainingPlan | None = None

    def __post_init__(self) -> None:
        if self.plan is None:
            object.__setattr__(self, "plan", TrainingPlan.for_task(self.task))
        check_choices(self.space, self.plan_at_rest)

    @property
    def plan_at_rest(self) -> TrainingPlan:
        """The plan before an arch's choices."""
        assert self.plan is not None
        return self.plan

    def plan_of(self, arch: Arch) -> TrainingPlan:
        """How this arch is trained."""
        return self.plan_at_rest.with_choices(self.space.training(arch))

    def __call__(self, candidate: Candidate, context: Context) -> dict[str, float]:
        """Metrics of the validation part, `train_loss` and `epochs`.

        Raises:
            EvaluationError: if the loss is no number, or the deadline comes before the first batch.
            InvalidSpace: if the arch can't be built.
        """
        task, plan = self.task, self.plan_of(candidate.arch)
        with _threads(context.threads):
            train = cached_examples(task, task.train, context.device, channels_last=plan.channels_last)
            validation = cached_examples(task, task.validation, context.device, channels_last=plan.channels_last)
            glimpse = validation.first(_CURVE_EXAMPLES)
            glimpsed = _targets_of(task.validation, _CURVE_EXAMPLES)
            model = self.model(candidate.arch, seed=context.seed, device=context.device)
            fitting = Fitting.begin(model, plan, seed=context.seed)
            file = None if context.checkpoints is None else context.checkpoints / f"{candidate.arch.digest}.pt"
            until = max(1, math.ceil(candidate.fidelity * plan.epochs - 1e-9))
            key = "" if file is None else self._key(plan)
            if file is not None:
                continue_from(file, fitting, key=key, until=until, context=context)

            def log(fitting: Fitting) -> None:
                values = {"train_loss": fitting.losses[-1]}
                if not fitting.stopped:  # else what is left of the time is for the whole validation part
                    found = score(model, glimpse, task, glimpsed, precision=plan.precision)
                    values |= {f"val_{name}": found[name] for name in (task.metric, "loss") if name in found}
                context.log(**values)

            # The last part of the time is for scoring, which takes about a third of a pass over as many examples.
            margin = _scoring_seconds(model, validation, plan, context)
            deadline = None if context.deadline is None else context.deadline - margin
            fit(fitting, train, task, plan, until_epoch=until, deadline=deadline, on_epoch=log, clock=context.clock)
            if not fitting.losses:
                raise EvaluationError("the deadline came before the first batch was trained.")
            if fitting.stopped:
                context.partial = f"{fitting.stopped} after {len(fitting.losses)} of {until} epochs"
            metrics = score(model, validation, task, task.validation, precision=plan.precision)
            if file is not None and not fitting.stopped:
                save_checkpoint(file, fitting, key=key, context=context)
        return {**metrics, "train_loss": fitting.losses[-1], "epochs": float(fitting.epochs_done)}

    def _key(self, plan: TrainingPlan) -> str:
        """Tells one training of an arch from others, whose checkpoints can't be continued."""
        task = self.task
        data = f"{task.name} {len(task.train)} {task.input_shape} {task.n_outputs}"
        return f"{self.space.digest} {data} {plan} torch {torch.__version__}"

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
def _threads(n: int | None) -> Iterator[None]:
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
