"""The two steps of a bilevel search: one of the architecture parameters, one of the network's weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from netwright.evaluators.schedules import lr_share
from netwright.oneshot.relaxation.arch_gradients import Batch, InnerStep, arch_gradients
from netwright.oneshot.relaxation.samplers import TwoPaths
from netwright.oneshot.relaxation.searching import RelaxedSearch
from netwright.tasks import Task

__all__ = ["architecture_step", "enter_step", "joint_step", "weights_step"]


def enter_step(search: RelaxedSearch, progress: float, n_steps: float) -> None:
    """What changes with a search's progress: stages, dropout of skip connections, learning rates.

    Args:
        search: is changed.
        progress: of the search, 0..1.
        n_steps: of the whole search, about.
    """
    relaxation, plan = search.relaxation, search.plan
    number = relaxation.stages.number(progress)
    while search.stage < number:
        search.stage += 1
        relaxation.stages.enter(search.relaxed, search.stage, partial=relaxation.partial)
        if relaxation.stages.restart:
            search.architecture.state.clear()
    relaxation.stages.adjust(search.relaxed, progress)
    for group in search.weights.param_groups:
        group["lr"] = plan.lr * lr_share(plan, progress)
    for group in search.architecture.param_groups:
        group["lr"] = relaxation.lr(n_steps)


def architecture_step(search: RelaxedSearch, batch: Batch, own: Batch, task: Task, progress: float) -> torch.Tensor:
    """One step of the architecture parameters; its loss, still on the device.

    Args:
        search: is changed.
        batch: of the architecture's data.
        own: the batch of the weights' next step, which second order looks ahead to.
        task: gives the loss.
        progress: of the search, 0..1.
    """
    relaxed, relaxation = search.relaxed, search.relaxation
    regulariser = relaxation.regulariser
    relaxed.sample(progress=progress)
    grads, loss = arch_gradients(
        relaxed,
        _loss_of(search, task),
        batch,
        order=relaxation.order,
        training=own,
        step=None if relaxation.order == "first" else _ahead(search),
        added=None if regulariser is None else lambda loss: regulariser(loss, relaxed, progress),
    )
    _move_architecture(search, grads)
    return loss


def weights_step(search: RelaxedSearch, batch: Batch, task: Task, progress: float) -> torch.Tensor:
    """One step of the network's weights; its loss, still on the device."""
    relaxed, perturbation = search.relaxed, search.relaxation.perturbation
    loss_of = _loss_of(search, task)
    relaxed.sample(progress=progress, architecture=False)
    if perturbation is not None:
        perturbation(relaxed, progress, lambda: loss_of(relaxed(batch[0]), batch[1]))
    search.weights.zero_grad(set_to_none=True)
    loss = loss_of(relaxed(batch[0]), batch[1])
    loss.backward()  # type: ignore[no-untyped-call]  # torch's own
    _move_weights(search)
    return loss.detach()


def joint_step(search: RelaxedSearch, batch: Batch, task: Task, progress: float) -> torch.Tensor:
    """One step of both, on one batch (Xie et al. 2019, SNAS, arXiv:1812.09926); its loss, still on the device."""
    relaxed, regulariser = search.relaxed, search.relaxation.regulariser
    learns = progress >= search.relaxation.warmup
    relaxed.sample(progress=progress, architecture=learns)
    search.weights.zero_grad(set_to_none=True)
    search.architecture.zero_grad(set_to_none=True)
    loss = _loss_of(search, task)(relaxed(batch[0]), batch[1])
    whole = loss if regulariser is None or not learns else regulariser(loss, relaxed, progress)
    whole.backward()  # type: ignore[no-untyped-call]  # torch's own
    _move_weights(search)
    if learns:
        _move_architecture(search, [parameter.grad for parameter in relaxed.arch_parameters()])
    return loss.detach()


def _loss_of(search: RelaxedSearch, task: Task) -> Callable[[Any, torch.Tensor], torch.Tensor]:
    smoothing = search.plan.label_smoothing
    return lambda outputs, targets: task.loss(outputs.float(), targets, label_smoothing=smoothing)


def _move_weights(search: RelaxedSearch) -> None:
    if search.plan.clip:
        nn.utils.clip_grad_norm_(search.relaxed.weights(), search.plan.clip)
    search.weights.step()


def _move_architecture(search: RelaxedSearch, grads: Sequence[torch.Tensor | None]) -> None:
    relaxed = search.relaxed
    parameters = relaxed.arch_parameters()
    for parameter, grad in zip(parameters, grads, strict=True):
        parameter.grad = grad
    two_paths = isinstance(search.relaxation.sampler, TwoPaths)
    before = [parameter.detach().clone() for parameter in parameters] if two_paths else []
    search.architecture.step()
    if two_paths and relaxed.drawn.actives is not None:
        active = [a for a, t in zip(relaxed.drawn.actives, relaxed.alphas.tables, strict=True) if not t.edges]
        for parameter, old, moved in zip(parameters, before, active, strict=False):
            if moved is not None:
                with torch.no_grad():
                    parameter.copy_(TwoPaths.keep_others(old, parameter.detach(), moved))


def _ahead(search: RelaxedSearch) -> InnerStep:
    """What the weights' optimizer would do: SGD with its momentum and decay, with others plain SGD."""
    decays: dict[int, float] = {}
    for group in search.weights.param_groups:
        decays |= dict.fromkeys(map(id, group["params"]), float(group.get("weight_decay", 0.0)))
    weights = search.relaxed.weights()
    state, momentum = search.weights.state, 0.0
    if isinstance(search.weights, torch.optim.SGD):
        momentum = search.plan.momentum
    return InnerStep(
        lr=float(search.weights.param_groups[0]["lr"]),
        momentum=momentum,
        nesterov=bool(momentum and search.weights.param_groups[0].get("nesterov")),
        weight_decay=tuple(decays.get(id(weight), 0.0) for weight in weights),
        velocities=tuple(state[weight].get("momentum_buffer") if weight in state else None for weight in weights),
    )
