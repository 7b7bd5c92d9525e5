"""`SynFlow`: how much can flow through the network, whatever the data.

Tanaka et al. 2020, https://arxiv.org/abs/2006.05467; as a score of networks Abdelfattah et al. 2021,
https://arxiv.org/abs/2101.08134.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from netwright.core.errors import EvaluationError
from netwright.core.registry import proxies
from netwright.evaluators.proxies.batch import ProxyBatch
from netwright.evaluators.proxies.normalisations import NORMALISATIONS
from netwright.evaluators.proxies.passes import Need, Passes, measured

__all__ = ["SynFlow"]


@dataclass(frozen=True, slots=True)
class SynFlow:
    """The logarithm of the summed |weight x gradient| of a data-free loss (Tanaka et al. 2020, arXiv:2006.05467).

    The loss is the sum of the outputs for an input of ones, with all weights made positive and without normalisation,
    in double precision. Higher is taken as better. As Abdelfattah et al. 2021 use it, with the logarithm of
    NAS-Bench-Suite-Zero. There, batch normalisation is left out; here every normalisation is, and dropout.

    Example:
        >>> model = nn.Linear(2, 1)
        >>> _ = nn.init.constant_(model.weight, -0.5)
        >>> batch = ProxyBatch(torch.zeros(2, 2), torch.zeros(2, 1), nn.functional.mse_loss)
        >>> SynFlow()(model, batch)  # log(0.5 + 0.5)
        0.0
    """

    needs: ClassVar[frozenset[Need]] = frozenset()

    def __call__(self, model: nn.Module, batch: ProxyBatch) -> float:
        """The score of a model."""
        return measured(self, model, batch)

    def of(self, passes: Passes) -> float:
        """The score, from passes that others may share."""
        model, given = passes.model, passes.batch.inputs
        if not passes.weights:
            raise EvaluationError("SynFlow needs gradients, but the model has no trainable matrix or kernel.")
        positive = {name: one.detach().double().abs() for name, one in model.named_parameters()}
        weights = {name: positive[name].requires_grad_() for name in passes.weights}
        buffers = {
            name: one.double().abs() if one.is_floating_point() else one.clone() for name, one in model.named_buffers()
        }
        dtype = torch.float64 if given.is_floating_point() else given.dtype
        ones = torch.ones_like(given[:1], dtype=dtype)
        hooks = [one.register_forward_hook(_passed_on) for one in model.modules() if isinstance(one, NORMALISATIONS)]
        modes = [(module, module.training) for module in model.modules()]
        model.eval()
        try:
            output = torch.func.functional_call(model, {**positive, **buffers}, (ones,))
        finally:
            for hook in hooks:
                hook.remove()
            for module, training in modes:
                module.training = training
        found: tuple[torch.Tensor | None, ...] = ()
        if output.requires_grad:
            found = torch.autograd.grad(output.sum(), list(weights.values()), allow_unused=True)
        total = sum(
            float((weight.detach() * one).abs().sum())
            for weight, one in zip(weights.values(), found, strict=False)
            if one is not None
        )
        if total == 0:
            raise EvaluationError("SynFlow finds nothing that flows: the network has no way from input to output.")
        return float(torch.tensor(total, dtype=torch.float64).log())


def _passed_on(_: nn.Module, inputs: tuple[Any, ...], __: Any) -> Any:
    """What enters, in place of a normalisation's output."""
    return inputs[0]


proxies.add("synflow", SynFlow)
