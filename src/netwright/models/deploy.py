"""From a trained network to one that takes raw data: the task's statistics become part of the model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from netwright.core.errors import InvalidInput
from netwright.models.build import Built
from netwright.models.layers import Destandardise, Standardise
from netwright.spaces import Call, layers
from netwright.spaces import nn as deferred

__all__ = ["deployed", "standardised"]

Array = npt.NDArray[Any]


def standardised(call: Call, shape: tuple[int, ...] | None, target_shape: tuple[int, ...] | None = None) -> Call:
    """The call of a network with `Standardise` in front and, for regression, `Destandardise` behind.

    Args:
        call: of the network, resolved or not.
        shape: of the inputs' statistics: the first axes of one example, such as (channels,); None leaves the inputs
            as they are.
        target_shape: of the targets' statistics, such as (n_outputs,); None leaves the outputs as they are.

    Example:
        >>> standardised(deferred.Linear(4, 2), (4,), (2,))
        Sequential(Standardise(4), Linear(4, 2), Destandardise(2))
    """
    behind = [] if target_shape is None else [layers.Destandardise(*target_shape)]
    before = [] if shape is None else [layers.Standardise(*shape)]
    return deferred.Sequential(*before, call, *behind)


def deployed(
    built: Built,
    *,
    input_mean: Array | None,
    input_std: Array | None,
    target_mean: Array | None = None,
    target_std: Array | None = None,
) -> Built:
    """The network with its statistics built in: raw inputs in; logits, or predictions in their own units, out.

    The network itself is shared, not copied: its weights, device and mode stay.

    Args:
        built: a (trained) network and its calls.
        input_mean, input_std: of one example or its first axes: (channels,) for images, (features,) for tables; None
            for tokens, which are taken as they are.
        target_mean, target_std: for regression, (n_outputs,).

    Example:
        >>> from netwright.models import build_call
        >>> network = build_call(deferred.Linear(2, 1), input_shape=(2,))
        >>> ready = deployed(network, input_mean=np.array([1.0, 2.0]), input_std=np.array([1.0, 4.0]))
        >>> bool((ready.model(torch.tensor([[1.0, 2.0]])) == network.model(torch.zeros(1, 2))).all())
        True
    """
    shape = None if input_mean is None else tuple(np.shape(input_mean))
    target_shape = None if target_mean is None else tuple(np.shape(target_mean))
    spread = None if input_std is None else tuple(np.shape(input_std))
    target_spread = None if target_std is None else tuple(np.shape(target_std))
    if shape != spread or target_shape != target_spread:
        raise InvalidInput(
            f"means and standard deviations must have equal shapes, but got {shape} and {spread} for the inputs, "
            f"{target_shape} and {target_spread} for the targets."
        )
    parts: list[nn.Module] = [built.model]
    if input_mean is not None and input_std is not None and shape is not None:
        parts.insert(0, _with(Standardise(*shape), input_mean, input_std))
    if target_mean is not None and target_std is not None and target_shape is not None:
        parts.append(_with(Destandardise(*target_shape), target_mean, target_std))
    parameter = next(built.model.parameters(), torch.zeros(0))
    model = nn.Sequential(*parts).to(parameter.device)
    model.training = built.model.training
    return replace(built, model=model, call=standardised(built.call, shape, target_shape))


def _with(layer: Standardise | Destandardise, mean: Array, std: Array) -> nn.Module:
    layer.mean.copy_(torch.as_tensor(mean))
    layer.std.copy_(torch.as_tensor(std))
    return layer
