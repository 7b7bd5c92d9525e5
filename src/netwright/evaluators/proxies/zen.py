"""`Zen`: how much the features change with a small change of random inputs.

Lin et al. 2021, Zen-NAS, https://arxiv.org/abs/2102.01063.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from netwright.core.errors import EvaluationError, InvalidInput
from netwright.core.registry import proxies
from netwright.evaluators.proxies.batch import ProxyBatch
from netwright.evaluators.proxies.features import before_pooling
from netwright.evaluators.proxies.normalisations import NORMALISATIONS, spread
from netwright.evaluators.proxies.passes import Need, Passes, measured

__all__ = ["Zen"]


@dataclass(frozen=True, slots=True)
class Zen:
    """The logarithm of how much the features change, with the scales that normalisation divides out (arXiv:2102.01063).

    Weights and inputs are drawn from normal distributions; a second input differs from the first by `step` times
    another. The features are what enters the last global pooling, or else the last linear layer. Half the logarithm of
    each batch normalisation's running variance after both inputs is added, as the authors' code does: it starts from 1,
    so a variance v counts as about 0.81 + 0.19 v. Higher is taken as better. Beyond the paper, the variance of other
    normalisations is taken from the first input.

    Attributes:
        step: how far the second input is from the first.

    Example:
        >>> batch = ProxyBatch(torch.zeros(4, 3), torch.zeros(4, 1), nn.functional.mse_loss)
        >>> narrow, wide = (nn.Sequential(nn.Linear(3, n), nn.ReLU(), nn.Linear(n, 1)) for n in (4, 400))
        >>> Zen()(narrow, batch) < Zen()(wide, batch)
        True

    Raises:
        InvalidInput: if `step` isn't above 0.
    """

    step: float = 0.01
    needs: ClassVar[frozenset[Need]] = frozenset()

    def __post_init__(self) -> None:
        if not self.step > 0:
            raise InvalidInput(f"`step` of Zen must be above 0, but got {self.step}.")

    def __call__(self, model: nn.Module, batch: ProxyBatch) -> float:
        """The score of a model."""
        return measured(self, model, batch)

    def of(self, passes: Passes) -> float:
        """The score, from passes that others may share."""
        model, inputs = passes.model, passes.batch.inputs
        if not inputs.is_floating_point():
            raise EvaluationError(f"Zen changes the inputs a little, but these are whole numbers ({inputs.dtype}).")
        noise = torch.Generator().manual_seed(passes.batch.seed)

        def drawn(like: torch.Tensor) -> torch.Tensor:
            return torch.randn(like.shape, generator=noise, dtype=like.dtype).to(like)

        with torch.no_grad():
            tensors = {
                **{name: _fresh(name, one, drawn) for name, one in model.named_parameters()},
                **{name: buffer.clone() for name, buffer in model.named_buffers()},
            }
            tracked = _statistics(model, tensors)
            first = drawn(inputs)
            second = first + self.step * drawn(inputs)
            spreads: list[torch.Tensor] = []
            hooks = [
                module.register_forward_hook(lambda module, given, _: spreads.append(spread(module, given[0])))
                for name, module in model.named_modules()
                if isinstance(module, NORMALISATIONS) and name not in tracked
            ]
            try:
                features = before_pooling(model, tensors, first)
            finally:
                for hook in hooks:
                    hook.remove()
            change = (features - before_pooling(model, tensors, second)).abs().flatten(1).sum(1).mean().log()
            scales = [tensors[name].mean() for name in tracked.values()] + spreads
            return float(change) + 0.5 * float(sum(scale.log() for scale in scales))


def _fresh(name: str, parameter: torch.Tensor, drawn: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """Normal matrices and kernels, no biases; scales stay."""
    if parameter.dim() >= 2:
        return drawn(parameter)
    return torch.zeros_like(parameter) if name.endswith("bias") else parameter.detach()


def _statistics(model: nn.Module, tensors: dict[str, torch.Tensor]) -> dict[str, str]:
    """Batch normalisations that keep running variances, which start from 1 again, and the name of each."""
    found: dict[str, str] = {}
    for name, module in model.named_modules():
        variance: Any = getattr(module, "running_var", None)
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and variance is not None:  # noqa: SLF001  # all of them
            prefix = f"{name}." if name else ""
            found[name] = f"{prefix}running_var"
            tensors[f"{prefix}running_var"].fill_(1.0)
            tensors[f"{prefix}running_mean"].zero_()
    return found


proxies.add("zen", Zen)
