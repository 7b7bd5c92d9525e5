"""`Passes`: one forward pass and what is found on the way back, shared by all proxies that look at it.

Abdelfattah et al. 2021, https://arxiv.org/abs/2101.08134, give each score its own copy of the model and its own passes.
Here the forward pass in training mode is done once. Back from the loss come the gradients of weights and activations,
once more through these the curvature along the gradient, and back from the outputs the gradients of the inputs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import torch
from torch import nn

from netwright.core.errors import EvaluationError
from netwright.evaluators.proxies.activations import SignKernel, TwiceDifferentiable
from netwright.evaluators.proxies.batch import ProxyBatch
from netwright.evaluators.proxies.undisturbed import undisturbed

__all__ = ["ChannelGradients", "Need", "Passes", "Proxy", "SharedProxy", "finite", "measured", "passes_of"]

Need = Literal["gradients", "channels", "curvature", "jacobian", "signs"]
"""`gradients` of the weights; those of the `channels` that layers put out; `curvature` along the gradient; the inputs'
`jacobian`; `signs` of what enters activation functions."""


@runtime_checkable
class Proxy(Protocol):
    """A score of an untrained model: a frozen dataclass. Higher is better, by convention; see each one's own page."""

    def __call__(self, model: nn.Module, batch: ProxyBatch) -> float:
        """The score; the model is left as it was.

        Raises:
            EvaluationError: if there is no such score of this model, saying why.
        """
        ...


