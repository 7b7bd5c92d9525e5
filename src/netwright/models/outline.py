"""The layers of a model with their shapes, as data: for drawings and tables."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from netwright.models.evaluation_mode import evaluating
from netwright.models.example import example_inputs

__all__ = ["LayerRow", "outline"]


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer as it is met in a forward pass.

    Attributes:
        name: its place in the model, as in `state_dict`.
        kind: its class, with what tells it from others.
        depth: how deeply it is nested, the model's own parts being 0.
        input_shape, output_shape: of one example.
        n_params: its own trainable parameters, those of its parts included.
        leaf: whether it has no parts.
    """

    name: str
    kind: str
    depth: int
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    n_params: int
    leaf: bool


def outline(model: nn.Module, input_shape: tuple[int, ...]) -> list[LayerRow]:
    """The layers in the order in which a forward pass enters them; the model stays as it is.

    Example:
        >>> [(row.name, row.output_shape) for row in outline(nn.Sequential(nn.Linear(4, 3), nn.ReLU()), (4,))]
        [('0', (3,)), ('1', (3,))]
    """
    rows: list[LayerRow | None] = []
    open_rows: list[int] = []
    handles = []
    for name, module in model.named_modules():
        if not name:
            continue

        def enter(_: nn.Module, __: tuple[object, ...]) -> None:
            open_rows.append(len(rows))
            rows.append(None)

        def leave(module: nn.Module, inputs: tuple[object, ...], output: object, name: str = name) -> None:
            index = open_rows.pop()
            rows[index] = LayerRow(
                name,
                _kind(module),
                name.count("."),
                _shape(inputs[0] if inputs else None),
                _shape(output),
                sum(p.numel() for p in module.parameters() if p.requires_grad),
                not list(module.children()),
            )

        handles += [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]
    parameter = next(model.parameters(), None)
    device = torch.device("cpu") if parameter is None else parameter.device
    try:
        with evaluating(model), torch.no_grad():
            model(example_inputs(model, input_shape, device=device))
    finally:
        for handle in handles:
            handle.remove()
    return [row for row in rows if row is not None]


def _shape(value: object) -> tuple[int, ...]:
    return tuple(value.shape[1:]) if isinstance(value, torch.Tensor) else ()


def _kind(module: nn.Module) -> str:
    name = type(module).__name__
    kernel = getattr(module, "kernel_size", None)
    if kernel is not None:
        size = "x".join(map(str, kernel)) if isinstance(kernel, tuple) else str(kernel)
        stride = getattr(module, "stride", 1)
        first = stride[0] if isinstance(stride, tuple) else stride
        return f"{name} {size}" + (f" /{first}" if first not in (1, None) else "")
    return name
