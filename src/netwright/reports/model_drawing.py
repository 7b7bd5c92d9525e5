"""`model_drawing`: the layers of a model and what feeds what, seen in one forward pass."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from netwright.reports.drawing import Drawing, DrawnLayer

if TYPE_CHECKING:
    from torch import nn

__all__ = ["model_drawing"]

_log = logging.getLogger(__name__)


def model_drawing(model: nn.Module, input_shape: tuple[int, ...]) -> Drawing:
    """The drawing of a built model, from one forward pass that follows every tensor.

    Layers are modules without parts of their own, and the operations between them: additions, concatenations and
    whatever else a `forward` calls. Any control flow is followed the way that an input of zeros takes. Where tensors
    can't be followed (a compiled model, say), the layers are drawn as a chain in the order of their calls.

    Args:
        model: stays as it is, its modes and its weights included.
        input_shape: of one example, without the batch.

    Example:
        >>> import torch
        >>> from netwright.models.layers import Residual
        >>> drawing = model_drawing(torch.nn.Sequential(Residual(torch.nn.Linear(4, 4)), torch.nn.ReLU()), (4,))
        >>> [layer.type for layer in drawing.layers], drawing.links, drawing.entries
        (['Linear', 'Add', 'ReLU'], ((0, 1), (1, 2)), (0, 1))
    """
    from netwright.reports.tensor_tracing import traced

    try:
        return traced(model, input_shape)
    except Exception as error:  # noqa: BLE001  # whatever a foreign model does: the chain is tried next
        _log.debug("the model is drawn as a chain, as it can't be traced: %s", error)
    from netwright.models import outline

    rows = [row for row in outline(model, input_shape) if row.leaf]
    layers = tuple(DrawnLayer(row.name, row.kind, row.output_shape, row.n_params) for row in rows)
    return Drawing(layers, None, input_shape)
