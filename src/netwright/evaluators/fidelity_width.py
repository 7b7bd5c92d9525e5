"""Fidelity as the width of the networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from netwright.core import Candidate, Context
from netwright.core.errors import InvalidInput
from netwright.evaluators.fidelity_whole import whole_training
from netwright.evaluators.plan import TrainingPlan
from netwright.evaluators.training import Training
from netwright.spaces import Space
from netwright.tasks import Task

__all__ = ["WidthFidelity"]


@dataclass(frozen=True, slots=True, eq=False)
class WidthFidelity:
    """Trains thinner networks of the same arch: of a space that is written with fewer channels.

    What makes a network thinner is the space's own business, so you give the spaces: a function of the share of the
    computation, which goes with the square of the widths. All of them have the same decisions. Each is a whole
    training; weights of a thinner network don't fit the next, so nothing is continued, and only full trainings leave a
    checkpoint.

    Attributes:
        space_of: the space for a fidelity: a function at the top of a module, or a `functools.partial` of one.
        task, plan: as for `Training`.

    Example:
        >>> from netwright import nn, n_outputs, Space, choice
        >>> from netwright.core import Arch
        >>> from netwright.tasks import load
        >>> def space_of(share):
        ...     units = max(4, round(64 * share**0.5))
        ...     act = choice({"relu": nn.ReLU(), "silu": nn.SiLU()}, label="act")
        ...     return Space(nn.Sequential(nn.LazyLinear(units), act, nn.LazyLinear(n_outputs)))
        >>> evaluator = WidthFidelity(space_of, load("blobs"), TrainingPlan(epochs=1, optimizer="adamw", lr=0.01))
        >>> "accuracy" in evaluator(Candidate(0, Arch({"act": "relu"}), fidelity=0.25), Context())
        True

    Raises:
        InvalidInput: as `Training`.
    """

    space_of: Callable[[float], Space]
    task: Task
    plan: TrainingPlan | None = None

    def __post_init__(self) -> None:
        if not callable(self.space_of):
            raise InvalidInput(
                "`space_of` of WidthFidelity must be a function from a share of the computation to a space, but got "
                f"{self.space_of!r}."
            )
        if self.plan is None:
            object.__setattr__(self, "plan", TrainingPlan.for_task(self.task))
        Training(self.space_of(1.0), self.task, self.plan)

    def __call__(self, candidate: Candidate, context: Context) -> dict[str, float]:
        """The metrics of a training of the arch in the space of this fidelity.

        Raises:
            InvalidSpace: if the arch isn't one of that space.
        """
        space = self.space_of(candidate.fidelity)
        space.validate(candidate.arch)
        return whole_training(Training(space, self.task, self.plan), candidate, context)
