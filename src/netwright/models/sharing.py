"""Module trees whose leaves take their weights from shared ones: what supernets are made of.

`Sharing` walks a labelled tree as `resolve` does, but keeps in mind the place of each call, so that the same call in
two arches is the same part with the same weights. Sizes that nobody wrote down are filled in when an input arrives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any
from zlib import crc32

import torch
from torch import nn
from torch.nn.parameter import UninitializedParameter

from netwright.core.arch import Arch
from netwright.core.errors import InvalidSpace
from netwright.models.binding import Binding, Bound, Waiting, own_parameters, own_parts
from netwright.models.idle_taps import keep_steady
from netwright.models.inferring import AXES, eager, inferrable, missing_size, with_size
from netwright.models.shared_weights import SharedWeights
from netwright.models.slicing import cuts_of, is_tracked_norm
from netwright.models.targets import target_of
from netwright.spaces.decisions import labels_in
from netwright.spaces.mirror import Deferred
from netwright.spaces.nodes import (
    Call,
    Choice,
    Expression,
    Integer,
    Placeholder,
    Real,
    Repeat,
    Subset,
)
from netwright.spaces.resolve import makes_calls

__all__ = ["Sharing"]

_MOST_KEPT = 512  # modules that are kept for each place

Place = tuple[str, ...]

_MAKERS = {
    Call: "call",
    Choice: "choice",
    Integer: "number",
    Real: "number",
    Subset: "subset",
    Repeat: "repeat",
    Expression: "expression",
    Placeholder: "placeholder",
}  # which method of `Sharing` makes what


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
        self._plain: set[Place] = set()  # containers without weights of their own, which draw no random numbers

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
        maker = _MAKERS.get(type(node))
        if maker is not None:
            return getattr(self, maker)(node, place, arch)
        if isinstance(node, (list, tuple)):
            return type(node)([self.make(item, (*place, str(i)), arch) for i, item in enumerate(node)])
        if isinstance(node, dict):
            return {key: self.make(value, (*place, str(key)), arch) for key, value in node.items()}
        if isinstance(node, Deferred):
            return target_of(node)
        return node

    def number(self, node: Integer | Real, place: Place, arch: Arch) -> Any:
        """The number."""
        return arch[str(node.label)]

    def expression(self, node: Expression, place: Place, arch: Arch) -> Any:
        """The computed value."""
        return node.compute([self.make(operand, (*place, str(i)), arch) for i, operand in enumerate(node.operands)])

    def placeholder(self, node: Placeholder, place: Place, arch: Arch) -> Any:
        """The value that is known here."""
        if node.name not in self.placeholders:
            raise InvalidSpace(f"{node.name!r} isn't known here: pass {node.name}=… .")
        return self.placeholders[node.name]

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
        if not any(map(makes_calls, node.blocks)):
            return blocks
        return nn.Sequential(*(block for block in blocks if block is not None))

    def call(self, node: Call, place: Place, arch: Arch) -> Any:
        """What a call makes: a module is made once for each way in which the decisions inside it are taken."""
        kept = self._kept.setdefault(place, {})
        key = self.key(node, arch)
        made = kept.get(key)
        if made is None:
            made = self._module(target_of(node), node, place, arch)
            if not isinstance(made, nn.Module):
                return made  # a function's value
            if len(kept) >= _MOST_KEPT:
                kept.clear()
            kept[key] = made
        return made

    def key(self, node: Any, arch: Arch) -> Any:
        """What tells two arches apart at a node: the decisions inside it."""
        return tuple(arch.get(name) for name in self.names(node))

    def names(self, node: Any) -> tuple[str, ...]:
        """The decisions inside a node."""
        found = self._names.get(id(node))
        if found is None:
            found = self._names[id(node)] = tuple(dict.fromkeys(labels_in(node)))
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
            made, lazy = self._instance(target, args, kwargs, place)
            return (
                Waiting(lambda first: self._warmed(target, args, kwargs, place, first), shape_of, target)
                if lazy
                else made
            )
        position = inferrable(target)
        assert position is not None

        def of_size(first: torch.Tensor) -> nn.Module:
            filled = with_size(missing, position[1], _axis(missing, first), args, kwargs)
            return self._instance(target, *filled, place)[0]

        return Waiting(of_size, lambda first: _axis(missing, first), target)

    def _instance(
        self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any], place: Place
    ) -> tuple[nn.Module, bool]:
        """A module of these arguments, bound to the shared weights; and whether it has lazy layers, so it can't yet."""
        modules = [part for value in (*args, *kwargs.values()) for part in _modules_in(value)]
        if not isinstance(target, type):  # a function may give back any part of what it was given
            modules = list(dict.fromkeys(part for module in modules for part in module.modules()))
        given = {id(module) for module in modules}
        plain = place in self._plain
        try:
            if plain:
                return target(*args, **kwargs), False
            keeping = nullcontext() if isinstance(target, type) else _unchanged(modules, self.weights)
            with _seeded(place) as before, self.device, keeping:
                made = target(*args, **kwargs)
                drew = not torch.equal(before, torch.get_rng_state())
        except Exception as error:
            first = (str(error).strip() or type(error).__name__).partition("\n")[0]
            name = getattr(target, "__name__", "call")
            raise InvalidSpace(f"{name} at {'.'.join(place)} can't be built: {first}") from error
        if not isinstance(made, nn.Module) or id(made) in given:
            return made, False  # of a function: a value, or what it was given
        parts = [part for _, part in own_parts(made, given)]
        if any(isinstance(value, UninitializedParameter) for part in parts for value in own_parameters(part)):
            return made, True
        bare = not any(part._parameters or part._buffers for part in parts)  # noqa: SLF001  # as torch's own tools
        if given and bare and not drew and isinstance(target, type):
            self._plain.add(place)  # a container, which is made often: from now on without all this
        self._bind(made, place, given)
        return made, False

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
        for path, part in own_parts(made, given):
            names = [(name, value, False) for name, value in part._parameters.items() if value is not None]  # noqa: SLF001  # as torch's own tools
            if is_tracked_norm(part):
                names += [(name, getattr(part, name), True) for name in ("running_mean", "running_var")]
            found = []
            for name, value, buffer in names:
                shape = tuple(value.shape)
                entry = tied.get(id(value)) or self._entry(part, path, name, shape, place, buffer=buffer)
                tied[id(value)] = entry
                found.append(Bound(part, name, entry, shape, buffer))
            keep_steady(part)
            if found:
                part.__dict__["_shared"] = tuple(found)
                bounds += found
        if bounds and self.weights.settled:
            Binding(self, bounds).attach(made)

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


@contextmanager
def _unchanged(modules: Sequence[nn.Module], weights: SharedWeights) -> Iterator[None]:
    """A function that gets modules may set their first values, which `fill` knows, but not those that were trained."""
    names = [tuple(module._parameters) for module in modules]  # noqa: SLF001  # as torch's own tools
    entries = {bound.entry for module in modules for bound in module.__dict__.get("_shared", ())}
    shared = [weights.tensor(entry) for entry in entries] if weights.settled else []
    before = [(tensor, tensor._version, tensor.detach().clone()) for tensor in shared]  # noqa: SLF001  # counts changes
    yield
    with torch.no_grad():
        for tensor, version, values in before:
            if tensor._version != version:  # noqa: SLF001
                tensor.copy_(values)
    if [tuple(module._parameters) for module in modules] != names:  # noqa: SLF001
        raise InvalidSpace(
            "it replaces parameters of a module that it was given, so a supernet can't share them: do so in the "
            "`__init__` of a class of your own."
        )


@contextmanager
def _seeded(place: Place) -> Iterator[torch.Tensor]:
    """A part's own buffers may be random: they are the same whenever it is made. Gives the generator's state."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(crc32("/".join(place).encode()))
        yield torch.get_rng_state()


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
