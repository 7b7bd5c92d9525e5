"""Sizes that nobody wrote down: which parameter of a module class can be filled in from what reaches it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from torch import nn
from torch.nn.modules.lazy import LazyModuleMixin

__all__ = ["AXES", "eager", "inferrable", "missing_size", "with_size"]

# Parameters that are filled in from what reaches the module, and the axis of the input that they are the size of.
AXES = {
    "in_channels": 1,
    "num_channels": 1,
    "num_features": 1,
    "in_features": -1,
    "input_size": -1,
    "normalized_shape": -1,
}


def eager(target: Callable[..., Any]) -> Callable[..., Any]:
    """For a lazy layer of torch the plain one, which waits for its input here: torch's own way is slow."""
    if isinstance(target, type) and issubclass(target, LazyModuleMixin) and target.__module__.startswith("torch.nn."):
        return target.cls_to_become or target
    return target


@lru_cache(maxsize=1024)
def inferrable(target: Callable[..., Any]) -> tuple[str, int, inspect.Signature] | None:
    """The required parameter of a module class that can be filled in, its position, and the whole signature."""
    if not (isinstance(target, type) and issubclass(target, nn.Module)):
        return None
    signature = _recurrent_signature(target) if issubclass(target, nn.RNNBase) else inspect.signature(target)
    for position, (name, parameter) in enumerate(signature.parameters.items()):
        if name in AXES:
            return (name, position, signature) if parameter.default is inspect.Parameter.empty else None
    return None


def _recurrent_signature(target: type[nn.RNNBase]) -> inspect.Signature:
    """Torch's recurrent layers take `*args, **kwargs`: theirs are those of their parent class, after its mode."""
    signature = inspect.signature(target)
    if [parameter.kind for parameter in signature.parameters.values()] != [
        inspect.Parameter.VAR_POSITIONAL,
        inspect.Parameter.VAR_KEYWORD,
    ]:
        return signature  # a class of one's own
    _, *parameters = inspect.signature(nn.RNNBase).parameters.values()
    if issubclass(target, nn.RNN):
        parameters.insert(3, inspect.Parameter("nonlinearity", inspect.Parameter.POSITIONAL_OR_KEYWORD, default="tanh"))
    return inspect.Signature(parameters)


def missing_size(target: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    """The parameter that is left out and can be filled in from the input, if there is one."""
    found = inferrable(target)
    if found is None or found[0] in kwargs or _binds(found[2], args, kwargs):
        return None
    name, position, signature = found
    # Only if the call is right with it: else the class's own error says better what is wrong.
    filled_args, filled_kwargs = with_size(name, position, 1, args, kwargs)
    return name if _binds(signature, filled_args, filled_kwargs) else None


def _binds(signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def with_size(
    name: str, position: int, value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments with one more: in its position, or by name where keywords come before it."""
    if len(args) < position:
        return args, {name: value, **kwargs}
    return (*args[:position], value, *args[position:]), kwargs
