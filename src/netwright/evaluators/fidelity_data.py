"""Fidelity as a share of the training data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from netwright.core import Candidate, Context
from netwright.evaluators.fidelity_whole import whole_training
from netwright.evaluators.plan import TrainingPlan
from netwright.evaluators.training import Training
from netwright.spaces import Space
from netwright.tasks import Task

__all__ = ["DataFidelity"]


@dataclass(frozen=True, slots=True, eq=False)
class DataFidelity:
    """Trains on a part of the training data: fidelity is the share of the examples, stratified by class.

    Each is a whole training, all epochs of the plan with the learning rate down to its end, so that short ones are
    ranked by what they come to. So nothing is continued: a training on more data is another one, and only full
    trainings leave a checkpoint. The validation part is the same for all.

    Attributes:
        space, task, plan: as for `Training`.

    Example:
        >>> from netwright import nn, n_outputs, Space
        >>> from netwright.core import Arch
        >>> from netwright.tasks import load
        >>> space = Space(nn.Sequential(nn.LazyLinear(16), nn.ReLU(), nn.LazyLinear(n_outputs)))
        >>> plan = TrainingPlan(epochs=5, batch_size=16, optimizer="adamw", lr=0.02)
        >>> evaluator = DataFidelity(space, load("blobs"), plan)
        >>> evaluator(Candidate(0, Arch({}), fidelity=0.25), Context())["n_train"]
        48.0

    Raises:
        InvalidInput: as `Training`.
    """

    space: Space
    task: Task
    plan: TrainingPlan | None = None

    def __post_init__(self) -> None:
        if self.plan is None:
            object.__setattr__(self, "plan", TrainingPlan.for_task(self.task))
        Training(self.space, self.task, self.plan)

    def __call__(self, candidate: Candidate, context: Context) -> dict[str, float]:
        """The metrics of a training on this share, and `n_train`, how many examples that were."""
        task = _part(self.task, candidate.fidelity)
        metrics = whole_training(Training(self.space, task, self.plan), candidate, context)
        return {**metrics, "n_train": float(len(task.train))}


@lru_cache(maxsize=4)
def _part(task: Task, share: float) -> Task:
    """The same object each time: what is in memory for it is found again."""
    if share >= 1:
        return task
    least = max(len(task.classes), 1)
    return task.subset(min(len(task.train), max(least, round(share * len(task.train)))))
