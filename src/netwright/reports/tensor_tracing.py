"""Following tensors through a forward pass: which module or operation made each, and from which others.

Hooks see modules, a torch function mode sees every other operation on tensors. Unlike symbolic tracing this takes any
control flow, as the model simply runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.overrides import TorchFunctionMode

from netwright.models import evaluation_mode
from netwright.models.example import example_inputs
from netwright.reports.drawing import Drawing, DrawnLayer

__all__ = ["traced"]

_INPUT = -1  # stands for the model's input among the sources
_CONSTANT = -2  # a tensor that doesn't depend on the input

# What only looks at a tensor another way: no layer of its own.
_SAME = frozenset([
    "__getitem__", "alias_copy", "alpha_dropout", "atleast_1d", "atleast_2d", "atleast_3d", "bfloat16",
    "broadcast_to", "chunk", "clone", "contiguous", "cpu", "cuda", "detach", "double", "dropout", "dropout1d",
    "dropout2d", "dropout3d", "expand", "expand_as", "feature_alpha_dropout", "flatten", "float", "half", "movedim",
    "moveaxis", "narrow", "permute", "ravel", "requires_grad_", "reshape", "reshape_as", "select", "split",
    "squeeze", "swapaxes", "swapdims", "t", "tensor_split", "to", "transpose", "type", "type_as", "unbind",
    "unflatten", "unsqueeze", "view", "view_as",
])  # fmt: skip  # a list of names
# What takes no more than a shape from its input.
_CONSTANTS = frozenset([
    "empty_like", "full_like", "new_empty", "new_full", "new_ones", "new_tensor", "new_zeros", "ones_like",
    "rand_like", "randn_like", "zeros_like",
])  # fmt: skip  # a list of names
# Arithmetic with a number or a constant tensor: no layer either, unless a parameter is in it.
_ARITHMETIC = {"add": "Add", "sub": "Subtract", "mul": "Multiply", "div": "Divide", "true_divide": "Divide"}
_NAMES = {
    "amax": "Max",
    "bmm": "MatMul",
    "cat": "Concat",
    "concat": "Concat",
    "concatenate": "Concat",
    "elu": "ELU",
    "gelu": "GELU",
    "matmul": "MatMul",
    "relu": "ReLU",
    "scaled_dot_product_attention": "Attention",
    "selu": "SELU",
    "setitem": "Assign",
    "silu": "SiLU",
}
_PLAIN = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


def traced(model: nn.Module, input_shape: tuple[int, ...]) -> Drawing:
    """The drawing of a model that runs in eager mode.

    Raises:
        ValueError: if no layer was seen, or the output doesn't come from any.
    """
    seen = _Tracing(model)
    parameter = next((tensor for tensor in (*model.parameters(), *model.buffers())), None)
    device = torch.device("cpu") if parameter is None else parameter.device
    example = example_inputs(model, input_shape, device=device)
    seen.remember(example, _INPUT)
    for tensor in (*model.parameters(), *model.buffers()):
        seen.remember(tensor, _CONSTANT)
    with ExitStack() as stack:
        stack.enter_context(evaluation_mode.evaluating(model))
        stack.enter_context(torch.no_grad())
        seen.watch(stack)
        stack.enter_context(seen)
        output = model(example)
    ends = {seen.known(tensor, _CONSTANT) for tensor in _tensors(output)}
    if not any(end >= 0 for end in ends):
        raise ValueError("the output of the model comes from no layer that was seen.")
    _merge_sums(seen.layers, ends)
    _drop_asides(seen.layers, ends)
    kept = [place for place, node in enumerate(seen.layers) if not node.gone]
    new = {place: i for i, place in enumerate(kept)}
    edges = tuple((new[a], new[b]) for b in kept for a in sorted(seen.layers[b].sources) if a >= 0)
    entries = tuple(new[b] for b in kept if _INPUT in seen.layers[b].sources)
    return Drawing(tuple(seen.layers[place].layer for place in kept), edges, input_shape, entries)


@dataclass(slots=True)
class _Node:
    """A layer with the places of what feeds it, and whether it is a module, a sum, or no longer to be drawn."""

    layer: DrawnLayer
    sources: tuple[int, ...]
    module: bool = True
    sums: bool = False
    gone: bool = False


class _Tracing(TorchFunctionMode):
    """Sees every module and every operation of a forward pass."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.layers: list[_Node] = []
        self._model = model
        self._inside: list[str] = [""]  # the modules that are open now
        self._closed = 0  # how many of them are drawn as one layer
        self._made: dict[
            int, tuple[torch.Tensor, int]
        ] = {}  # by identity; the tensor is kept, or its id would be reused
        self._weights: dict[int, frozenset[int]] = {}  # parameters that a constant was made from
        self._counted: set[int] = set()
        self._sizes = {id(p): p.numel() for p in model.parameters() if p.requires_grad}

    def remember(self, tensor: torch.Tensor, place: int) -> None:
        """This tensor was made by the layer at this place."""
        self._made[id(tensor)] = (tensor, place)

    def known(self, tensor: torch.Tensor, otherwise: int) -> int:
        """What made a tensor."""
        return self._made.get(id(tensor), (tensor, otherwise))[1]

    def watch(self, stack: ExitStack) -> None:
        """Hooks on all modules, for as long as the stack lasts."""
        for name, module in self._model.named_modules():
            layer = module is not self._model and _is_layer(module)

            def enter(_: nn.Module, __: Any, *, name: str = name, layer: bool = layer) -> None:
                self._inside.append(name)
                self._closed += layer

            def leave(
                module: nn.Module, args: Any, kwargs: Any, output: Any, *, name: str = name, layer: bool = layer
            ) -> None:
                self._inside.pop()
                self._closed -= layer
                if layer and not self._closed and not _does_nothing(module):
                    self._add_module(name, module, (*_tensors(args), *_tensors(kwargs)), list(_tensors(output)))

            for handle in (
                module.register_forward_pre_hook(enter),
                module.register_forward_hook(leave, with_kwargs=True),
            ):
                stack.callback(handle.remove)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if not self._closed:
            name = _name_of(func)
            outputs = list(_tensors(args[0] if name == "setitem" else result))
            if outputs:
                self._add_operation(name, (*_tensors(args), *_tensors(kwargs or {})), outputs)
        return result

    def _add_module(
        self, name: str, module: nn.Module, inputs: Iterable[torch.Tensor], outputs: list[torch.Tensor]
    ) -> None:
        inputs = list(inputs)
        sources = self._sources(inputs)
        if not sources and inputs:  # a module that is fed by constants alone, such as the zeros of a dead branch
            self.layers.append(_Node(DrawnLayer(f"{name}.input", "Constant", tuple(inputs[0].shape[1:])), ()))
            sources = (len(self.layers) - 1,)
        parameters = list(module.parameters())
        again = any(id(p) in self._counted for p in parameters)
        detail = ", ".join(part for part in (_detail(module), "shared" if again else "") if part)
        layer = DrawnLayer(name, type(module).__name__, (), self._count(map(id, parameters)), detail)
        self._append(_Node(layer, sources), outputs)

    def _add_operation(self, name: str, inputs: Iterable[torch.Tensor], outputs: list[torch.Tensor]) -> None:
        inputs = list(inputs)
        sources = self._sources(inputs)
        weights = frozenset().union(*(self._weights_of(tensor) for tensor in inputs))
        if not sources or name in _CONSTANTS:  # remember which parameters are in it
            for tensor in outputs:
                self.remember(tensor, _CONSTANT)
                self._weights[id(tensor)] = weights
            return
        arithmetic = _ARITHMETIC.get(name, "")
        n_dependent = sum(self.known(tensor, 0) != _CONSTANT for tensor in inputs)  # x + x is an addition, x + 1 is not
        if name in _SAME or (arithmetic and not weights and n_dependent < 2):
            for tensor in outputs:
                self.remember(tensor, sources[0])
            return
        kind = arithmetic or _NAMES.get(name) or "".join(part[:1].upper() + part[1:] for part in name.split("_"))
        inside = self._inside[-1]
        layer = DrawnLayer(f"{inside}.{name}".lstrip("."), kind, (), self._count(weights))
        self._append(_Node(layer, sources, module=False, sums=arithmetic == "Add" and not weights), outputs)

    def _append(self, node: _Node, outputs: list[torch.Tensor]) -> None:
        shape = tuple(outputs[0].shape[1:]) if outputs else ()
        self.layers.append(replace(node, layer=replace(node.layer, shape=shape)))
        for tensor in outputs:
            self.remember(tensor, len(self.layers) - 1)

    def _sources(self, inputs: Iterable[torch.Tensor]) -> tuple[int, ...]:
        """What made the inputs, constants apart; a tensor that was lost sight of is taken for the last layer's."""
        latest = len(self.layers) - 1  # the input's own place, -1, before any layer
        found = (self.known(tensor, latest) for tensor in inputs)
        return tuple(dict.fromkeys(place for place in found if place != _CONSTANT))

    def _weights_of(self, tensor: torch.Tensor) -> frozenset[int]:
        return frozenset([id(tensor)]) if id(tensor) in self._sizes else self._weights.get(id(tensor), frozenset())

    def _count(self, parameters: Iterable[int]) -> int:
        """The size of these parameters, those apart that an earlier layer has."""
        new = {key for key in parameters if key in self._sizes} - self._counted
        self._counted |= new
        return sum(self._sizes[key] for key in new)


