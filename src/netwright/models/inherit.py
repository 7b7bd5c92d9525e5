"""`inherit`: a model begins with the weights of a related one, wherever they fit.

Weights belong together when the calls that made their layers stand at the same place of the space and the layers are of
one class, whatever their sizes: the first channels are taken, the centre of kernels, the first units of each gate. What
has no counterpart keeps its fresh weights.

Real et al. 2017, Large-Scale Evolution of Image Classifiers, https://arxiv.org/abs/1703.01041, inherit where shapes are
equal; the slices are those of weight sharing (`models/slicing.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import nn

from netwright.core.arch import Arch
from netwright.core.errors import InvalidSpace
from netwright.models.build import built
from netwright.models.slicing import cut, cuts_of, is_tracked_norm, put
from netwright.models.targets import target_of
from netwright.spaces import Space
from netwright.spaces.mirror import Deferred
from netwright.spaces.nodes import Call, Choice, Expression, Repeat, Subset
from netwright.spaces.resolve import makes_calls, resolve

__all__ = ["inherit", "places_of"]

Place: TypeAlias = "tuple[str, ...]"


@dataclass(frozen=True, slots=True, eq=False)
class _Weight:
    """A parameter or running statistic of a model: its name there, and the layer that holds it."""

    name: str
    layer: nn.Module

    @property
    def own_name(self) -> str:
        return self.name.rpartition(".")[2]


def inherit(
    space: Space,
    arch: Arch,
    model: nn.Module,
    *,
    parent: Arch,
    weights: Mapping[str, torch.Tensor],
    input_shape: tuple[int, ...],
    n_outputs: int | None = None,
) -> float:
    """Give a model the weights of its parent, and say what share of its parameters that is.

    Args:
        space: of both arches.
        arch: the model's.
        model: as `build` made it; changed in place.
        parent: the other arch.
        weights: its state dict.
        input_shape, n_outputs: as both were built.

    Example:
        >>> from netwright import nn, choice, n_outputs, Space
        >>> from netwright.models import build
        >>> space = Space(nn.Sequential(nn.LazyLinear(choice([4, 8], label="width")), nn.LazyLinear(n_outputs)))
        >>> small, large = Arch({"width": 4}), Arch({"width": 8})
        >>> old = build(space, small, input_shape=(3,), n_outputs=2, seed=0)
        >>> new = build(space, large, input_shape=(3,), n_outputs=2, seed=1)
        >>> share = inherit(space, large, new, parent=small, weights=old.state_dict(), input_shape=(3,), n_outputs=2)
        >>> share, bool((new[0].weight[:4] == old[0].weight).all())
        (0.52, True)

    Raises:
        InvalidSpace: if one of the arches can't be built.
    """
    ours = _weights(space, arch, input_shape, n_outputs)
    theirs = _weights(space, parent, input_shape, n_outputs)
    tensors = dict(model.state_dict(keep_vars=True))
    taken = 0
    with torch.no_grad():
        for key, own in ours.items():
            other = theirs.get(key)
            if other is None or other.name not in weights or type(own.layer) is not type(other.layer):
                continue
            tensor = tensors[own.name]
            n = _take(tensor, weights[other.name], own)
            taken += n if isinstance(tensor, nn.Parameter) else 0
    return taken / max(1, sum(parameter.numel() for parameter in model.parameters()))


def _take(tensor: torch.Tensor, given: torch.Tensor, weight: _Weight) -> int:
    """Copy what fits; the number of values that this is."""
    if tensor.shape == given.shape:
        tensor.copy_(given)
        return tensor.numel()
    cuts = cuts_of(weight.layer, weight.own_name)
    if cuts is None or tensor.dim() != given.dim() or not tensor.dim():
        return 0
    common = [min(sizes) for sizes in zip(tensor.shape, given.shape, strict=True)]
    part = cut(given, common, cuts)
    put(tensor, part.to(tensor.device), cuts)
    return part.numel()


def _weights(
    space: Space, arch: Arch, input_shape: tuple[int, ...], n_outputs: int | None
) -> dict[tuple[Place, str], _Weight]:
    """Where each parameter and running statistic of an arch comes from: the place of its call, and its name there."""
    call = built(space, arch, input_shape=input_shape, n_outputs=n_outputs, device="meta").call
    made: list[Any] = []
    with torch.random.fork_rng(devices=[]):
        try:
            with torch.device("meta"):
                model = _make(call, made)
        except Exception:  # noqa: BLE001  # one's own class that looks at values when it is made
            made.clear()
            model = _make(call, made)
    placeholders = {} if n_outputs is None else {"n_outputs": n_outputs}
    places = list(places_of(space.tree, arch, placeholders))
    if len(places) != len(made):
        raise InvalidSpace(f"{arch} of {space.name!r} has {len(places)} calls, but its model is made by {len(made)}.")
    names = {id(module): name for name, module in model.named_modules()}
    found: dict[str, tuple[tuple[Place, str], _Weight]] = {}
    for place, module in zip(places, made, strict=True):  # outer calls first: inner ones have the last word
        if not isinstance(module, nn.Module) or id(module) not in names:
            continue
        outer = names[id(module)]
        for path, layer in module.named_modules():
            kept = [name for name, value in layer.named_parameters(recurse=False) if value is not None]
            kept += ["running_mean", "running_var", "num_batches_tracked"] if is_tracked_norm(layer) else []
            for name in kept:
                within = f"{path}.{name}" if path else name
                full = f"{outer}.{within}" if outer else within
                found[full] = (place, within), _Weight(full, layer)
    return dict(found.values())


def _make(value: Any, made: list[Any]) -> Any:
    """What a concrete call makes; the results of all calls are noted in the order in which the calls are written."""
    if isinstance(value, (list, tuple)):
        return type(value)(_make(item, made) for item in value)
    if isinstance(value, dict):
        return {key: _make(item, made) for key, item in value.items()}
    if isinstance(value, Deferred):
        return target_of(value)
    if not isinstance(value, Call):
        return value
    number = len(made)
    made.append(None)
    target = target_of(value)
    args = tuple(_make(arg, made) for arg in value.args)
    kwargs = {key: _make(item, made) for key, item in value.kwargs.items()}
    if target is nn.Sequential:  # None is an option that means "no layer here"
        args = tuple(arg for arg in args if arg is not None)
    made[number] = target(*args, **kwargs)
    return made[number]


def places_of(node: Any, arch: Arch, placeholders: Mapping[str, Any], place: Place = ()) -> Iterator[Place]:
    """The place of each call that an arch takes, in the order in which `space.resolve(arch)` has them.

    The options of a choice are at one place, so that a layer can take over from another option of its class.
    """
    parts: list[tuple[str, Any]] = []
    if isinstance(node, Call):
        yield place
        parts = [*((str(i), arg) for i, arg in enumerate(node.args)), *node.kwargs.items()]
    elif isinstance(node, (list, tuple)):
        parts = [(str(i), item) for i, item in enumerate(node)]
    elif isinstance(node, dict):
        parts = [(str(key), value) for key, value in node.items()]
    elif isinstance(node, Choice):
        option = node.options[node.keys.index(arch[str(node.label)])]
        yield from places_of(option, arch, placeholders, place)
    elif isinstance(node, Subset):
        chosen = arch[str(node.label)]
        assert isinstance(chosen, tuple)
        parts = [(str(key), node.options[node.keys.index(key)]) for key in chosen]
    elif isinstance(node, Repeat):
        depth = arch[str(node.label)]
        assert isinstance(depth, int)
        if any(map(makes_calls, node.blocks)):
            yield place  # of the `Sequential` that it becomes
        parts = [(f"[{i}]", block) for i, block in enumerate(node.blocks[:depth])]
    elif isinstance(node, Expression):  # its value may be a call
        parts = [("=", resolve(node, arch, placeholders))]
    for step, part in parts:
        yield from places_of(part, arch, placeholders, (*place, step))
