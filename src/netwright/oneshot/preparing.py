"""`OneShot`: what a method of weight sharing does before its search: it trains a supernet. It needs torch only then."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from netwright.core import Context, Evaluator, Recipe, Strategy
from netwright.core.errors import InvalidInput
from netwright.oneshot.architecture_only import ArchitectureOnly, without_training
from netwright.oneshot.cost_guess import affordable, buildable
from netwright.oneshot.diary import Diary, diary_file
from netwright.oneshot.extremes import Costs
from netwright.oneshot.samplers import PathSampler, Uniform
from netwright.oneshot.sparingly import Sparingly
from netwright.strategies import Deduplicated

if TYPE_CHECKING:
    from netwright.evaluators import Training, TrainingPlan
    from netwright.oneshot.evaluator import SupernetEvaluator
    from netwright.oneshot.samplers import Paths
    from netwright.oneshot.shared_fitting import SharedFitting
    from netwright.oneshot.supernet import Supernet
    from netwright.spaces import Space

__all__ = ["OneShot", "scored_by", "supernet_plan", "training_inside", "usual_plan"]

_TIMES_CANDIDATES = 3  # epochs of a supernet, in those of a candidate
_MOST_EPOCHS = 300  # where the time is the limit
# Of the plan's learning rate: what one path learns, the next one must not undo. In 350 steps on the digits in the space
# `resnet`, random paths reach a mean accuracy of 0.16 with half of it (SGD), 0.36 with a fifth and 0.40 with a twelfth.
_LR_SHARE, _LR_SHARE_ADAPTIVE = 0.15, 0.4
_CLIP = 5.0
_MOST_VALIDATION = 3_000  # examples that a path is scored on
_GUESSING = 0.05  # share of the time that looking at costs may take
_WHOLE_SHARE = 0.5  # of the training, before a supernet is split


@dataclass(frozen=True, slots=True)
class OneShot:
    """Trains a supernet by sampled paths; then the search scores its paths.

    It goes on from its own checkpoint, exactly where the budget is in candidates. Where there is a deadline, the
    schedule comes to its end in time.

    Attributes:
        sampler: which paths are trained.
        strategy: how the supernet is searched; None: as the sampler says (a controller writes arches).
        epochs: of the supernet; if not given, three times those of a candidate, or as many as fit into the time.
        few_shot: the name of a decision by which the supernet is split half-way, `auto`, or None: it stays whole.
        final: whether the winner's final training starts from `scratch` or from its `path`'s weights.

    Example:
        >>> OneShot(epochs=30).sampler
        Uniform()

    Raises:
        InvalidInput: if `sampler` is no sampler, `epochs` is below 1, or `final` is something else.
    """

    sampler: PathSampler = Uniform()  # noqa: RUF009  # frozen
    strategy: Strategy | None = None
    epochs: int | None = None
    few_shot: str | None = None
    final: Literal["scratch", "path"] = "scratch"

    def __post_init__(self) -> None:
        if self.epochs is not None and (not isinstance(self.epochs, int) or self.epochs < 1):
            raise InvalidInput(f"`epochs` of a supernet must be at least 1, but got {self.epochs!r}.")
        if isinstance(self.sampler, type) or not hasattr(self.sampler, "begin"):
            raise InvalidInput(
                f"`sampler` must be an object with `begin`, such as Uniform(), but got {self.sampler!r}."
            )
        if self.final not in ("scratch", "path"):
            raise InvalidInput(f"`final` must be 'scratch' or 'path', but got {self.final!r}.")

    def __call__(self, usual: Evaluator, context: Context) -> Recipe:
        """Train the supernet, and return the recipe that searches it.

        Args:
            usual: has a `Training` inside, which says the space, the data and how to train.
            context: its deadline is when the training ends.

        Raises:
            InvalidInput: if there is no training inside the evaluator.
        """
        from netwright.evaluators import ModelCost
        from netwright.evaluators.training import computing_with
        from netwright.oneshot.evaluator import SupernetEvaluator
        from netwright.oneshot.supernet import Supernet

        training = training_inside(usual)
        space = without_training(training.space)
        plan = supernet_plan(usual_plan(training), self.epochs, timed=context.deadline is not None)
        costs = getattr(usual, "costs", None)
        with computing_with(context.threads):
            seconds = None if context.deadline is None else _GUESSING * max(0.0, context.remaining())
            trained = affordable(space, costs, getattr(usual, "constraints", ()), seconds=seconds)
            shape, n_outputs = training.task.input_shape, training.task.n_outputs
            supernet = Supernet(space, input_shape=shape, n_outputs=n_outputs, seed=context.seed, device=context.device)
            if not supernet.all_built:
                trained = buildable(trained, costs or ModelCost(space, shape, n_outputs))
            run = _Run(self, space, training, plan, context, self.sampler.begin(trained, costs), trained, costs)
            found, epochs = run.whole(supernet) if self.few_shot is None else run.split(supernet, self.few_shot)
        validation = min(_MOST_VALIDATION, len(training.task.validation))
        evaluator = SupernetEvaluator(found, training.task, plan, validation=validation, epochs=epochs)
        strategy = self.strategy
        if strategy is None:
            own: Callable[[], Strategy] | None = getattr(run.paths, "strategy", None)
            if own is None:
                raise InvalidInput(f"{self.sampler} doesn't say how to search what it trains: give a `strategy`.")
            strategy = ArchitectureOnly(Deduplicated(own()))
        return Recipe(
            strategy,
            lambda evaluated: scored_by(evaluated, evaluator),
            weights=evaluator.weights if self.final == "path" else None,
        )


@dataclass(slots=True)
class _Run:
    """One preparation."""

    settings: OneShot
    space: Space
    training: Training
    plan: TrainingPlan
    context: Context
    paths: Paths
    affordable: Space
    costs: Costs | None
    saving: Sparingly = field(default_factory=Sparingly)

    def whole(self, supernet: Supernet) -> tuple[Supernet, int]:
        """One supernet of the whole space, trained, and for how many epochs."""
        fitting = self._fitting(supernet, self.paths)
        self._fit(fitting, "supernet", self.plan, self.context.deadline)
        return fitting.supernet, fitting.epochs_done

    def split(self, supernet: Supernet, name: str) -> tuple[Any, int]:
        """The whole supernet trained for a part of the time, then one for each value of a decision."""
        from netwright.oneshot.few_shot import SubSupernets, decision_to_split, parts_of

        decision = decision_to_split(self.space) if name == "auto" else name
        parts = list(parts_of(self.affordable, decision))
        plan = replace(self.plan, epochs=max(1, round(_WHOLE_SHARE * self.plan.epochs)))
        fitting = self._fitting(supernet, self.paths)
        fitting.parts = decision, tuple(value for value, _ in parts)
        self._fit(fitting, "supernet", plan, self._moment(_WHOLE_SHARE))
        found = SubSupernets.of_whole(fitting.supernet, decision)
        left = self.plan.epochs - plan.epochs
        each = replace(plan, epochs=max(1, round(left / len(parts))), lr=0.5 * plan.lr, schedule="cosine")
        for number, (value, part) in enumerate(parts):
            one = self._fitting(found.supernets[value], self.settings.sampler.begin(part, self.costs))
            one.parts = decision, (value,)
            deadline = self._moment(1 / (len(parts) - number))
            self._fit(one, f"supernet-{number}", each, deadline, title=f"{decision} = {value}")
        return found, fitting.epochs_done + each.epochs

    def _moment(self, share: float) -> float | None:
        """When a share of the time that is left will be used."""
        context = self.context
        return None if context.deadline is None else context.clock() + share * max(0.0, context.remaining())

    def _fitting(self, supernet: Supernet, paths: Paths) -> SharedFitting:
        from netwright.oneshot.shared_fitting import SharedFitting

        return SharedFitting.begin(supernet, paths, self.plan, seed=self.context.seed)

    def _fit(
        self, fitting: SharedFitting, name: str, plan: TrainingPlan, deadline: float | None, *, title: str = ""
    ) -> None:
        """Train, or go on, or take what was trained before."""
        from netwright.evaluators.training import cached_examples
        from netwright.oneshot.shared_training import fit_shared

        context, task = self.context, self.training.task
        file = None if context.checkpoints is None else context.checkpoints / f"{name}.ckpt"
        key = "" if file is None else self._key(plan, title)
        if file is not None and fitting.go_on_from(file, key=key):
            return
        diary = None if context.checkpoints is None else Diary(diary_file(context.checkpoints))
        if diary is not None:
            text = f"supernet by {self.settings.sampler}" + (f", {title}" if title else "")
            diary.begin(name, space=self.space, title=text, n_epochs=plan.epochs if deadline is None else None)
        train, validation = (
            cached_examples(task, part, context.device, channels_last=plan.channels_last)
            for part in (task.train, task.validation)
        )

        def after(fitting: SharedFitting) -> None:
            context.log(**{f"{name} train_loss": fitting.losses[-1]})
            if file is not None and not fitting.stopped:
                self.saving(lambda: fitting.save(file, key=key))

        allotted = None if deadline is None else fitting.seconds + max(0.0, deadline - context.clock())
        fit_shared(fitting, train, validation, task, plan, allotted=allotted, diary=diary, on_epoch=after,
                   clock=context.clock)  # fmt: skip
        fitting.supernet.eval()
        if file is not None:
            fitting.save(file, key=key, finished=True)

    def _key(self, plan: TrainingPlan, title: str) -> str:
        """Tells this training from others, whose checkpoints can't be continued."""
        import torch

        from netwright.oneshot.shared_fitting import SCHEDULE

        task = self.training.task
        data = f"{task.name} {len(task.train)} {task.input_shape} {task.n_outputs} {self.context.seed}"
        schedule = f"{plan.epochs} epochs{'' if self.context.deadline is None else ', timed'}"
        plan = replace(plan, epochs=1)
        what = f"{self.space.digest} {data} {self.settings.sampler} {plan} {title} torch {torch.__version__}"
        return f"{what}{SCHEDULE}{schedule}"