@runtime_checkable
class SharedProxy(Proxy, Protocol):
    """A proxy that can share its passes with others."""

    needs: ClassVar[frozenset[Need]]

    def of(self, passes: Passes) -> float:
        """The score, from passes that have what it needs."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class ChannelGradients:
    """What a layer with weights put out, and the gradient of the loss there.

    Attributes:
        outputs, gradients: (batch, channels, positions).
        weights_each: how many weights a channel has.
    """

    outputs: torch.Tensor
    gradients: torch.Tensor
    weights_each: float


@dataclass(slots=True, eq=False)
class Passes:
    """What was seen of a model with a batch, as far as it was asked for.

    Attributes:
        model: in training mode while proxies look at it.
        batch: the examples.
        weights: trainable matrices and kernels by name (biases and scales are not weights).
        gradients: of the mean loss, one for each weight; zeros where the loss doesn't depend on it.
        channels: of layers that have weights.
        curvature: the Hessian of the loss times the gradient, one for each weight.
        jacobian: (batch, input elements): the gradient of the sum of all outputs.
        signs: (batch, batch): for each two examples, how many activation functions get the same sign.
        shared: what proxies of one family keep for each other, by name.
    """

    model: nn.Module
    batch: ProxyBatch
    weights: dict[str, nn.Parameter]
    gradients: list[torch.Tensor] = field(default_factory=list)
    channels: list[ChannelGradients] = field(default_factory=list)
    curvature: list[torch.Tensor] = field(default_factory=list)
    jacobian: torch.Tensor | None = None
    signs: torch.Tensor | None = None
    shared: dict[str, Any] = field(default_factory=dict)


def measured(proxy: SharedProxy, model: nn.Module, batch: ProxyBatch) -> float:
    """One proxy by itself."""
    with passes_of(model, batch, proxy.needs) as passes:
        return finite(proxy, proxy.of(passes))


def finite(proxy: Proxy, value: float) -> float:
    """The value, if it is a number.

    Raises:
        EvaluationError: if it isn't.
    """
    if not hasattr(value, "__float__"):
        raise EvaluationError(f"{type(proxy).__name__} must give a number, but gave {value!r}.")
    if not math.isfinite(value):
        raise EvaluationError(
            f"{type(proxy).__name__} is {value} for this model, so it says nothing about it: parts of the model may "
            "get no signal, or its values are too large."
        )
    return value


@contextmanager
def passes_of(model: nn.Module, batch: ProxyBatch, needs: Iterable[Need]) -> Iterator[Passes]:
    """Passes of a model that have what is needed; the model is left as it was.

    Example:
        >>> model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
        >>> batch = ProxyBatch(torch.randn(8, 3), torch.randn(8, 1), nn.functional.mse_loss)
        >>> with passes_of(model, batch, ["gradients"]) as passes:
        ...     [gradient.shape for gradient in passes.gradients]
        [torch.Size([4, 3]), torch.Size([1, 4])]
    """
    weights = {name: one for name, one in model.named_parameters() if one.dim() >= 2 and one.requires_grad}
    passes = Passes(model, batch, weights)
    with undisturbed(model, seed=batch.seed):
        model.train()
        wanted = frozenset(needs)
        if wanted:
            _look(passes, wanted)
        yield passes


def _look(passes: Passes, needs: frozenset[Need]) -> None:
    model, batch = passes.model, passes.batch
    backward = bool(needs - {"signs"})
    inputs = batch.inputs.detach()
    if "jacobian" in needs:
        if not inputs.is_floating_point():
            raise EvaluationError(
                f"the gradient of the inputs is needed, but these are whole numbers ({inputs.dtype}): use proxies that "
                "don't look at it."
            )
        inputs = inputs.clone().requires_grad_()
    with ExitStack() as stack:
        stack.enter_context(torch.set_grad_enabled(backward))
        seen: list[tuple[nn.Module, torch.Tensor]] = []
        if "channels" in needs:
            for hook in _watched(model, seen):
                stack.callback(hook.remove)
        kernel = stack.enter_context(SignKernel(len(batch))) if "signs" in needs else None
        if "curvature" in needs:  # attention has no second derivative in its fused forms
            from torch.nn.attention import SDPBackend, sdpa_kernel

            stack.enter_context(sdpa_kernel(SDPBackend.MATH))
            stack.enter_context(TwiceDifferentiable())
        outputs = model(inputs.clone())  # a first layer may work in place
    if kernel is not None:
        passes.signs = kernel.total
    if not backward:
        return
    if "jacobian" in needs:
        passes.jacobian = _jacobian(outputs, inputs, retain=bool(needs & {"gradients", "channels", "curvature"}))
    if needs & {"gradients", "channels", "curvature"}:
        _from_loss(passes, outputs, seen, curvature="curvature" in needs)


def _jacobian(outputs: torch.Tensor, inputs: torch.Tensor, *, retain: bool) -> torch.Tensor:
    found = (
        torch.autograd.grad(outputs.sum(), inputs, retain_graph=retain, allow_unused=True)[0]
        if outputs.requires_grad
        else None
    )
    return torch.zeros_like(inputs).flatten(1) if found is None else found.flatten(1)


def _from_loss(
    passes: Passes, outputs: torch.Tensor, seen: list[tuple[nn.Module, torch.Tensor]], *, curvature: bool
) -> None:
    weights = list(passes.weights.values())
    if not weights:
        raise EvaluationError("gradients are needed, but the model has no trainable matrix or kernel.")
    loss = passes.batch.loss(outputs, passes.batch.targets)
    wanted = [*weights, *(output for _, output in seen)]
    if not loss.requires_grad:
        raise EvaluationError(
            "gradients are needed, but the loss has none: the model computes without them (`torch.no_grad`, `detach`)."
        )
    found = torch.autograd.grad(loss, wanted, create_graph=curvature, allow_unused=True)
    first = found[: len(weights)]
    passes.gradients = _filled(first, weights)
    passes.channels = [
        _by_channel(module, output.detach(), gradient.detach())
        for (module, output), gradient in zip(seen, found[len(weights) :], strict=True)
        if gradient is not None
    ]
    if curvature:
        parts = [(one.detach() * one).sum() for one in first if one is not None and one.requires_grad]
        again: tuple[torch.Tensor | None, ...] = (None,) * len(weights)
        if parts:
            try:
                again = torch.autograd.grad(torch.stack(parts).sum(), weights, allow_unused=True)
            except (RuntimeError, NotImplementedError) as error:
                raise EvaluationError(f"the loss can't be differentiated twice here: {error}") from error
        passes.curvature = _filled(again, weights)


def _filled(found: Iterable[torch.Tensor | None], weights: list[nn.Parameter]) -> list[torch.Tensor]:
    return [
        torch.zeros_like(weight) if one is None else one.detach() for one, weight in zip(found, weights, strict=True)
    ]


def _watched(model: nn.Module, seen: list[tuple[nn.Module, torch.Tensor]]) -> Iterator[Any]:
    """Hooks on the layers with weights of their own, which note what they put out."""

    def note(module: nn.Module, _: Any, output: Any) -> None:
        first = output[0] if isinstance(output, tuple) and output else output
        if isinstance(first, torch.Tensor) and first.requires_grad and first.dim() >= 2:
            seen.append((module, first))

    for module in model.modules():
        if any(one.dim() >= 2 and one.requires_grad for one in module.parameters(recurse=False)):
            yield module.register_forward_hook(note)


def _by_channel(module: nn.Module, output: torch.Tensor, gradient: torch.Tensor) -> ChannelGradients:
    # Convolutions put channels second, all other layers last.
    axis = 1 if isinstance(module, nn.modules.conv._ConvNd) else -1  # noqa: SLF001  # what they have in common
    output, gradient = (
        one.movedim(axis, 1).flatten(2) if one.dim() > 2 else one[..., None] for one in (output, gradient)
    )
    n_weights = sum(one.numel() for one in module.parameters(recurse=False) if one.dim() >= 2)
    return ChannelGradients(output, gradient, n_weights / output.shape[1])
