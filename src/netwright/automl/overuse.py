"""Whether a search has over-used its validation part: the winner's selection score against a fresh one.

The best of many noisy scores is too good: chance is selected, too, and more so the more candidates are compared on few
examples. So the weights that the search itself trained for the winner are scored once more, on the test part, which
nothing was chosen by. Both scores are of the same weights: what is between them is selection, or data that differ.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from netwright.core import Record
from netwright.core.errors import NetwrightError
from netwright.evaluators import Training, TrainingPlan, score
from netwright.evaluators.checkpoints import load_checkpoint
from netwright.evaluators.training import cached_examples
from netwright.spaces import Space
from netwright.tasks import Task

__all__ = ["FreshScore", "fresh_score"]

_SURE = 2.0  # standard errors
_FEW = 100  # examples: then nothing can be said


@dataclass(frozen=True, slots=True)
class FreshScore:
    """The same weights by two scores.

    Attributes:
        metric: what is compared.
        selection: on the validation part, by which the winner was chosen.
        n_selection: its examples.
        fresh: on the test part.
        n_fresh: its examples.
        n_candidates: among how many it was chosen.

    Example:
        >>> found = FreshScore("accuracy", 0.99, 100, 0.90, 400, n_candidates=1000)
        >>> round(found.standard_errors, 1), found.warning[:58]
        (4.8, 'the search has fitted its validation part: the winner has ')
    """

    metric: str
    selection: float
    n_selection: int
    fresh: float
    n_fresh: int
    n_candidates: int

    @property
    def gap(self) -> float:
        """By how much the selection score is the better one."""
        return self.selection - self.fresh

    @property
    def standard_errors(self) -> float:
        """The gap in standard errors of the difference of two shares; NaN for another metric than accuracy."""
        if self.metric != "accuracy":
            return math.nan
        variance = sum(
            (share * (1 - share) + 0.25 / n) / n  # not quite nothing where all are right
            for share, n in ((self.selection, self.n_selection), (self.fresh, self.n_fresh))
        )
        return self.gap / math.sqrt(variance)

    @property
    def warning(self) -> str:
        """What a reader must know; '' where the gap is no larger than chance makes it."""
        if not self.standard_errors > _SURE or min(self.n_selection, self.n_fresh) < _FEW:
            return ""
        return (
            f"the search has fitted its validation part: the winner has {100 * self.selection:.2f} % accuracy on the "
            f"{self.n_selection:,} examples by which it was chosen among {self.n_candidates:,} candidates, and the "
            f"same weights have {100 * self.fresh:.2f} % on {self.n_fresh:,} examples that nothing was chosen by, "
            f"{self.standard_errors:.1f} standard errors less. Differences between candidates that are smaller than "
            "this gap mean nothing; a larger validation part, or fewer candidates, make it smaller. (Test data of "
            "another kind than the training data have such a gap, too.)"
        )

    def to_json(self) -> dict[str, Any]:
        """As plain data, for the run's folder."""
        return asdict(self)


def fresh_score(
    space: Space, task: Task, plan: TrainingPlan, record: Record, checkpoint: Path, *, n_candidates: int, device: str
) -> FreshScore | None:
    """Score the weights that the search trained for a record on the test part; None where there are none.

    Args:
        space, task, plan: as candidates were trained.
        record: the winner's.
        checkpoint: of its arch.
        n_candidates: among how many it was chosen.
        device: where to compute.
    """
    metric = task.metric
    if metric not in record.metrics or not checkpoint.exists():
        return None
    try:
        training = Training(space, task, plan)
        own = training.plan_of(record.arch)
        state = load_checkpoint(checkpoint)
        if state["epochs_done"] != record.metrics.get("epochs"):
            return None  # of another training of this arch
        model = training.model(record.arch, seed=0, device=device)
        model.load_state_dict(state["model"])
        examples = cached_examples(task, task.test, device, channels_last=own.channels_last)
        found = score(model, examples, task, task.test, precision=own.precision)
    except (NetwrightError, RuntimeError, KeyError):  # weights that don't fit, or no memory: nothing is said then
        return None
    sizes = len(task.validation), len(task.test)
    return FreshScore(metric, record.metrics[metric], sizes[0], found[metric], sizes[1], n_candidates)
