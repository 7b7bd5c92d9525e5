"""`EpeNas`: whether the network treats inputs of one class alike, and how much.

Lopes et al. 2021, EPE-NAS, https://arxiv.org/abs/2102.08099.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from netwright.core.errors import EvaluationError
from netwright.core.registry import proxies
from netwright.evaluators.proxies.batch import ProxyBatch
from netwright.evaluators.proxies.correlations import correlations
from netwright.evaluators.proxies.passes import Need, Passes, measured

__all__ = ["EpeNas"]

_SMALL = 1e-5  # the authors'
_MANY = 100  # classes; with more of them the authors compare classes with each other
_GROUPS = 10  # of numbers to predict


@dataclass(frozen=True, slots=True)
class EpeNas:
    """How the input gradients of examples of one class correlate (Lopes et al. 2021, arXiv:2102.08099).

    For each class the sum of log(|correlation| + k) over pairs of its examples; absolute values are summed over
    classes (with more than 100, differences between each two of them are averaged). Higher is taken as better, as the
    authors do. Where numbers are predicted, the paper says nothing: here examples are put into ten groups by the first
    of their targets, or fewer if there are fewer different ones.

    Example:
        >>> model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
        >>> batch = ProxyBatch(torch.randn(8, 3), torch.arange(8) % 2, nn.functional.cross_entropy)
        >>> EpeNas()(model, batch) > 0
        True
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"jacobian"})

    def __call__(self, model: nn.Module, batch: ProxyBatch) -> float:
        """The score of a model."""
        return measured(self, model, batch)

    def of(self, passes: Passes) -> float:
        """The score, from passes that others may share."""
        assert passes.jacobian is not None
        groups = _groups(passes.batch.targets)
        whole = correlations(passes.jacobian)
        scores: list[float] = []
        many = int(groups.max()) + 1 > _MANY
        for group in torch.unique(groups):
            rows = torch.nonzero(groups == group).flatten()
            of_class = whole[rows][:, rows]
            if torch.isfinite(of_class).all():
                score = float((of_class.abs() + _SMALL).log().sum())
                scores.append(score / len(rows) if many else score)
        if not scores:
            raise EvaluationError(
                "EpeNas compares how outputs change with the inputs, but for some example of each class they don't "
                "change: the network has no way from input to output."
            )
        if not many:
            return sum(abs(score) for score in scores)
        return sum(abs(one - other) for one in scores for other in scores) / len(scores)


def _groups(targets: torch.Tensor) -> torch.Tensor:
    """The class of each example; groups of about equal size for numbers."""
    if not targets.is_floating_point():
        return targets.flatten(1)[:, 0].cpu() if targets.dim() > 1 else targets.cpu()
    first = targets.detach().reshape(len(targets), -1)[:, 0].double().cpu()
    different, place = torch.unique(first, return_inverse=True)
    if len(different) <= _GROUPS:
        return place
    edges = torch.quantile(first, torch.linspace(0, 1, _GROUPS + 1, dtype=torch.float64)[1:-1])
    return torch.bucketize(first, edges)


proxies.add("epe_nas", EpeNas)
