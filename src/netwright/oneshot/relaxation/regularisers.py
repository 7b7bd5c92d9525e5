"""What is added to the loss of the architecture parameters. Torch is imported when one is used, not before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from netwright.core.arch import Decided
from netwright.core.errors import InvalidInput
from netwright.oneshot.relaxation.samplers import concentrations

if TYPE_CHECKING:
    import torch

    from netwright.oneshot.relaxed import Relaxed

__all__ = ["AddedCost", "BetaDecay", "CostTable", "DirichletAnchor", "ExpectedCost", "Regulariser", "ZeroOne"]


class Regulariser(Protocol):
    """What the architecture parameters should be besides good."""

    def __call__(self, loss: torch.Tensor, relaxed: Relaxed, progress: float) -> torch.Tensor:
        """The loss with what is added.

        Args:
            loss: of the architecture's batch, a scalar.
            relaxed: the network, just sampled.
            progress: of the search, 0..1.
        """
        ...


@dataclass(frozen=True, slots=True)
class ZeroOne:
    """Pushes sigmoids away from one half: -weight * mean((sigmoid - 0.5)²) (Chu et al. 2020, arXiv:1911.12126)."""

    weight: float = 10.0

    def __call__(self, loss: torch.Tensor, relaxed: Relaxed, progress: float) -> torch.Tensor:
        import torch

        logits = torch.cat([table.flatten() for table in _logits(relaxed)])
        return loss - self.weight * (logits.sigmoid() - 0.5).square()[logits > -torch.inf].mean()


@dataclass(frozen=True, slots=True)
class DirichletAnchor:
    """The divergence of the Dirichlet distribution from the flat one (Chen et al. 2021, DrNAS, arXiv:2006.10355)."""

    weight: float = 1e-3

    def __call__(self, loss: torch.Tensor, relaxed: Relaxed, progress: float) -> torch.Tensor:
        import torch
        from torch.distributions import Dirichlet, kl_divergence

        total = torch.zeros((), device=loss.device)
        for table in _logits(relaxed):
            found = concentrations(table)
            total = total + kl_divergence(Dirichlet(found), Dirichlet(torch.ones_like(found))).sum()
        return loss + self.weight * total


@dataclass(frozen=True, slots=True)
class BetaDecay:
    """Keeps the logits of all choices in check: weight * progress * mean(logsumexp(logits)).

    Ye et al. 2022, β-DARTS, https://arxiv.org/abs/2203.01665; the weight grows linearly to 50 as there.
    """

    weight: float = 50.0

    def __call__(self, loss: torch.Tensor, relaxed: Relaxed, progress: float) -> torch.Tensor:
        import torch

        rows = torch.cat([table.logsumexp(-1) for table in _logits(relaxed)])
        return loss + self.weight * progress * rows.mean()


@dataclass(frozen=True, slots=True, eq=False)
class CostTable:
    """What each option of each choice costs; costs add up.

    Attributes:
        base: of what is there in every arch.
        costs: by decision and option.

    Example:
        >>> CostTable(1.0, {"op": {"skip": 0.0, "conv": 2.0}}).of({"op": "conv"})
        3.0
    """

    base: float
    costs: Mapping[str, Mapping[Decided, float]]

    def of(self, arch: Mapping[str, Decided]) -> float:
        """The cost of an arch."""
        return self.base + sum(self.costs[name][value] for name, value in arch.items() if name in self.costs)

    def expected(self, relaxed: Relaxed, weights: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The cost that weights of options stand for, differentiable.

        Args:
            relaxed: the network.
            weights: (options,) by choice.

        Raises:
            InvalidInput: if options have no cost.
        """
        import torch

        total = torch.tensor(self.base, device=relaxed.supernet.device)
        for name, of_options in weights.items():
            if name not in self.costs:
                continue
            options = relaxed.alphas.choice(name).options
            missing = [option for option in options if option not in self.costs[name]]
            if missing:
                raise InvalidInput(
                    f"a cost table needs a cost for every option of {name!r}, but has none for "
                    f"{', '.join(map(repr, missing))}."
                )
            costs = torch.tensor([float(self.costs[name][option]) for option in options], device=of_options.device)
            total = total + (of_options * costs).sum()
        return total


@dataclass(frozen=True, slots=True)
class ExpectedCost:
    """The loss times `scale * log(1 + cost)^power`: of good arches, cheap ones.

    Wu et al. 2019, FBNet, https://arxiv.org/abs/1812.03443. The paper's is `log(cost)` of a latency in ms that is well
    above 1; here a cost may be small.

    Attributes:
        table: the costs; None: millions of floating-point operations, measured arch by arch without training.
        scale, power: α and β of the paper.
    """

    table: CostTable | None = None
    scale: float = 0.2
    power: float = 0.6

    def __call__(self, loss: torch.Tensor, relaxed: Relaxed, progress: float) -> torch.Tensor:
        table = relaxed.cost_table() if self.table is None else self.table
        return loss * self.scale * table.expected(relaxed, relaxed.sampled()).clamp_min(0.0).log1p() ** self.power


@dataclass(frozen=True, slots=True)
class AddedCost:
    """The loss plus `weight` times the cost that is expected by the options' probabilities.

    Cai et al. 2019, ProxylessNAS, https://arxiv.org/abs/1812.00332.

    Attributes:
        weight: of the cost.
        table: the costs; None: millions of floating-point operations, measured arch by arch without training.
    """

    weight: float
    table: CostTable | None = None

    def __call__(self, loss: torch.Tensor, relaxed: Relaxed, progress: float) -> torch.Tensor:
        table = relaxed.cost_table() if self.table is None else self.table
        return loss + self.weight * table.expected(relaxed, relaxed.alphas.probabilities())


def _logits(relaxed: Relaxed) -> list[torch.Tensor]:
    """Of all rows but those of edges; minus infinity where an option is dropped."""
    tables = relaxed.alphas.tables
    return [relaxed.alphas.alive(number) for number, table in enumerate(tables) if not table.edges]
