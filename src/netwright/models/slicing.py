"""How the weights of a smaller layer lie in those of a larger one: the rules of weight sharing and inheritance.

Each axis of a parameter is cut in one of three ways: `prefix` (the first channels or units), `centre` (of a kernel's
positions; Cai et al. 2020, Once-for-all, https://arxiv.org/abs/1908.09791, without its kernel transformations), or a
number of groups of each of which the first units are taken (the gates of an LSTM, or query, key and value).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

__all__ = ["Cut", "cut", "cuts_of", "is_tracked_norm", "put"]

Cut: TypeAlias = "str | int"
"""How an axis is cut: `prefix`, `centre`, or the number of groups that it consists of."""

_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1, "LSTMCell": 4, "GRUCell": 3, "RNNCell": 1}


def cuts_of(module: nn.Module, name: str) -> tuple[Cut, ...] | None:
    """How each axis of a parameter or buffer is cut; None where a smaller one can't be part of a larger one.

    Torch's own layers are known. A class of yours says it in `elastic_axes`, by parameter, such as
    `elastic_axes = {"weight": ("prefix", "prefix")}`.

    Example:
        >>> cuts_of(nn.Conv2d(3, 8, 5), "weight"), cuts_of(nn.MultiheadAttention(8, 2), "in_proj_bias")
        (('prefix', 'prefix', 'centre', 'centre'), (3,))
    """
    tensor = getattr(module, name)
    declared = getattr(type(module), "elastic_axes", None)
    if isinstance(declared, Mapping) and name in declared:
        return tuple(declared[name])
    if not type(module).__module__.startswith("torch.nn."):
        return None
    usual: list[Cut] = ["prefix"] * tensor.dim()
    if isinstance(module, _ConvNd) and name == "weight":
        return (*usual[:2], *(["centre"] * (tensor.dim() - 2)))
    gates = _GATES.get(type(module).__name__)
    if gates is not None:
        return tuple(_recurrent(module, name, usual, gates))
    if isinstance(module, nn.MultiheadAttention) and name.startswith("in_proj"):
        usual[0] = 3
    return tuple(usual)


def _recurrent(module: nn.Module, name: str, usual: list[Cut], gates: int) -> list[Cut]:
    if not name.startswith("weight_hr"):  # of a projection
        usual[0] = gates
    later = name.startswith("weight_ih_l") and not name.startswith("weight_ih_l0")
    if later and getattr(module, "bidirectional", False):  # both directions of the layer below, one after the other
        usual[1] = 2
    return usual


def cut(full: torch.Tensor, shape: Sequence[int], cuts: Sequence[Cut]) -> torch.Tensor:
    """The part of a larger tensor that a smaller layer of this shape takes; gradients flow back.

    Example:
        >>> cut(torch.arange(6), (4,), (2,))
        tensor([0, 1, 3, 4])
        >>> cut(torch.arange(5), (3,), ("centre",))
        tensor([1, 2, 3])
    """
    view = _view(full, shape, cuts)
    return view if view.dim() == len(shape) else view.reshape(tuple(shape))


def put(full: torch.Tensor, values: torch.Tensor, cuts: Sequence[Cut]) -> None:
    """Write a smaller layer's values into the part of the larger tensor that `cut` takes.

    Example:
        >>> full = torch.zeros(6)
        >>> put(full, torch.ones(4), (2,))
        >>> full
        tensor([1., 1., 0., 1., 1., 0.])
    """
    with torch.no_grad():
        view = _view(full, values.shape, cuts)
        view.copy_(values.reshape(view.shape))


def _view(full: torch.Tensor, shape: Sequence[int], cuts: Sequence[Cut]) -> torch.Tensor:
    """A view of the part; an axis of groups that is cut is two axes there."""
    if full.shape == torch.Size(shape):
        return full
    for axis in reversed(range(len(shape))):  # from the last one, as groups make new axes behind them
        size, most, kind = shape[axis], full.shape[axis], cuts[axis]
        if size == most:
            continue
        if kind == "prefix":
            full = full.narrow(axis, 0, size)
        elif kind == "centre":
            full = full.narrow(axis, (most - size) // 2, size)
        else:
            groups = int(kind)
            grouped = full.view(*full.shape[:axis], groups, most // groups, *full.shape[axis + 1 :])
            full = grouped.narrow(axis + 1, 0, size // groups)
    return full


def is_tracked_norm(module: nn.Module) -> bool:
    """Whether a layer keeps running statistics of what it normalises."""
    return isinstance(module, _NormBase) and module.track_running_stats and module.running_mean is not None
