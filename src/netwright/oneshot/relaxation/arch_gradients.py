"""Gradients of the validation loss in the architecture parameters (Liu et al. 2019, DARTS, arXiv:1806.09055).

First order takes the weights as they are. Second order looks one step of their training ahead: the weights that would
come of it depend on the architecture parameters, too. `exact` differentiates through that step; `finite` replaces the
product with the mixed Hessian by a difference of two gradients, as the paper does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch

from netwright.oneshot.relaxed import Relaxed

__all__ = ["Batch", "InnerStep", "Order", "arch_gradients"]

Order = Literal["first", "exact", "finite"]
Batch = tuple[torch.Tensor, torch.Tensor]

_RADIUS = 0.01  # of the difference, over the gradient's norm: the paper's


@dataclass(frozen=True, slots=True)
class InnerStep:
    """The step of the weights that second order looks ahead: SGD with momentum, as they are trained.

    Attributes:
        lr: its size.
        momentum: of the optimizer.
        nesterov: whether the momentum is Nesterov's.
        weight_decay: of each weight; by the weights' order.
        velocities: of the optimizer, in the same order; None where there is none yet.
    """

    lr: float
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: tuple[float, ...] = ()
    velocities: tuple[torch.Tensor | None, ...] = ()

    def after(self, weights: list[torch.Tensor], grads: list[torch.Tensor | None]) -> list[torch.Tensor]:
        """The weights after it, differentiable in the gradients."""
        found = []
        for i, (weight, grad) in enumerate(zip(weights, grads, strict=True)):
            if grad is None:
                found.append(weight.detach())
                continue
            change = grad + (self.weight_decay[i] if self.weight_decay else 0.0) * weight.detach()
            before = self.velocities[i] if self.velocities else None
            velocity = change if before is None else change + self.momentum * before
            change = change + self.momentum * velocity if self.nesterov else velocity
            found.append(weight.detach() - self.lr * change)
        return found


def arch_gradients(
    relaxed: Relaxed,
    loss: Callable[[Any, torch.Tensor], torch.Tensor],
    validation: Batch,
    *,
    order: Order = "first",
    training: Batch | None = None,
    step: InnerStep | None = None,
    added: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> tuple[list[torch.Tensor | None], torch.Tensor]:
    """The gradient of each architecture parameter, and the validation loss.

    The network must just have been sampled with gradients; nothing but these gradients is computed.

    Args:
        relaxed: the network.
        loss: of outputs and targets.
        validation: inputs and targets of the architecture's batch.
        order: how far it looks.
        training: the weights' batch; for second order.
        step: what the weights would do; for second order.
        added: a regulariser of the loss.
    """
    inputs, targets = validation
    parameters: list[torch.Tensor] = list(relaxed.arch_parameters())
    if order == "first":
        plain = loss(relaxed(inputs), targets)
        whole = plain if added is None else added(plain)
        return list(torch.autograd.grad(whole, parameters, allow_unused=True)), plain.detach()
    assert training is not None
    assert step is not None
    named: dict[str, torch.Tensor] = dict(relaxed.network.named_parameters())
    weights: list[torch.Tensor] = list(named.values())
    train_loss = loss(relaxed(training[0]), training[1])
    exact = order == "exact"
    inner = torch.autograd.grad(train_loss, weights, create_graph=exact, retain_graph=True, allow_unused=True)
    ahead = step.after(weights, list(inner))
    if not exact:
        ahead = [weight.detach().requires_grad_() for weight in ahead]
    plain = loss(relaxed.functional(dict(zip(named, ahead, strict=True)), inputs), targets)
    whole = plain if added is None else added(plain)
    if exact:
        return list(torch.autograd.grad(whole, parameters, allow_unused=True)), plain.detach()
    found = torch.autograd.grad(whole, [*parameters, *ahead], allow_unused=True, retain_graph=True)
    direct, towards = found[: len(parameters)], found[len(parameters) :]
    mixed = _difference(relaxed, loss, training, named, list(towards), parameters)
    return [
        None if d is None and m is None else (0.0 if d is None else d) - step.lr * (0.0 if m is None else m)
        for d, m in zip(direct, mixed, strict=True)
    ], plain.detach()


def _difference(
    relaxed: Relaxed,
    loss: Callable[[Any, torch.Tensor], torch.Tensor],
    training: Batch,
    named: dict[str, torch.Tensor],
    towards: list[torch.Tensor | None],
    parameters: list[torch.Tensor],
) -> list[torch.Tensor | None]:
    """The mixed Hessian of the training loss times a vector, by the difference of two gradients."""
    norm = torch.sqrt(sum((v.square().sum() for v in towards if v is not None), start=torch.zeros(())))
    radius = _RADIUS / float(norm.clamp_min(1e-12))
    ends = []
    for sign in (1, -1):
        moved = {
            name: weight.detach() if v is None else weight.detach() + sign * radius * v
            for (name, weight), v in zip(named.items(), towards, strict=True)
        }
        value = loss(relaxed.functional(moved, training[0]), training[1])
        ends.append(torch.autograd.grad(value, parameters, allow_unused=True, retain_graph=True))
    return [None if up is None or down is None else (up - down) / (2 * radius) for up, down in zip(*ends, strict=True)]