def usual_plan(training: Training) -> TrainingPlan:
    """How candidates are trained, with what the space decides about training at its defaults.

    Example:
        >>> from netwright import nn, n_outputs, Space
        >>> from netwright.evaluators import Training
        >>> from netwright.tasks import load
        >>> space = Space(nn.Sequential(nn.LazyLinear(n_outputs)), training={"optimizer": "adamw"})
        >>> usual_plan(Training(space, load("stripes"))).optimizer
        'adamw'
    """
    return training.plan_of(without_training(training.space).default())


def supernet_plan(plan: TrainingPlan, epochs: int | None, *, timed: bool) -> TrainingPlan:
    """How a supernet is trained, after how a candidate is: longer, with smaller steps and a limit on gradients.

    Args:
        plan: of a candidate.
        epochs: of the supernet, if they are given.
        timed: whether the time is the limit.

    Example:
        >>> from netwright.evaluators import TrainingPlan
        >>> supernet_plan(TrainingPlan(epochs=10, lr=0.1), None, timed=False).epochs
        30
    """
    usual = _MOST_EPOCHS if timed else _TIMES_CANDIDATES * plan.epochs
    share = _LR_SHARE if plan.optimizer.lower() == "sgd" else _LR_SHARE_ADAPTIVE
    return replace(plan, epochs=epochs or usual, lr=share * plan.lr, clip=plan.clip or _CLIP)


def training_inside(evaluator: Any) -> Training:
    """The `Training` that an evaluator wraps.

    Raises:
        InvalidInput: if there is none.
    """
    from netwright.evaluators import Training

    inner = evaluator
    while not isinstance(inner, Training):
        inner = getattr(inner, "evaluator", None)
        if inner is None:
            raise InvalidInput(
                f"shared weights are trained on data, so there must be a Training inside the evaluator, but got "
                f"{evaluator!r}: search a task without an evaluator of your own."
            )
    return inner


def scored_by(evaluator: Any, scorer: SupernetEvaluator) -> Any:
    """The same evaluator with another one in place of the `Training` inside."""
    from netwright.evaluators import Training

    if isinstance(evaluator, Training):
        return scorer
    return dataclasses.replace(evaluator, evaluator=scored_by(evaluator.evaluator, scorer))
