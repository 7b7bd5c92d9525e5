"""Multi-layer perceptrons for tables."""

from __future__ import annotations

from netwright.core.errors import InvalidInput
from netwright.core.registry import spaces
from netwright.spaces.language import choice, n_outputs, repeat
from netwright.spaces.mirror import nn
from netwright.spaces.nodes import Call
from netwright.spaces.space import Space

__all__ = ["mlp"]


@spaces.register
def mlp(*, max_depth: int = 4, input_shape: tuple[int, ...] = (16,)) -> Space:
    """Multi-layer perceptron: 1 to 4 layers of 32 to 256 units, normalisation, activation, dropout, training.

    Args:
        max_depth: the most hidden layers.
        input_shape: of one example; anything but a vector is flattened.

    Example:
        >>> mlp().size()
        293760
    """
    if max_depth < 1:
        raise InvalidInput(f"`max_depth` of mlp must be at least 1, but got {max_depth}.")
    activation = choice({"relu": nn.ReLU(), "silu": nn.SiLU(), "gelu": nn.GELU()}, label="activation")
    norm = choice({"none": None, "batch": nn.LazyBatchNorm1d(), "layer": nn.LayerNorm()}, label="norm", default="batch")
    dropout = nn.Dropout(choice([0.0, 0.1, 0.3], label="dropout", default=0.1))

    def layer(i: int) -> Call:
        width = choice([32, 64, 128, 256], label=f"width{i + 1}", default=128)
        return nn.Sequential(nn.LazyLinear(width), norm, activation, dropout)

    flatten = [nn.Flatten()] if len(input_shape) > 1 else []
    return Space(
        nn.Sequential(*flatten, repeat(layer, 1, max_depth, label="depth", default=2), nn.LazyLinear(n_outputs)),
        training={
            "lr": choice([0.0005, 0.001, 0.003, 0.01], default=0.003),
            "weight_decay": choice([0.0, 0.001, 0.01, 0.1], default=0.01),
            "label_smoothing": choice([0.0, 0.1]),
        },
        name="mlp",
    )