def _is_layer(module: nn.Module) -> bool:
    """A module without parts; or one of torch's own whose parts are not called one by one."""
    if isinstance(module, _PLAIN):
        return False
    if not any(True for _ in module.children()) or parametrize.is_parametrized(module):
        return True
    return type(module).__module__.startswith("torch.nn.modules.") and "Transformer" not in type(module).__name__


def _does_nothing(module: nn.Module) -> bool:
    return isinstance(module, nn.Identity) or (isinstance(module, nn.Dropout) and module.p == 0)


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item)


def _name_of(func: Callable[..., Any]) -> str:
    """The plain name of an operation: `add` for `__add__`, `__radd__`, `__iadd__`, `add_` and `torch.add`."""
    name = getattr(func, "__name__", "operation")
    if name == "__get__":  # an attribute, such as x.T
        return "view"
    bare = name.strip("_")
    if name.startswith("__") and bare[:1] in "ri" and bare[1:] in {*_ARITHMETIC, "truediv", "matmul"}:
        bare = bare[1:]
    return name if name == "__getitem__" else {"truediv": "div"}.get(bare, bare)


def _detail(module: nn.Module) -> str:
    """The settings that tell a layer from others of its type."""
    if isinstance(module, nn.Linear):
        return f"{module.in_features} to {module.out_features}"
    parts = []
    kernel = getattr(module, "kernel_size", None)
    if isinstance(kernel, int | tuple):
        parts.append(_by(kernel, getattr(module, "in_channels", None) is None))
    for setting, word in (("out_channels", ""), ("embedding_dim", ""), ("hidden_size", ""), ("num_heads", " heads")):
        value = getattr(module, setting, None)
        if isinstance(value, int):
            parts.append(f"{value}{word}")
    stride = getattr(module, "stride", None)
    first = stride[0] if isinstance(stride, tuple) else stride
    if isinstance(first, int) and first > 1 and "Conv" in type(module).__name__:
        parts.append(f"/{first}")
    groups = getattr(module, "groups", 1)
    if isinstance(groups, int) and groups > 1:
        parts.append("depthwise" if groups == getattr(module, "in_channels", None) else f"{groups} groups")
    if isinstance(module, nn.Dropout) and isinstance(module.p, float):
        parts.append(f"{module.p:g}")
    return ", ".join(part for part in parts if part)


