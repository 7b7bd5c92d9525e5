"""From a tree of calls to modules: input sizes that nobody wrote down are found by running shapes through.

`assemble` gives a model together with the *concrete* call: the same tree in which every lazy layer has become a plain
one and every size that was left out is filled in. Calling that again gives an equal model without any run.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.parameter import UninitializedParameter

from netwright.core.errors import InvalidSpace
from netwright.models.evaluation_mode import evaluating
from netwright.models.example import example_inputs
from netwright.models.inferring import AXES, eager, inferrable, missing_size, with_size
from netwright.models.targets import target_of
from netwright.spaces import Call, Node
from netwright.spaces.mirror import Deferred

__all__ = ["assemble", "forward", "has_lazy_parts"]

_STEPS_OF_WAITING = re.compile(r"\.(settled|waiting\d+)\b")  # no part of the model that a user knows

_Path = tuple[int | str, ...]


def assemble(call: Call, input_shape: tuple[int, ...], device: torch.device) -> tuple[nn.Module, Call, tuple[int, ...]]:
    """The model of a tree of calls, its concrete call, and the shape that two examples give.

    Raises:
        InvalidSpace: naming the call or the layer that fails.
    """
    waiting: dict[_Path, _Waiting] = {}
    model = _make(call, (), waiting, device)
    if not isinstance(model, nn.Module):
        raise InvalidSpace(f"{call.name}(...) must make a torch module, but made a {type(model).__name__}.")
    output = forward(model, input_shape, device)
    concrete = _concrete(call, (), waiting)
    return _settled(model), concrete, tuple(output.shape)


def has_lazy_parts(model: nn.Module) -> bool:
    """Whether some parameters have no shape yet: those of lazy layers inside one's own classes."""
    return any(isinstance(parameter, UninitializedParameter) for parameter in model.parameters())


def forward(model: nn.Module, input_shape: tuple[int, ...], device: torch.device) -> torch.Tensor:
    """The output for two examples of zeros, in evaluation mode, without gradients; the mode is put back.

    Raises:
        InvalidSpace: naming the layer that fails.
    """
    example = example_inputs(model, input_shape, 2, device=device)
    with evaluating(model), torch.no_grad():
        try:
            output = model(example)
        except Exception:  # noqa: BLE001  # whatever it is, the second pass says where, or gets through
            output = _second_pass(model, example)
    if not isinstance(output, torch.Tensor):
        raise InvalidSpace(f"the model must return one tensor, but returns a {type(output).__name__}.")
    return output


def _make(value: Any, path: _Path, waiting: dict[_Path, _Waiting], device: torch.device) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_make(item, (*path, i), waiting, device) for i, item in enumerate(value))
    if isinstance(value, dict):
        return {key: _make(item, (*path, key), waiting, device) for key, item in value.items()}
    if isinstance(value, Deferred):
        return target_of(value)
    if not isinstance(value, Call):
        if isinstance(value, Node):
            raise InvalidSpace(f"{value!r} has no value yet: only a resolved tree can be built (space.resolve(arch)).")
        return value
    target = target_of(value)
    args = tuple(_make(arg, (*path, i), waiting, device) for i, arg in enumerate(value.args))
    kwargs = {key: _make(item, (*path, key), waiting, device) for key, item in value.kwargs.items()}
    if target is nn.Sequential:  # None is an option that means "no layer here"
        args = tuple(arg for arg in args if arg is not None)
    target = eager(target)
    missing = missing_size(target, args, kwargs)
    if missing is not None:
        waiting[path] = _Waiting(target, args, kwargs, missing, device)
        return waiting[path]
    try:
        with device:
            return target(*args, **kwargs)
    except InvalidSpace:
        raise
    except Exception as error:
        raise InvalidSpace(f"{value!r} can't be built: {type(error).__name__}: {_first_line(error)}") from error


def _concrete(value: Any, path: _Path, waiting: dict[_Path, _Waiting]) -> Any:
    """The same tree with sizes filled in, and plain layers for lazy ones."""
    if isinstance(value, (list, tuple)):
        return type(value)(_concrete(item, (*path, i), waiting) for i, item in enumerate(value))
    if isinstance(value, dict):
        return {key: _concrete(item, (*path, key), waiting) for key, item in value.items()}
    if not isinstance(value, Call):
        return value
    args = tuple(_concrete(arg, (*path, i), waiting) for i, arg in enumerate(value.args))
    kwargs = {key: _concrete(item, (*path, key), waiting) for key, item in value.kwargs.items()}
    if path not in waiting:
        return Call(value.target, args, kwargs)
    made = waiting[path]
    return Call(made.named_target(value.target), *made.filled_in(args, kwargs))


