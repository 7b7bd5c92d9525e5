"""Search by zero-cost proxies as a method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netwright.core import Arch, Constraint, Context, Evaluator, Recipe, SearchSpace, Strategy
from netwright.core.errors import InvalidInput
from netwright.core.registry import methods
from netwright.oneshot.architecture_only import needs_networks
from netwright.oneshot.preparing import training_inside
from netwright.strategies import Deduplicated, RegularizedEvolution, StartingWith

__all__ = ["TrainingFree", "training_free"]


@methods.register
def training_free(space: SearchSpace, *, n_arches: int = 300, n_examples: int = 64, n_best: int = 20) -> Recipe:
    """Evolution by zero-cost proxies alone; only the best few are then trained (Lee & Ham 2024, arXiv:2403.19232).

    As in AZ-NAS, an arch's score is the product of its ranks among all arches seen so far, and children come from the
    best. Differs from it in the proxies (size, and how differently inputs are treated: see `Aggregate`), in that noise
    is smoothed away over arches of similar decisions, and in that the best few are trained in turn, as far as time
    allows, before the winner is.

    Args:
        space: of networks.
        n_arches: how many are scored by proxies, or as many as fit into a share of the time.
        n_examples: in the batch that proxies look at.
        n_best: how many of the best are proposed for training; after them, evolution goes on.

    Example:
        >>> from netwright import Space, choice, nn
        >>> training_free(Space(nn.Sequential(choice([nn.ReLU(), nn.SiLU()])))).prepare.n_arches
        300

    Raises:
        InvalidInput: if the space's arches aren't networks, or a number is too small.
    """
    needs_networks("training_free", space, does="compares untrained networks")
    strategy = Deduplicated(RegularizedEvolution())
    return Recipe(strategy, prepare=TrainingFree(strategy, n_arches, n_examples, n_best))


@dataclass(frozen=True, slots=True)
class TrainingFree:
    """Ranks arches by proxies, and returns the recipe that proposes the best.

    Attributes:
        strategy: what proposes arches after the best.
        n_arches, n_examples, n_best: as for the method.

    Example:
        >>> TrainingFree(Deduplicated(RegularizedEvolution()), n_best=5).n_best
        5

    Raises:
        InvalidInput: if a number is too small.
    """

    doing: ClassVar[str] = "scoring untrained networks"
    strategy: Strategy
    n_arches: int = 300
    n_examples: int = 64
    n_best: int = 20

    def __post_init__(self) -> None:
        for name, least in (("n_arches", 1), ("n_examples", 2), ("n_best", 1)):
            if getattr(self, name) < least:
                raise InvalidInput(
                    f"`{name}` of training_free must be at least {least}, but got {getattr(self, name)}."
                )

    def __call__(self, usual: Evaluator, context: Context) -> Recipe:
        """Rank arches until the context's deadline, and return the recipe that proposes the best of them first.

        Raises:
            InvalidInput: if there is no training inside the evaluator, which says what the data are.
            EvaluationError: if no proxy works on these networks.
        """
        from netwright.evaluators.proxies.evaluator import ProxyScores
        from netwright.evaluators.proxies.searching import best_by_proxies
        from netwright.evaluators.training import computing_with

        training = training_inside(usual)
        costs = getattr(usual, "costs", None)
        limits: tuple[Constraint, ...] = getattr(usual, "constraints", ())

        def allowed(arch: Arch) -> bool:
            if costs is None or not limits:
                return True
            found = costs(arch)
            return all(limit.metric not in found or limit.violation(found) == 0 for limit in limits)

        scores = ProxyScores(
            training.space, training.task, n_examples=self.n_examples, seed=context.seed, device=context.device
        )
        with computing_with(context.threads):
            ranked = best_by_proxies(
                scores,
                n_arches=self.n_arches,
                seed=context.seed,
                deadline=context.deadline,
                clock=context.clock,
                allowed=allowed,
                file=None if context.checkpoints is None else context.checkpoints / "proxies.jsonl",
            )
        return Recipe(
            StartingWith(self.strategy, ranked.arches[: self.n_best]),
            reason=f"{len(ranked.arches)} arches were ranked by {', '.join(ranked.proxies)}: {ranked.ended}.",
        )
