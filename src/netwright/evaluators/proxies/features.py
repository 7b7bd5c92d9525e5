"""Features inside any network: what enters its last pooling, and what its blocks put out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from netwright.core.errors import EvaluationError
from netwright.models.layers import GlobalAveragePool, GlobalMaxPool

__all__ = ["Blocks", "before_pooling", "block_features", "blocks_of", "channels_last_of"]

_GLOBAL = (
    GlobalAveragePool,
    GlobalMaxPool,
    nn.modules.pooling._AdaptiveAvgPoolNd,  # noqa: SLF001  # what all of them have in common
    nn.modules.pooling._AdaptiveMaxPoolNd,  # noqa: SLF001  # likewise
)
_FEWEST = 3  # parts into which a network is taken apart at least


def before_pooling(model: nn.Module, tensors: Mapping[str, torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
    """What enters the last global pooling with these weights; without one, the last linear layer; else the output.

    Example:
        >>> model = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
        >>> before_pooling(model, {}, torch.zeros(4, 3)).shape
        torch.Size([4, 5])
    """
    entering: dict[str, torch.Tensor] = {}

    def note(kind: str) -> Any:
        def hook(_: nn.Module, given: tuple[Any, ...]) -> None:
            if given and isinstance(given[0], torch.Tensor):
                entering[kind] = given[0]

        return hook

    hooks = [
        module.register_forward_pre_hook(note("pooling" if isinstance(module, _GLOBAL) else "linear"))
        for module in model.modules()
        if isinstance(module, (*_GLOBAL, nn.Linear))
    ]
    try:
        output = torch.func.functional_call(model, dict(tensors), (inputs,))
    finally:
        for hook in hooks:
            hook.remove()
    found: torch.Tensor = entering.get("pooling", entering.get("linear", output))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """How a network is taken apart: its parts in order, and whether each one begins a block."""

    parts: tuple[nn.Module, ...]


def blocks_of(model: nn.Module) -> Blocks:
    """The parts at the shallowest depth that has at least three of them.

    Example:
        >>> body = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
        >>> len(blocks_of(nn.Sequential(body)).parts)
        3
    """
    parts: list[nn.Module] = [model]
    while len(parts) < _FEWEST:
        deeper = [child for part in parts for child in (list(part.children()) or [part])]
        if len(deeper) == len(parts) and all(a is b for a, b in zip(deeper, parts, strict=True)):
            break
        parts = deeper
    # A list of modules isn't called itself: its members are.
    while any(isinstance(part, (nn.ModuleList, nn.ModuleDict)) for part in parts):
        parts = [
            member
            for part in parts
            for member in (part.children() if isinstance(part, (nn.ModuleList, nn.ModuleDict)) else [part])
        ]
    return Blocks(tuple(parts))


def block_features(model: nn.Module, tensors: Mapping[str, torch.Tensor], inputs: torch.Tensor) -> list[torch.Tensor]:
    """What each block puts out with these weights, in order, as long as it is laid out as that of the first.

    A part with parts of its own is a block; so is a layer with weights, with what follows it up to the next. The
    network's last layer is none.

    Example:
        >>> model = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2))
        >>> [features.shape[1] for features in block_features(model, {}, torch.zeros(6, 3))]
        [5, 4]

    Raises:
        EvaluationError: if there are fewer than two blocks.
    """
    seen: list[tuple[nn.Module, torch.Tensor]] = []

    def note(module: nn.Module, _: Any, output: Any) -> None:
        first = output[0] if isinstance(output, tuple) and output else output
        if isinstance(first, torch.Tensor) and first.is_floating_point() and first.dim() >= 2:
            seen.append((module, first))

    hooks = [part.register_forward_hook(note) for part in blocks_of(model).parts]
    try:
        output = torch.func.functional_call(model, dict(tensors), (inputs,))
    finally:
        for hook in hooks:
            hook.remove()
    features: list[torch.Tensor] = []
    opened = False  # whether the last block may still go on
    for module, given in seen:
        if given is output or (features and given.dim() != features[0].dim()):
            opened = False
            continue
        composite = any(True for _ in module.children())
        weighted = any(one.dim() >= 2 for one in module.parameters(recurse=False))
        if composite or weighted:
            features.append(given)
            opened = not composite
        elif opened:
            features[-1] = given
    if len(features) < 2:
        raise EvaluationError(
            f"features of at least two blocks are compared, but this model has {len(features)}: its parts are "
            f"{', '.join(type(part).__name__ for part in blocks_of(model).parts) or 'none'}."
        )
    return features


def channels_last_of(model: nn.Module, features: torch.Tensor) -> torch.Tensor:
    """Features with the channels as their last axis: they are second in images, and after convolutions of sequences.

    Example:
        >>> channels_last_of(nn.Conv2d(1, 8, 3), torch.zeros(2, 8, 4, 4)).shape
        torch.Size([2, 4, 4, 8])
    """
    second = features.dim() >= 4 or (features.dim() == 3 and any(isinstance(m, nn.Conv1d) for m in model.modules()))
    return features.movedim(1, -1) if second else features