def _by(kernel: int | tuple[int, ...], square: bool) -> str:
    if isinstance(kernel, tuple):
        return "x".join(map(str, kernel))
    return f"{kernel}x{kernel}" if square else str(kernel)


def _merge_sums(nodes: list[_Node], ends: set[int]) -> None:
    """Sums of several tensors as one Add: `a + b + c` is two operations, but one node of a network."""
    users: list[set[int]] = [set() for _ in nodes]
    for place, node in enumerate(nodes):
        for source in node.sources:
            if source >= 0:
                users[source].add(place)
    for place, node in enumerate(nodes):
        if not node.sums or len(node.sources) < 2:
            continue
        sources: list[int] = []
        for source in node.sources:
            if source >= 0 and nodes[source].sums and users[source] == {place} and source not in ends:
                nodes[source].gone = True
                sources += nodes[source].sources
            else:
                sources.append(source)
        node.sources = tuple(dict.fromkeys(sources))


def _drop_asides(nodes: list[_Node], ends: set[int]) -> None:
    """Operations that nothing comes of are no layers: those of a condition, `if x.sum() > 0`, say."""
    needed = set(ends)
    for place in reversed(range(len(nodes))):
        node = nodes[place]
        if place in needed or node.module or node.layer.params:
            needed.update(node.sources)
        else:
            node.gone = True
