"""Any optimizer of `torch.optim` by name."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import nn

from netwright.core.errors import unknown
from netwright.evaluators.plan import TrainingPlan

__all__ = ["make_optimizer", "optimizer_class"]

_UNUSABLE = {"Optimizer", "LBFGS", "SparseAdam", "Muon"}  # the base; those that need a closure, or matrices only


def optimizer_class(name: str) -> type[torch.optim.Optimizer]:
    """The class of this name, in any case: `sgd`, `AdamW`, `rmsprop`.

    Example:
        >>> optimizer_class("adamw").__name__
        'AdamW'

    Raises:
        NotFound: for an unknown name; the nearest are listed.
    """
    found = {
        key.lower(): value
        for key, value in vars(torch.optim).items()
        if isinstance(value, type) and issubclass(value, torch.optim.Optimizer) and key not in _UNUSABLE
    }
    if name.lower() not in found:
        raise unknown("optimizer", name, found)
    return found[name.lower()]


def make_optimizer(model: nn.Module, plan: TrainingPlan) -> torch.optim.Optimizer:
    """The plan's optimizer for a model; parameters of fewer than two axes (biases, normalisations) don't decay."""
    kind = optimizer_class(plan.optimizer)
    known = inspect.signature(kind).parameters
    given: dict[str, Any] = {"lr": plan.lr}
    if "momentum" in known:
        given["momentum"] = plan.momentum
    if "nesterov" in known and plan.momentum > 0 and "momentum" in known:
        given["nesterov"] = True
    if "fused" in known and _can_fuse(kind):
        given["fused"] = True
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if "weight_decay" not in known:
        return kind(trained, **given)
    groups = [
        {"params": [p for p in trained if p.dim() >= 2], "weight_decay": plan.weight_decay},
        {"params": [p for p in trained if p.dim() < 2], "weight_decay": 0.0},
    ]
    return kind([group for group in groups if group["params"]], **given)


def _can_fuse(kind: type[torch.optim.Optimizer]) -> bool:
    return kind.__name__ in ("SGD", "Adam", "AdamW", "Adagrad")
