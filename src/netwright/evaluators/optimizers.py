"""Any optimizer of `torch.optim` by name."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import nn

from netwright.core.errors import InvalidInput, unknown
from netwright.evaluators.plan import TrainingPlan

__all__ = ["begin_momentum", "make_optimizer", "optimizer_class"]

_UNUSABLE = {
    "lbfgs": "a function that evaluates the loss several times a step",
    "sparseadam": "sparse gradients",
    "muon": "a model of matrices only",
}


def optimizer_class(name: str) -> type[torch.optim.Optimizer]:
    """The class of this name, in any case: `sgd`, `AdamW`, `rmsprop`.

    Example:
        >>> optimizer_class("adamw").__name__
        'AdamW'

    Raises:
        NotFound: for an unknown name; the nearest are listed.
        InvalidInput: for one that needs another kind of training.
    """
    key = name.lower()
    found = {
        known.lower(): value
        for known, value in vars(torch.optim).items()
        if isinstance(value, type) and issubclass(value, torch.optim.Optimizer) and value is not torch.optim.Optimizer
    }
    usable = sorted(found.keys() - _UNUSABLE.keys())
    if key in found and key in _UNUSABLE:
        raise InvalidInput(
            f"the optimizer {name!r} can't train here: it needs {_UNUSABLE[key]}. Use one of {', '.join(usable)}."
        )
    if key not in usable:
        raise unknown("optimizer", name, usable)
    return found[key]


def make_optimizer(model: nn.Module, plan: TrainingPlan) -> torch.optim.Optimizer:
    """The plan's optimizer for a model; parameters of fewer than two axes (biases, normalisations) don't decay.

    Raises:
        NotFound: for an unknown optimizer.
        InvalidInput: if it can't be used, or there is nothing to train.
    """
    kind = optimizer_class(plan.optimizer)
    known = inspect.signature(kind).parameters
    given: dict[str, Any] = {"lr": plan.lr}
    if "momentum" in known:
        given["momentum"] = plan.momentum
    if "nesterov" in known and plan.momentum > 0 and "momentum" in known:
        given["nesterov"] = True
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trained:
        raise InvalidInput("the model has no parameters to train: give it a layer that has some.")
    if "fused" in known and _can_fuse(kind, trained[0].device.type):
        given["fused"] = True
    if "weight_decay" not in known:
        return kind(trained, **given)
    groups = [
        {"params": [p for p in trained if p.dim() >= 2], "weight_decay": plan.weight_decay},
        {"params": [p for p in trained if p.dim() < 2], "weight_decay": 0.0},
    ]
    return kind([group for group in groups if group["params"]], **given)


def begin_momentum(optimizer: torch.optim.Optimizer, model: nn.Module) -> None:
    """Give SGD's parameters a momentum of zeros, which is the same as none, where steps may leave some of them out.

    Torch's fused kernel can't take parameters without momentum beside others that have one.
    """
    if isinstance(optimizer, torch.optim.SGD) and optimizer.defaults["momentum"]:
        for parameter in model.parameters():
            optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)


def _can_fuse(kind: type[torch.optim.Optimizer], device: str) -> bool:
    """Whether torch has one kernel for the whole step, in every version from 2.4 on."""
    if device == "cpu":
        return kind.__name__ in ("SGD", "Adam", "AdamW", "Adagrad")
    return device == "cuda" and kind.__name__ in ("SGD", "Adam", "AdamW")
