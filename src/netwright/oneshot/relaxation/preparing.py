"""`GradientBased`: what a gradient-based method does before its candidates are trained. Needs no torch until then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwright.core import Context, Evaluator, Recipe, SearchSpace, Strategy
from netwright.core.errors import InvalidInput
from netwright.oneshot.architecture_only import ArchitectureOnly, without_training
from netwright.oneshot.derivation import Sampled
from netwright.oneshot.diary import Diary, diary_file
from netwright.oneshot.preparing import supernet_plan, training_inside, usual_plan
from netwright.oneshot.relaxation.relaxable import check_relaxable
from netwright.oneshot.relaxation.relaxation import Relaxation
from netwright.oneshot.stopping import TIME_IS_UP
from netwright.strategies import Deduplicated, LocalSearch, StartingWith

if TYPE_CHECKING:
    from netwright.evaluators import Training, TrainingPlan
    from netwright.oneshot.relaxation.searching import RelaxedSearch
    from netwright.oneshot.stopping import RelaxedEpoch

__all__ = ["GradientBased", "gradient_based"]

_MOST_PROPOSED = 5  # of the derived arches


def gradient_based(
    space: SearchSpace, method: str, relaxation: Relaxation, *, epochs: int | None = None, samples: int = 0
) -> Recipe:
    """The recipe of a gradient-based method.

    Candidates are the last derived arch, then earlier ones that differ; what time is left goes to neighbours of the
    best of them.

    Args:
        space: what is to be searched.
        method: its name.
        relaxation: what tells it from other methods.
        epochs: of the search; if not given, three times those of a candidate, or as many as fit into the time.
        samples: arches that are drawn from the last weights and proposed before earlier ones.

    Example:
        >>> from netwright import nn, choice, Space
        >>> space = Space(nn.Sequential(choice([nn.ReLU(), nn.SiLU()])))
        >>> gradient_based(space, "darts", Relaxation(), epochs=50).prepare.epochs
        50

    Raises:
        InvalidSpace: naming choices that can't be relaxed.
        InvalidInput: if `epochs` is below 1.
    """
    check_relaxable(space, method)
    return Recipe(_afterwards(), prepare=GradientBased(method, relaxation, epochs, samples))


@dataclass(frozen=True, slots=True)
class GradientBased:
    """Searches by gradients; what it derives is trained as usual.

    It goes on from its own checkpoint, exactly where the budget is in candidates.

    Attributes:
        method: its name.
        relaxation: what tells it from other methods.
        epochs: of the search, if they are given.
        samples: arches that are drawn from the last weights.

    Raises:
        InvalidInput: if `epochs` is below 1.
    """

    method: str
    relaxation: Relaxation
    epochs: int | None = None
    samples: int = 0

    def __post_init__(self) -> None:
        if self.epochs is not None and (not isinstance(self.epochs, int) or self.epochs < 1):
            raise InvalidInput(f"`epochs` of a search must be at least 1, but got {self.epochs!r}.")

    def __call__(self, usual: Evaluator, context: Context) -> Recipe:
        """Search, and return the recipe that proposes what was derived.

        Args:
            usual: has a `Training` inside, which says the space, the data and how to train.
            context: its deadline is when the search ends.

        Raises:
            InvalidInput: if there is no training inside the evaluator.
        """
        search, epochs = self._searched(usual, context)
        drawn = [Sampled(seed)(search.weighed()) for seed in range(self.samples)]
        last = epochs[-1].arch if epochs else search.derived()
        arches = list(dict.fromkeys([last, *drawn, *(epoch.arch for epoch in reversed(epochs))]))
        return Recipe(StartingWith(_afterwards(), tuple(arches[:_MOST_PROPOSED])), reason=_said(epochs))

    def _searched(self, usual: Evaluator, context: Context) -> tuple[RelaxedSearch, list[RelaxedEpoch]]:
        from netwright.evaluators.training import cached_examples, computing_with
        from netwright.oneshot.bilevel import bilevel

        training = training_inside(usual)
        task, timed = training.task, context.deadline is not None
        plan = supernet_plan(usual_plan(training), self.epochs, timed=timed)
        file = None if context.checkpoints is None else context.checkpoints / f"{self.method}.ckpt"
        diary = None if context.checkpoints is None else Diary(diary_file(context.checkpoints))
        with computing_with(context.threads):
            search = self._fresh(training, plan, context)
            examples = cached_examples(task, task.train, context.device, channels_last=plan.channels_last)
            if file is not None:
                search.go_on_from(file)
            allotted = None if not timed else search.seconds + max(0.0, context.remaining())
            if diary is not None:
                space = search.relaxed.supernet.space
                diary.begin(self.method, space=space, title=self.method, n_epochs=None if timed else plan.epochs)
                told = len(diary.phases[self.method].epochs)
                for epoch in search.epochs[told:]:  # ended between a checkpoint and its line in the diary
                    self._tell(diary, epoch)
            for epoch in bilevel(search, examples, task, allotted=allotted, checkpoint=file, clock=context.clock):
                context.log(**{f"{self.method} {name}_loss": loss for name, loss in epoch.losses.items()})
                if diary is not None:
                    self._tell(diary, epoch)
        return search, search.epochs

    def _tell(self, diary: Diary, epoch: RelaxedEpoch) -> None:
        diary.epoch(
            epoch.number,
            losses=epoch.losses,
            values=epoch.values,
            weights=epoch.weights,
            arch=epoch.arch,
            n_skips=sum(epoch.skips.values()),
            seconds=epoch.seconds,
        )
        if epoch.stopped not in ("", TIME_IS_UP):
            diary.note(f"{self.method} ended after epoch {epoch.number}: {epoch.stopped}.")

    def _fresh(self, training: Training, plan: TrainingPlan, context: Context) -> RelaxedSearch:
        import torch

        from netwright.oneshot.relaxation.searching import RelaxedSearch
        from netwright.oneshot.relaxed import Relaxed
        from netwright.oneshot.supernet import Supernet

        task, relaxation, timed = training.task, self.relaxation, context.deadline is not None
        supernet = Supernet(
            without_training(training.space),
            input_shape=task.input_shape,
            n_outputs=task.n_outputs,
            seed=context.seed,
            device=context.device,
        )
        relaxed = Relaxed(
            supernet,
            sampler=relaxation.sampler,
            edges=relaxation.edges,
            partial=relaxation.partial,
            spread=relaxation.spread,
            seed=context.seed,
        )
        search = RelaxedSearch.begin(relaxed, relaxation, plan, seed=context.seed)
        data = f"{task.name} {len(task.train)} {task.input_shape} {task.n_outputs} {context.seed}"
        search.key = f"{training.space.digest} {data} {relaxation} {plan} {timed} torch {torch.__version__}"
        return search


def _afterwards() -> Strategy:
    return ArchitectureOnly(Deduplicated(LocalSearch()))


def _said(epochs: list[RelaxedEpoch]) -> str:
    why = epochs[-1].stopped if epochs else ""
    ended = f", ended early ({why})" if why not in ("", TIME_IS_UP) else ""
    return f"After {len(epochs)} epochs of the relaxation{ended}, its arch is evaluated first."
