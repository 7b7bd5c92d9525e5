"""Module trees whose leaves take their weights from shared ones: what supernets are made of.

`Sharing` walks a labelled tree as `resolve` does, but keeps in mind the place of each call, so that the same call in
two arches is the same part with the same weights. Sizes that nobody wrote down are filled in when an input arrives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import torch
from torch import nn
from torch.nn.parameter import UninitializedParameter

from netwright.core.arch import Arch
from netwright.core.errors import InvalidSpace
from netwright.models.inferring import AXES, eager, inferrable, missing_size, with_size
from netwright.models.shared_weights import SharedWeights
from netwright.models.slicing import cuts_of, is_tracked_norm
from netwright.models.targets import target_of
from netwright.spaces.mirror import Deferred
from netwright.spaces.nodes import (
    Call,
    Choice,
    Expression,
    Integer,
    Node,
    Placeholder,
    Real,
    Repeat,
    Subset,
    children,
)

__all__ = ["Bound", "Sharing", "bounds_of"]

_MOST_KEPT = 512  # modules that are kept for each place

Place = tuple[str, ...]


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


class Sharing:
    """Makes the modules of a space's arches, all with the same weights.

    Args:
        tree: the labelled tree.
        weights: the shared weights; modules are bound to them once they are settled, before that they are observed.
        placeholders: values for `n_outputs` and the like.
        device: where modules are made.

    Attributes:
        statistics: of normalisation, by entry: what bound layers take in place of the shared ones; None: those.
        observed: the number of the arch that is observed.
    """

    def __init__(
        self,
        tree: Any,
        weights: SharedWeights,
        placeholders: Mapping[str, Any],
        device: str | torch.device,
    ) -> None:
        self.tree = tree
        self.weights = weights
        self.placeholders = dict(placeholders)
        self.device = torch.device(device)
        self.statistics: Mapping[str, torch.Tensor] | None = None
        self.observed = 0
        self._names: dict[int, tuple[str, ...]] = {}
        self._kept: dict[Place, dict[Any, Any]] = {}

    def module(self, arch: Arch) -> nn.Module:
        """The module tree of an arch; asked twice, the same one while it is kept."""
        made = self.make(self.tree, (), arch)
        if not isinstance(made, nn.Module):
            raise InvalidSpace(f"the model must be a torch module, but is a {type(made).__name__}.")
        return made

    def forget(self) -> None:
        """Drop all modules that are kept; the weights stay."""
        self._kept.clear()

    def kept(self) -> Iterator[nn.Module]:
        """All modules that are kept."""
        for made in self._kept.values():
            yield from made.values()

    # The walk ---------------------------------------------------------------------------------------------------

    def make(self, node: Any, place: Place, arch: Arch) -> Any:
        """A node's value or module for an arch."""
        if isinstance(node, Call):
            return self.call(node, place, arch)
        if isinstance(node, (list, tuple)):
            return type(node)(self.make(item, (*place, str(i)), arch) for i, item in enumerate(node))
        if isinstance(node, dict):
            return {key: self.make(value, (*place, str(key)), arch) for key, value in node.items()}
        if isinstance(node, Deferred):
            return target_of(node)
        if not isinstance(node, Node):
            return node
        return self._made(node, place, arch)

    def _made(self, node: Node, place: Place, arch: Arch) -> Any:
        if isinstance(node, Choice):
            return self.choice(node, place, arch)
        if isinstance(node, (Integer, Real)):
            return arch[str(node.label)]
        if isinstance(node, Subset):
            return self.subset(node, place, arch)
        if isinstance(node, Repeat):
            return self.repeat(node, place, arch)
        if isinstance(node, Expression):
            values = [self.make(operand, (*place, str(i)), arch) for i, operand in enumerate(node.operands)]
            return node.compute(values)
        if isinstance(node, Placeholder):
            if node.name not in self.placeholders:
                raise InvalidSpace(f"{node.name!r} isn't known here: pass {node.name}=… .")
            return self.placeholders[node.name]
        raise InvalidSpace(f"a supernet can't be made of {node!r}.")

    def choice(self, node: Choice, place: Place, arch: Arch) -> Any:
        """The chosen option."""
        key = arch[str(node.label)]
        return self.make(node.options[node.keys.index(key)], (*place, str(key)), arch)

    def subset(self, node: Subset, place: Place, arch: Arch) -> Any:
        """The chosen options, as a list."""
        chosen = arch[str(node.label)]
        assert isinstance(chosen, tuple)
        return [self.make(node.options[node.keys.index(key)], (*place, str(key)), arch) for key in chosen]

    def repeat(self, node: Repeat, place: Place, arch: Arch) -> Any:
        """The first blocks: a `Sequential` if they are modules."""
        depth = arch[str(node.label)]
        assert isinstance(depth, int)
        blocks = [self.make(block, (*place, f"[{i}]"), arch) for i, block in enumerate(node.blocks[:depth])]
        if not any(map(_makes_calls, node.blocks)):
            return blocks
        return nn.Sequential(*(block for block in blocks if block is not None))

    def call(self, node: Call, place: Place, arch: Arch) -> Any:
        """What a call makes: a module is made once for each way in which the decisions inside it are taken."""
        target = target_of(node)
        if not (isinstance(target, type) and issubclass(target, nn.Module)):
            return target(*self._args(node, place, arch), **self._kwargs(node, place, arch))
        kept = self._kept.setdefault(place, {})
        key = self.key(node, arch)
        made = kept.get(key)
        if made is None:
            if len(kept) >= _MOST_KEPT:
                kept.clear()
            made = kept[key] = self._module(target, node, place, arch)
        return made

    def key(self, node: Any, arch: Arch) -> Any:
        """What tells two arches apart at a node: the decisions inside it."""
        return tuple(arch.get(name) for name in self.names(node))

    def names(self, node: Any) -> tuple[str, ...]:
        """The decisions inside a node."""
        found = self._names.get(id(node))
        if found is None:
            found = self._names[id(node)] = tuple(dict.fromkeys(_labels(node)))
        return found

    def _args(self, node: Call, place: Place, arch: Arch) -> tuple[Any, ...]:
        return tuple(self.make(arg, (*place, str(i)), arch) for i, arg in enumerate(node.args))

    def _kwargs(self, node: Call, place: Place, arch: Arch) -> dict[str, Any]:
        return {key: self.make(value, (*place, key), arch) for key, value in node.kwargs.items()}

    # Modules ----------------------------------------------------------------------------------------------------

    def _module(self, target: Any, node: Call, place: Place, arch: Arch) -> nn.Module:
        args, kwargs = self._args(node, place, arch), self._kwargs(node, place, arch)
        if target is nn.Sequential:  # None is an option that means "no layer here"
            return nn.Sequential(*(arg for arg in args if arg is not None))
        target = eager(target)
        missing = missing_size(target, args, kwargs)
        if missing is None:
            made = self._instance(target, args, kwargs, place)
            if any(isinstance(parameter, UninitializedParameter) for parameter in made.parameters()):
                return Waiting(lambda first: self._warmed(target, args, kwargs, place, first), shape_of, target)
            return made
        position = inferrable(target)
        assert position is not None

        def of_size(first: torch.Tensor) -> nn.Module:
            filled = with_size(missing, position[1], _axis(missing, first), args, kwargs)
            return self._instance(target, *filled, place)

        return Waiting(of_size, lambda first: _axis(missing, first), target)

    def _instance(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any], place: Place) -> nn.Module:
        """A module of these arguments, bound to the shared weights."""
        given = {id(part) for value in (*args, *kwargs.values()) for part in _modules_in(value)}
        try:
            with _seeded(place), self.device:
                made = target(*args, **kwargs)
        except Exception as error:
            first = (str(error).strip() or type(error).__name__).partition("\n")[0]
            name = getattr(target, "__name__", "call")
            raise InvalidSpace(f"{name} at {'.'.join(place)} can't be built: {first}") from error
        if not isinstance(made, nn.Module):
            return made  # its own __new__ made something else
        if not any(isinstance(parameter, UninitializedParameter) for parameter in made.parameters()):
            self._bind(made, place, given)
        return made

    def _warmed(
        self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any], place: Place, first: torch.Tensor
    ) -> nn.Module:
        """A module with torch's lazy layers inside: they get their sizes by a pass, then it is bound."""
        with _seeded(place), torch.no_grad():
            with self.device:
                made: nn.Module = target(*args, **kwargs)
            made(torch.zeros_like(first))
        self._bind(made, place, {id(part) for value in (*args, *kwargs.values()) for part in _modules_in(value)})
        return made

    def _bind(self, made: nn.Module, place: Place, given: set[int]) -> None:
        """Give the parameters and statistics of a part (but not of those that it was given) their shared tensors."""
        tied: dict[int, str] = {}  # one parameter under two names
        bounds: list[Bound] = []
        for path, part in _own_parts(made, given):
            names = [(name, value, False) for name, value in part._parameters.items() if value is not None]  # noqa: SLF001  # as torch's own tools
            if is_tracked_norm(part):
                names += [(name, getattr(part, name), True) for name in ("running_mean", "running_var")]
            found = []
            for name, value, buffer in names:
                shape = tuple(value.shape)
                entry = tied.get(id(value)) or self._entry(part, path, name, shape, place, buffer=buffer)
                tied[id(value)] = entry
                found.append(Bound(part, name, entry, shape, buffer))
            if found:
                part.__dict__["_shared"] = tuple(found)
                bounds += found
        if bounds and self.weights.settled:
            _Binding(self, bounds).attach(made)

    def _entry(
        self, part: nn.Module, path: str, name: str, shape: tuple[int, ...], place: Place, *, buffer: bool
    ) -> str:
        cuts = ("prefix",) * len(shape) if buffer else cuts_of(part, name)
        kind = type(part).__name__
        where = "/".join([*place, *([path] if path else []), name])
        entry = self.weights.name_of(where, cuts, shape, kind)
        if not self.weights.settled:
            self.weights.observe(entry, cuts or ("prefix",) * len(shape), shape, buffer=buffer, arch=self.observed)
        elif not self.weights.fits(entry, shape):
            raise InvalidSpace(
                f"this path needs {where!r} ({kind}) of shape {shape}, which none of the arches had that the supernet "
                "was made for: pass it as one of `probes` when you make the supernet."
            )
        return entry


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


