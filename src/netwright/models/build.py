"""`build`: a concrete `nn.Module` for one arch of a space."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn.modules.lazy import LazyModuleMixin

from netwright.core.arch import Arch
from netwright.core.errors import InvalidSpace
from netwright.models.targets import target_of
from netwright.spaces import Call, Node, Space
from netwright.spaces.mirror import Deferred

__all__ = ["Built", "build", "build_call", "built"]

# Parameters that are filled in from what reaches the module, and the axis of the input that they are the size of.
_INFERRED = {
    "in_channels": 1,
    "num_channels": 1,
    "num_features": 1,
    "in_features": -1,
    "input_size": -1,
    "normalized_shape": -1,
}


@dataclass(slots=True)
class Built:
    """A concrete model together with the calls that made it.

    Attributes:
        model: the network.
        call: the calls, without any choice.
        modules: the module that each call made, by the call's identity.
        inferred: arguments that were filled in, by the call's identity.
    """

    model: nn.Module
    call: Call
    modules: dict[int, nn.Module] = field(default_factory=dict)
    inferred: dict[int, dict[str, Any]] = field(default_factory=dict)


def build(
    space: Space,
    arch: Arch,
    *,
    input_shape: tuple[int, ...],
    n_outputs: int | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> nn.Module:
    """The concrete module of an arch: lazy layers filled in, weights drawn by `seed`.

    Args:
        space: a space whose model is a tree of modules.
        arch: one of its arches.
        input_shape: of one example, without the batch: (channels, height, width), (features,), ….
        n_outputs: the value of `netwright.n_outputs`; the output is then checked to be (batch, n_outputs).
        seed: of the weights; no global random state is touched.
        device: where the model ends up; `meta` gives shapes without weights.

    Example:
        >>> from netwright import nn, choice, n_outputs, Space
        >>> space = Space(nn.Sequential(nn.LazyLinear(choice([8, 16])), nn.ReLU(), nn.LazyLinear(n_outputs)))
        >>> build(space, space.default(), input_shape=(4,), n_outputs=3)
        Sequential(
          (0): Linear(in_features=4, out_features=8, bias=True)
          (1): ReLU()
          (2): Linear(in_features=8, out_features=3, bias=True)
        )

    Raises:
        InvalidSpace: if the arch can't be built or can't take such an input; the message names the layer.
    """
    return built(space, arch, input_shape=input_shape, n_outputs=n_outputs, seed=seed, device=device).model


def built(
    space: Space,
    arch: Arch,
    *,
    input_shape: tuple[int, ...],
    n_outputs: int | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> Built:
    """As `build`, with the calls beside the model: what `source` and drawings need."""
    space.validate(arch)
    placeholders = {} if n_outputs is None else {"n_outputs": n_outputs}
    call = space.resolve(arch, **placeholders)
    if not isinstance(call, Call):
        raise InvalidSpace(f"the model of {space.name!r} is a {type(call).__name__}, not a module: it can't be built.")
    return build_call(call, input_shape=input_shape, n_outputs=n_outputs, seed=seed, device=device)


def build_call(
    call: Call,
    *,
    input_shape: tuple[int, ...],
    n_outputs: int | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> Built:
    """Build a tree of calls without choices; see `build`."""
    result = Built(nn.Identity(), call)
    # Weights are drawn on the processor, so that a seed gives the same ones on every device.
    birth = torch.device("meta") if torch.device(device).type == "meta" else torch.device("cpu")
    with torch.random.fork_rng(devices=[]), birth:
        torch.default_generator.manual_seed(seed)
        model = _make(call, result)
        if not isinstance(model, nn.Module):
            raise InvalidSpace(f"{call.name}(...) must make a torch module, but made a {type(model).__name__}.")
        output = _dry_run(model, torch.zeros(2, *input_shape))
    model = _settle(model, result)
    if n_outputs is not None and tuple(output.shape) != (2, n_outputs):
        raise InvalidSpace(
            f"the model must end in {n_outputs} outputs for each example, but gives shape {tuple(output.shape[1:])}: "
            "end it with nn.Flatten() (or layers.GlobalAveragePool()) and nn.LazyLinear(netwright.n_outputs)."
        )
    result.model = model if birth.type == "meta" else model.to(device)
    return result


def _make(value: Any, result: Built) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_make(item, result) for item in value)
    if isinstance(value, dict):
        return {key: _make(item, result) for key, item in value.items()}
    if isinstance(value, Node) and not isinstance(value, Call):
        raise InvalidSpace(f"{value!r} has no value yet: this isn't a resolved tree.")
    if isinstance(value, Deferred):
        return target_of(value)
    if not isinstance(value, Call):
        return value
    target = target_of(value)
    args = tuple(_make(arg, result) for arg in value.args)
    kwargs = {key: _make(item, result) for key, item in value.kwargs.items()}
    if target is nn.Sequential:  # None is an option that means "no layer here"
        args = tuple(arg for arg in args if arg is not None)
    missing = _missing(target, args, kwargs)
    try:
        made = _Waiting(target, args, kwargs, missing) if missing else target(*args, **kwargs)
    except InvalidSpace:
        raise
    except Exception as error:
        raise InvalidSpace(f"{value!r} can't be built: {type(error).__name__}: {error}") from error
    if isinstance(made, nn.Module):
        result.modules[id(value)] = made
    return made


def _missing(target: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    """The required parameter that is left out and can be filled in from the input, if there is one."""
    if not (isinstance(target, type) and issubclass(target, nn.Module)):
        return None
    parameters = inspect.signature(target).parameters
    name = next((n for n in parameters if n in _INFERRED), None)
    if name is None or name in kwargs or parameters[name].default is not inspect.Parameter.empty:
        return None
    try:  # everything positional given: nothing is missing
        inspect.signature(target).bind(*args, **kwargs)
    except TypeError:
        return name
    return None


class _Waiting(nn.Module):
    """Stands for a module until its input is seen."""

    def __init__(self, target: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], name: str) -> None:
        super().__init__()
        self.target, self.args, self.kwargs, self.name = target, args, kwargs, name
        self.made: nn.Module | None = None
        self.value = 0
        for i, part in enumerate((*args, *kwargs.values())):
            if isinstance(part, nn.Module):  # so that errors inside are named
                self.add_module(f"part{i}", part)

    def forward(self, *inputs: torch.Tensor) -> Any:
        if self.made is None:
            self.value = inputs[0].shape[_INFERRED[self.name]]
            parameters = list(inspect.signature(self.target).parameters)
            position = parameters.index(self.name)
            args = (*self.args[:position], self.value, *self.args[position:])
            if len(self.args) < position:  # keywords come before it: give it as one
                self.made = self.target(*self.args, **{self.name: self.value}, **self.kwargs)
            else:
                self.made = self.target(*args, **self.kwargs)
            self.made.eval()
        return self.made(*inputs)


def _dry_run(model: nn.Module, example: torch.Tensor) -> torch.Tensor:
    """One pass without gradients that fills in lazy layers; a failure names the layer."""
    entered: list[tuple[str, nn.Module]] = []
    handles = []
    for name, module in model.named_modules():

        def enter(module: nn.Module, _: Any, name: str = name) -> None:
            entered.append((name, module))

        def leave(module: nn.Module, _: Any, __: Any) -> None:
            while entered and entered.pop()[1] is not module:
                pass

        handles += [
            module.register_forward_pre_hook(enter, prepend=True),
            module.register_forward_hook(leave),
        ]
    model.eval()
    try:
        with torch.no_grad():
            output = model(example)
    except Exception as error:
        where = ""
        if entered and entered[-1][0]:
            module = entered[-1][1]
            kind = (
                getattr(module.target, "__name__", "module") if isinstance(module, _Waiting) else type(module).__name__
            )
            where = f" in layer {entered[-1][0]!r} ({kind})"
        shape = tuple(example.shape[1:])
        raise InvalidSpace(f"the arch can't take inputs of shape {shape}{where}: {_first_line(error)}") from error
    finally:
        for handle in handles:
            handle.remove()
    if not isinstance(output, torch.Tensor):
        raise InvalidSpace(f"the model must return one tensor, but returns a {type(output).__name__}.")
    return output


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).partition("\n")[0]


def _settle(model: nn.Module, result: Built) -> nn.Module:
    """Put the modules that waited for their input in their places, and note what was filled in."""
    settled: dict[int, nn.Module] = {}

    def settle(module: nn.Module) -> nn.Module:
        while isinstance(module, _Waiting):
            if module.made is None:
                raise InvalidSpace(
                    f"{getattr(module.target, '__name__', 'a module')} was never called in a forward pass, so its "
                    f"`{module.name}` can't be filled in: give it."
                )
            settled[id(module)] = module.made
            for call_id, made in result.modules.items():
                if made is module:
                    result.inferred[call_id] = {module.name: module.value}
            module = module.made
        for name, child in list(module.named_children()):
            replaced = settle(child)
            if replaced is not child:
                module.register_module(name, replaced)
        return module

    model = settle(model)
    for call_id, made in list(result.modules.items()):
        result.modules[call_id] = settled.get(id(made), made)
    for name, module in model.named_modules():
        if isinstance(module, LazyModuleMixin) and module.has_uninitialized_params():  # type: ignore[misc]  # a mixin
            raise InvalidSpace(f"layer {name!r} was never called in a forward pass, so its input size is unknown.")
    model.train()
    return model
