"""`SupernetEvaluator`: scores paths of a trained supernet, for any strategy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from netwright.core import Arch, Candidate, Context
from netwright.core.errors import EvaluationError, InvalidInput
from netwright.evaluators.examples_in_memory import ExamplesInMemory
from netwright.evaluators.plan import TrainingPlan
from netwright.evaluators.scoring import score
from netwright.evaluators.training import cached_examples, computing_with
from netwright.oneshot.supernet import Supernet
from netwright.tasks import Split, Task

if TYPE_CHECKING:
    from netwright.oneshot.few_shot import SubSupernets

__all__ = ["SupernetEvaluator"]

_BATCH = 256  # of the examples that statistics are estimated on
_GLIMPSE = 256  # examples for the training loss


@dataclass(frozen=True, slots=True, eq=False)
class SupernetEvaluator:
    """Scores an arch by its path in a trained supernet: no training, two passes over some data.

    First the path's statistics of normalisation are estimated anew, on examples of the train part as they are, without
    augmentation; they are kept for each arch. Then the path is scored on the validation part, or a share of it. The
    same arch gets the same numbers, whatever the seed; fidelity has no meaning here.

    Attributes:
        supernet: trained; or several of them, each for a part of the space.
        task: the data and the metrics. The test part is never touched.
        plan: as it was trained: its precision and how images lie in memory count.
        calibration: examples of the train part that statistics are estimated on; 0: those that training left behind are
            taken as they are, a mixture over all paths.
        validation: most examples of the validation part that a path is scored on, spread over it; None: all.
        epochs: that the supernet was trained for; told as a metric.

    Example:
        >>> from netwright import nn, choice, n_outputs, Space
        >>> from netwright.tasks import load
        >>> space = Space(
        ...     nn.Sequential(nn.LazyLinear(choice([4, 8], label="width")), nn.ReLU(), nn.LazyLinear(n_outputs))
        ... )
        >>> task = load("blobs")
        >>> supernet = Supernet(space, input_shape=task.input_shape, n_outputs=task.n_outputs)
        >>> evaluator = SupernetEvaluator(supernet, task, TrainingPlan())
        >>> sorted(evaluator(Candidate(0, Arch({"width": 4})), Context()))
        ['accuracy', 'epochs', 'loss', 'train_loss']

    Raises:
        InvalidInput: if a number of examples can't be, or the supernet was made for other data.
    """

    supernet: Supernet | SubSupernets
    task: Task
    plan: TrainingPlan
    calibration: int = 1024
    validation: int | None = None
    epochs: float = 0.0

    def __post_init__(self) -> None:
        if self.calibration < 0 or (self.validation is not None and self.validation < 1):
            raise InvalidInput(
                "`calibration` of SupernetEvaluator must be at least 0 and `validation` at least 1 or None, but got "
                f"calibration={self.calibration!r}, validation={self.validation!r}."
            )
        whole = self.supernet
        one = whole if isinstance(whole, Supernet) else next(iter(whole.supernets.values()))
        made_for, needed = (one.input_shape, one.n_outputs), (self.task.input_shape, self.task.n_outputs)
        if made_for[0] != needed[0] or made_for[1] not in (None, needed[1]):
            raise InvalidInput(
                f"the supernet was made for inputs of shape {made_for[0]} and {made_for[1]} outputs, but "
                f"{self.task.name!r} has {needed[0]} and {needed[1]}: make one with the task's."
            )

    def __call__(self, candidate: Candidate, context: Context) -> dict[str, float]:
        """Metrics of the path on the validation part; `train_loss` (of a few examples) and `epochs`.

        Raises:
            EvaluationError: if the deadline has passed.
            InvalidSpace: if it isn't an arch of the space.
        """
        if context.remaining() <= 0:
            raise EvaluationError("the deadline came before the path was scored.")
        task, plan = self.task, self.plan
        with computing_with(context.threads):
            supernet = self.ready(candidate.arch)
            device, last = str(supernet.device), plan.channels_last
            validation = cached_examples(task, task.validation, device, channels_last=last)
            split = task.validation
            if self.validation is not None and self.validation < len(split):
                validation, split = validation.first(self.validation), _rows(split, self.validation)
            train = cached_examples(task, task.train, device, channels_last=last).first(_GLIMPSE)
            with supernet.path(candidate.arch):
                metrics = score(supernet, validation, task, split, precision=plan.precision)
                seen = score(supernet, train, task, _rows(task.train, _GLIMPSE), precision=plan.precision)
        train_loss = seen.get("loss", seen.get("rmse", float("nan")))
        return {**metrics, "train_loss": train_loss, "epochs": float(self.epochs)}

    def ready(self, arch: Arch) -> Supernet:
        """The supernet that an arch is a path of, in evaluation mode and with the path's own statistics."""
        supernet = self.supernet if isinstance(self.supernet, Supernet) else self.supernet.of(arch)
        if supernet.training:
            supernet.eval()
        if not self.calibration and supernet.calibrated(arch):
            supernet.statistics_outdated()  # another evaluator's
        if self.calibration and not supernet.calibrated(arch):
            examples = cached_examples(
                self.task, self.task.train, str(supernet.device), channels_last=self.plan.channels_last
            )
            supernet.calibrate(arch, _batches(examples.first(self.calibration)))
        return supernet

    def weights(self, arch: Arch) -> dict[str, torch.Tensor]:
        """The weights of an arch's path, as a standalone model takes them: to be trained on."""
        return self.ready(arch).extract(arch).model.state_dict()


def _batches(examples: ExamplesInMemory) -> Iterator[torch.Tensor]:
    for start in range(0, len(examples), _BATCH):
        yield examples.batch(slice(start, start + _BATCH))[0]


def _rows(split: Split, n: int) -> Split:
    """The same rows as `ExamplesInMemory.first`; inputs aren't needed for metrics."""
    step = max(1, len(split) // max(1, n))
    return Split(split.targets[::step][:n], split.targets[::step][:n])