class _Waiting(nn.Module):
    """Stands for a module until its input is seen."""

    def __init__(
        self,
        target: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        name: str,
        device: torch.device,
    ) -> None:
        super().__init__()
        self.target, self.args, self.kwargs, self.name, self.device = target, args, kwargs, name, device
        self.settled: nn.Module | None = None
        self.size = 0
        for i, part in enumerate((*args, *kwargs.values())):
            if isinstance(part, nn.Module):  # so that errors inside are named
                self.add_module(f"waiting{i}", part)

    @property
    def kind(self) -> str:
        return getattr(self.target, "__name__", "module")

    def named_target(self, given: str | Callable[..., Any]) -> str | Callable[..., Any]:
        """What the concrete call calls: as it was given, but for lazy layers."""
        return f"torch.nn:{self.kind}" if isinstance(given, str) and given.startswith("torch.nn:Lazy") else given

    def filled_in(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """These arguments (the call's own) with the size that was seen."""
        if self.settled is None:
            raise InvalidSpace(
                f"{self.kind} was never called in a forward pass, so its `{self.name}` can't be filled in: give it."
            )
        found = inferrable(self.target)
        assert found is not None
        return with_size(self.name, found[1], self.size, args, kwargs)

    def forward(self, *inputs: Any, **named: Any) -> Any:
        if self.settled is None:
            first = next((x for x in (*inputs, *named.values()) if isinstance(x, torch.Tensor)), None)
            axis = AXES[self.name]
            if first is None or not -first.dim() <= axis < first.dim():
                came = "no tensor" if first is None else f"shape {tuple(first.shape)}"
                raise InvalidSpace(f"`{self.name}` is the size of axis {axis} of the input, but got {came}: give it.")
            self.size = int(first.shape[axis])
            found = inferrable(self.target)
            assert found is not None
            args, kwargs = with_size(self.name, found[1], self.size, self.args, self.kwargs)
            with self.device:
                self.settled = self.target(*args, **kwargs)
            self.settled.eval()
        return self.settled(*inputs, **named)


def _settled(module: nn.Module) -> nn.Module:
    """The model with the modules that waited for their input in their places."""
    while isinstance(module, _Waiting):
        assert module.settled is not None  # `_concrete` has said so otherwise
        module = module.settled
    for name, child in list(module.named_children()):
        plain = _settled(child)
        if plain is not child:
            module.register_module(name, plain)
    return module


def _second_pass(model: nn.Module, example: torch.Tensor) -> Any:
    """Once more after a failure: with everything made on the example's device, and to see which layer it is in."""
    entered: list[tuple[str, nn.Module, Any]] = []
    handles = []
    for name, module in model.named_modules():

        def enter(module: nn.Module, inputs: Any, name: str = name) -> None:
            entered.append((name, module, inputs[0] if inputs else None))

        def leave(module: nn.Module, _: Any, __: Any) -> None:
            while entered and entered.pop()[1] is not module:
                pass

        handles += [
            module.register_forward_pre_hook(enter, prepend=True),
            module.register_forward_hook(leave),
        ]
    try:
        with example.device:
            return model(example)
    except Exception as error:
        where, said = "", _first_line(error)
        if entered and entered[-1][0]:
            name, module, x = entered[-1]
            kind = module.kind if isinstance(module, _Waiting) else type(module).__name__
            where = f" in layer {_STEPS_OF_WAITING.sub('', name)!r} ({kind})"
            batch = isinstance(module, _ConvNd) and isinstance(x, torch.Tensor) and x.dim() == len(module.stride) + 2
            if batch and x.shape[1] != module.in_channels:  # on the meta device torch says only that it's wrong
                said = f"it takes {module.in_channels} channels, but gets shape {tuple(x.shape[1:])}."
        shape = tuple(example.shape[1:])
        raise InvalidSpace(f"the arch can't take inputs of shape {shape}{where}: {said}") from error
    finally:
        for handle in handles:
            handle.remove()


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).partition("\n")[0]
