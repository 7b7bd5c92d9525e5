"""Parts of models that are bound to shared weights: whole tensors as their own parameters, slices before each pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn

from netwright.core.errors import InvalidSpace
from netwright.models.shared_weights import SharedWeights

__all__ = ["Binding", "Bound", "Holder", "Waiting", "bounds_of", "own_parameters", "own_parts"]


@dataclass(frozen=True, slots=True)
class Bound:
    """A parameter or statistic of a part, and where it comes from.

    Attributes:
        module: the layer that holds it.
        name: in that layer.
        entry: of the shared weights.
        shape: of what the layer takes of it.
        buffer: whether it is a running statistic.
    """

    module: nn.Module
    name: str
    entry: str
    shape: tuple[int, ...]
    buffer: bool


class Holder(Protocol):
    """Has the shared weights, and the statistics of normalisation that take their place for now, by entry."""

    weights: SharedWeights
    statistics: Mapping[str, torch.Tensor] | None


class Waiting(nn.Module):
    """Stands for a layer until its input says which one it is; another input can settle it anew.

    Args:
        make: the layer for a first input.
        key: what of the input tells layers apart.
        target: the layer's class.
    """

    def __init__(self, make: Callable[[torch.Tensor], nn.Module], key: Callable[[torch.Tensor], Any], target: Any):
        super().__init__()
        self._make = make
        self._key = key
        self.kind = getattr(target, "__name__", "module")
        self._instances: dict[Any, nn.Module] = {}
        self._current: Any = None
        self.settled: nn.Module | None = None

    def forward(self, *inputs: Any, **named: Any) -> Any:
        first = inputs[0] if inputs else next(iter(named.values()), None)
        if not isinstance(first, torch.Tensor):
            raise InvalidSpace(f"{self.kind} is left without a size, but its first input is no tensor: give the size.")
        key = self._key(first)
        if self.settled is None or key != self._current:
            settled = self._instances.get(key)
            if settled is None:
                settled = self._instances[key] = self._make(first)
            settled.train(self.training)
            self.settled, self._current = settled, key
        return self.settled(*inputs, **named)


class Binding:
    """Keeps a part's parameters and statistics those of the shared weights.

    Args:
        holder: has the weights.
        bounds: what the part takes of them.
    """

    def __init__(self, holder: Holder, bounds: list[Bound]) -> None:
        self.holder = holder
        weights = holder.weights
        self.sliced: list[Bound] = []
        self.statistics = [bound for bound in bounds if bound.buffer]
        self.replaced = True  # the statistics, by others than the shared ones
        for bound in bounds:
            if bound.buffer:
                continue
            if bound.shape == weights.entries[bound.entry].shape:
                bound.module._parameters[bound.name] = weights.tensor(bound.entry)  # type: ignore[assignment]  # noqa: SLF001
                if isinstance(bound.module, nn.RNNBase):
                    setattr(bound.module, bound.name, weights.tensor(bound.entry))
            else:
                del bound.module._parameters[bound.name]  # noqa: SLF001
                self.sliced.append(bound)
        self.refresh()

    def attach(self, made: nn.Module) -> None:
        """Refresh what changes before each forward pass."""
        if self.sliced or self.statistics:
            made.register_forward_pre_hook(self)

    def __call__(self, module: nn.Module, inputs: Any) -> None:
        self.refresh()

    def refresh(self) -> None:
        weights = self.holder.weights
        for bound in self.sliced:
            value = weights.part(bound.entry, bound.shape)
            if isinstance(bound.module, nn.RNNBase):
                setattr(bound.module, bound.name, value)  # it keeps a list of its own, too
            else:
                bound.module.__dict__[bound.name] = value
        given = self.holder.statistics
        if given is None and not self.replaced:
            return
        for bound in self.statistics:
            found = None if given is None else given.get(bound.entry)
            bound.module._buffers[bound.name] = (  # noqa: SLF001
                weights.part(bound.entry, bound.shape) if found is None else found
            )
        self.replaced = given is not None


def bounds_of(root: nn.Module) -> dict[str, Bound]:
    """The shared parameters and statistics of a module tree that has seen an input, by their names in `build`'s model.

    Raises:
        InvalidSpace: if a layer was never called.
    """
    found: dict[str, Bound] = {}

    def visit(module: nn.Module, path: str) -> None:
        if isinstance(module, Waiting):
            if module.settled is None:
                raise InvalidSpace(f"{module.kind} at {path!r} was never called, so its size is unknown: give it.")
            visit(module.settled, path)
            return
        for bound in module.__dict__.get("_shared", ()):
            found[f"{path}.{bound.name}" if path else bound.name] = bound
        for name, child in module.named_children():
            visit(child, f"{path}.{name}" if path else name)

    visit(root, "")
    return found


def own_parameters(part: nn.Module) -> Iterator[Any]:
    """Of the part alone, without those of its parts."""
    return (value for value in part._parameters.values() if value is not None)  # noqa: SLF001  # as torch's own tools


def own_parts(made: nn.Module, given: set[int]) -> Iterator[tuple[str, nn.Module]]:
    """The parts of a module that it made itself, by their paths; those that it was given (their ids) are left out."""

    def visit(module: nn.Module, path: str) -> Iterator[tuple[str, nn.Module]]:
        yield path, module
        for name, child in module.named_children():
            if id(child) not in given and not isinstance(child, Waiting):
                yield from visit(child, f"{path}/{name}" if path else name)

    return visit(made, "")
