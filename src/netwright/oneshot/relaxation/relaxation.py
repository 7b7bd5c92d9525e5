"""`Relaxation`: what tells one gradient-based method from another, as data. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from netwright.core.errors import InvalidInput, problems
from netwright.oneshot.derivation import Derivation, Strongest
from netwright.oneshot.relaxation.perturbation import Perturbation
from netwright.oneshot.relaxation.regularisers import Regulariser
from netwright.oneshot.relaxation.samplers import Sampler, Softmax
from netwright.oneshot.relaxation.stages import StagePlan
from netwright.oneshot.stopping import StoppingRule

__all__ = ["Relaxation"]


@dataclass(frozen=True, slots=True)
class Relaxation:
    """A gradient-based search: sampler × partial channels × regulariser × derivation × stopping.

    Attributes:
        sampler: from architecture parameters to weights of options.
        order: of the architecture's gradient: `first`, or second order, `exact` or by `finite` differences.
        levels: `two`: the architecture learns from data that the weights don't see; `one`: both learn from all, in one
            step.
        share: of the training examples that the architecture learns from, with two levels.
        edges: whether the edges that enter a node are weighed, too.
        partial: 1/partial of the channels are mixed.
        regulariser: of the architecture's loss.
        perturbation: of options' weights, while the network's weights are trained.
        stages: deeper networks with fewer options, step by step.
        warmup: the share of the search in which only the network's weights are trained.
        derivation: from architecture parameters to an arch.
        stopping: whether to end early.
        arch_lr: of the architecture's optimizer (Adam), in a search of `usual_steps`.
        arch_betas, arch_weight_decay: of that optimizer.
        usual_steps: of the paper's search. In a shorter one, the learning rate is larger by as much as there are fewer
            steps, up to `most_lr`: architecture parameters can go as far.
        most_lr: see there.
        spread: standard deviation of the first architecture parameters.

    Example:
        >>> Relaxation(order="exact").levels
        'two'

    Raises:
        InvalidInput: naming every value that can't be.
    """

    sampler: Sampler = field(default_factory=Softmax)
    order: Literal["first", "exact", "finite"] = "first"
    levels: Literal["one", "two"] = "two"
    share: float = 0.5
    edges: bool = False
    partial: int = 1
    regulariser: Regulariser | None = None
    perturbation: Perturbation | None = None
    stages: StagePlan = field(default_factory=StagePlan)
    warmup: float = 0.0
    derivation: Derivation = field(default_factory=Strongest)
    stopping: StoppingRule | None = None
    arch_lr: float = 3e-4
    arch_betas: tuple[float, float] = (0.5, 0.999)
    arch_weight_decay: float = 1e-3
    usual_steps: int = 19_500  # 50 epochs of half of CIFAR-10's training part in batches of 64
    most_lr: float = 0.05
    spread: float = 1e-3

    def __post_init__(self) -> None:
        wrong = []
        if self.order not in ("first", "exact", "finite"):
            wrong.append(f"`order` must be 'first', 'exact' or 'finite', but got {self.order!r}.")
        if self.levels not in ("one", "two"):
            wrong.append(f"`levels` must be 'one' or 'two', but got {self.levels!r}.")
        if self.levels == "one" and self.order != "first":
            wrong.append(f"second order needs two levels, but got levels='one', order={self.order!r}.")
        if not 0 < self.share < 1:
            wrong.append(f"`share` must be above 0 and below 1, but got {self.share!r}.")
        if not 0 <= self.warmup < 1:
            wrong.append(f"`warmup` must be at least 0 and below 1, but got {self.warmup!r}.")
        if not isinstance(self.partial, int) or self.partial < 1:
            wrong.append(f"`partial` must be a whole number of at least 1, but got {self.partial!r}.")
        if not (0 < self.arch_lr <= self.most_lr):
            wrong.append(f"`arch_lr` must be above 0 and at most most_lr={self.most_lr!r}, but got {self.arch_lr!r}.")
        if wrong:
            raise InvalidInput(problems("a relaxation can't be like this", wrong))

    def lr(self, steps: float) -> float:
        """The architecture's learning rate in a search of so many steps.

        Example:
            >>> Relaxation().lr(19_500), round(Relaxation().lr(1_950), 6)
            (0.0003, 0.003)
        """
        return min(self.most_lr, self.arch_lr * max(1.0, self.usual_steps / max(1.0, steps)))
