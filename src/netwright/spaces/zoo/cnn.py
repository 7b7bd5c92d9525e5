"""The classic tutorial space of convolutional networks."""

from __future__ import annotations

from netwright.core.errors import InvalidInput
from netwright.core.registry import spaces
from netwright.spaces.language import choice, n_outputs, repeat
from netwright.spaces.mirror import nn
from netwright.spaces.nodes import Call
from netwright.spaces.space import Space

__all__ = ["cnn"]


@spaces.register
def cnn(*, input_shape: tuple[int, ...] = (3, 32, 32)) -> Space:
    """Plain convolutional network: 1 to 3 blocks of 32, 64 or 128 filters, then 1 or 2 dense layers.

    Each block has its own width, kernel (3 or 5) and pooling (maximum or average); normalisation and activation are
    one choice for all; images too small to be halved three times get fewer blocks.

    Args:
        input_shape: (channels, height, width) of an image.

    Example:
        >>> cnn(input_shape=(1, 28, 28)).size()
        1220832
    """
    if len(input_shape) != 3 or min(input_shape[1:]) < 2:
        raise InvalidInput(f"`cnn` needs images of at least 2x2 pixels, but the inputs have shape {input_shape}.")
    deepest = min(3, min(input_shape[1:]).bit_length() - 1)
    activation = choice({"relu": nn.ReLU(), "silu": nn.SiLU(), "gelu": nn.GELU()}, label="activation")
    norm = choice({"batch": nn.LazyBatchNorm2d(), "none": None}, label="norm")

    def block(i: int) -> Call:
        width = choice([32, 64, 128], label=f"filters{i + 1}", default=(32, 64, 128)[i])
        kernel = choice([3, 5], label=f"kernel{i + 1}")
        pool = choice({"max": nn.MaxPool2d(2), "avg": nn.AvgPool2d(2)}, label=f"pool{i + 1}")
        return nn.Sequential(nn.LazyConv2d(width, kernel, padding=kernel // 2), norm, activation, pool)

    def dense(i: int) -> Call:
        units = choice([64, 128, 256], label=f"units{i + 1}", default=128)
        return nn.Sequential(nn.LazyLinear(units), activation)

    return Space(
        nn.Sequential(
            repeat(block, 1, deepest, label="blocks", default=deepest),
            nn.Flatten(),
            repeat(dense, 1, 2, label="dense", default=1),
            nn.Dropout(choice([0.0, 0.2, 0.5], label="dropout", default=0.2)),
            nn.LazyLinear(n_outputs),
        ),
        training={"lr": choice([0.02, 0.05, 0.1], default=0.05)},
        name="cnn",
    )