class _Binding:
    """Keeps a part's parameters and statistics those of the shared weights."""

    def __init__(self, sharing: Sharing, bounds: list[Bound]) -> None:
        self.sharing = sharing
        weights = sharing.weights
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
        weights = self.sharing.weights
        for bound in self.sliced:
            value = weights.part(bound.entry, bound.shape)
            if isinstance(bound.module, nn.RNNBase):
                setattr(bound.module, bound.name, value)  # it keeps a list of its own, too
            else:
                bound.module.__dict__[bound.name] = value
        given = self.sharing.statistics
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


@contextmanager
def _seeded(place: Place) -> Iterator[None]:
    """A part's own buffers may be random: they are the same whenever it is made."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(crc32("/".join(place).encode()))
        yield


def shape_of(first: torch.Tensor) -> tuple[int, ...]:
    """Of one example."""
    return tuple(first.shape[1:])


def _axis(name: str, first: torch.Tensor) -> int:
    axis = AXES[name]
    if not -first.dim() <= axis < first.dim():
        raise InvalidSpace(f"`{name}` is the size of axis {axis} of the input, but got shape {tuple(first.shape)}.")
    return int(first.shape[axis])


def _modules_in(value: Any) -> Iterator[nn.Module]:
    if isinstance(value, nn.Module):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _modules_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _modules_in(item)


def _own_parts(made: nn.Module, given: set[int]) -> Iterator[tuple[str, nn.Module]]:
    """The parts of a module that it made itself."""

    def visit(module: nn.Module, path: str) -> Iterator[tuple[str, nn.Module]]:
        yield path, module
        for name, child in module.named_children():
            if id(child) not in given and not isinstance(child, Waiting):
                yield from visit(child, f"{path}/{name}" if path else name)

    return visit(made, "")


def _labels(node: Any) -> Iterator[str]:
    if isinstance(node, (Choice, Integer, Real, Subset, Repeat)):
        yield str(node.label)
    for part in children(node):
        yield from _labels(part)


def _makes_calls(node: Any) -> bool:
    if isinstance(node, Choice):
        return any(map(_makes_calls, node.options))
    return isinstance(node, Call) or (isinstance(node, Repeat) and any(map(_makes_calls, node.blocks)))
