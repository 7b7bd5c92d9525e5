"""Features inside any network: what enters its last pooling, and what its blocks put out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from netwright.core.errors import EvaluationError
from netwright.models.layers import GlobalAveragePool, GlobalMaxPool

__all__ = ["before_pooling", "block_features", "channels_last_of", "parts_of"]

_GLOBAL = (
    GlobalAveragePool,
    GlobalMaxPool,
    nn.modules.pooling._AdaptiveAvgPoolNd,  # noqa: SLF001  # what all of them have in common
    nn.modules.pooling._AdaptiveMaxPoolNd,  # noqa: SLF001  # likewise
)
_LISTS = (nn.ModuleList, nn.ModuleDict)


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


def parts_of(model: nn.Module, fewest: int = 4) -> list[nn.Module]:
    """The parts of a network in their order, of which at least so many may be blocks, the head included.

    The part that has most modules inside is taken apart until there are.

    Example:
        >>> body = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4))
        >>> [type(part).__name__ for part in parts_of(nn.Sequential(body, nn.Linear(4, 2)))]
        ['Linear', 'ReLU', 'Linear', 'Linear']
    """
    parts: list[nn.Module] = [model]
    while sum(_counts(part) for part in parts) < fewest:
        divisible = [part for part in parts if next(part.children(), None) is not None]
        if not divisible:
            break
        largest = max(divisible, key=lambda part: sum(1 for _ in part.modules()))
        place = next(i for i, part in enumerate(parts) if part is largest)
        parts[place : place + 1] = list(largest.children())
    # A list of modules isn't called itself: its members are.
    while any(isinstance(part, _LISTS) for part in parts):
        parts = [member for part in parts for member in (list(part.children()) if isinstance(part, _LISTS) else [part])]
    return list(dict.fromkeys(parts))


def _counts(part: nn.Module) -> bool:
    """Whether a part can be a block by itself."""
    if isinstance(part, _LISTS):
        return False
    weighted = any(one.dim() >= 2 for one in part.parameters(recurse=False))
    return weighted or next(part.children(), None) is not None


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
    parts: list[nn.Module] = []
    for fewest in (4, 3):  # what is deep inside may run in turns, once for each step of a sequence
        parts = parts_of(model, fewest)
        features = _features(model, tensors, inputs, parts)
        if len(features) >= 2:
            return features
    raise EvaluationError(
        f"features of at least two blocks are compared, but this model has {len(features)}: its parts are "
        f"{', '.join(type(part).__name__ for part in parts) or 'none'}."
    )


def _features(
    model: nn.Module, tensors: Mapping[str, torch.Tensor], inputs: torch.Tensor, parts: list[nn.Module]
) -> list[torch.Tensor]:
    seen: list[tuple[nn.Module, torch.Tensor]] = []

    def note(module: nn.Module, _: Any, output: Any) -> None:
        first = output[0] if isinstance(output, tuple) and output else output
        if isinstance(first, torch.Tensor) and first.is_floating_point() and first.dim() >= 2:
            seen.append((module, first))

    hooks = [part.register_forward_hook(note) for part in parts]
    try:
        output = torch.func.functional_call(model, dict(tensors), (inputs,))
    finally:
        for hook in hooks:
            hook.remove()
    features: list[torch.Tensor] = []
    opened = False  # whether the last block may still go on
    for module, given in seen:
        if given is output or isinstance(module, _GLOBAL) or (features and given.dim() != features[0].dim()):
            opened = False
            continue
        if _counts(module):
            features.append(given)
            opened = next(module.children(), None) is None
        elif opened:
            features[-1] = given
    return features


def channels_last_of(model: nn.Module, features: torch.Tensor) -> torch.Tensor:
    """Features with the channels as their last axis: they are second in images, and after convolutions of sequences.

    Example:
        >>> channels_last_of(nn.Conv2d(1, 8, 3), torch.zeros(2, 8, 4, 4)).shape
        torch.Size([2, 4, 4, 8])
    """
    second = features.dim() >= 4 or (features.dim() == 3 and any(isinstance(m, nn.Conv1d) for m in model.modules()))
    return features.movedim(1, -1) if second else features
