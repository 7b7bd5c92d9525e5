"""Residual networks: a macro space, in which every number of a ResNet is a decision.

He et al. 2016, Deep residual learning for image recognition, https://arxiv.org/abs/1512.03385.
"""

from __future__ import annotations

from netwright.core.errors import InvalidInput
from netwright.core.registry import spaces
from netwright.spaces.language import choice, n_outputs, repeat
from netwright.spaces.mirror import layers, nn
from netwright.spaces.nodes import Call, Repeat
from netwright.spaces.space import Space

__all__ = ["resnet"]

_WIDTHS = ((16, 24, 32, 48), (32, 48, 64, 96), (64, 96, 128, 192), (128, 192, 256, 384))


@spaces.register
def resnet(*, input_shape: tuple[int, ...] = (3, 32, 32)) -> Space:
    """Residual network: 2 to 4 stages, each with its depth, width, kernel, stride, expansion and skip connections.

    A stem, stages of 1 to 3 residual blocks, global average pooling, dropout and a linear layer. The default has one
    block in each of three stages of 32, 64 and 128 channels. Large images are made smaller by the stem: from 64
    pixels on by half, from 128 on to a quarter; they get a fourth stage.

    Args:
        input_shape: (channels, height, width) of an image, at least 4x4 pixels.

    Example:
        >>> space = resnet(input_shape=(1, 28, 28))
        >>> space.default()["stages"], space.default()["width3"], space.default()["stride3"]
        (3, 128, 2)
        >>> f"{space.size():.2e}"
        '2.30e+09'
    """
    if len(input_shape) != 3 or min(input_shape[1:]) < 4:
        raise InvalidInput(f"`resnet` needs images of at least 4x4 pixels, but the inputs have shape {input_shape}.")
    side = min(input_shape[1:])
    most = 4 if side >= 64 else 3
    activation = choice({"relu": nn.ReLU, "silu": nn.SiLU, "gelu": nn.GELU}, label="activation")
    act = choice({"relu": nn.ReLU(), "silu": nn.SiLU(), "gelu": nn.GELU()}, label="activation")

    def stage(i: int) -> Repeat:
        number = i + 1
        width = choice(_WIDTHS[i], label=f"width{number}", default=_WIDTHS[i][2])
        kernel = choice([3, 5], label=f"kernel{number}")
        stride = choice([1, 2], label=f"stride{number}", default=1 if i == 0 else 2)
        expansion = choice([0.5, 1.0], label=f"expansion{number}", default=1.0)
        skip = choice([True, False], label=f"skip{number}")

        def block(j: int) -> Call:
            return layers.ResidualBlock(
                width,
                kernel_size=kernel,
                stride=stride if j == 0 else 1,
                expansion=expansion,
                activation=activation,
                skip=skip,
            )

        return repeat(block, 1, 3, label=f"depth{number}", default=1)

    stem = [
        nn.LazyConv2d(
            choice(_WIDTHS[0], label="width0", default=_WIDTHS[0][2]),
            3,
            stride=2 if side >= 64 else 1,
            padding=1,
            bias=False,
        ),
        nn.LazyBatchNorm2d(),
        act,
        *([nn.MaxPool2d(3, stride=2, padding=1)] if side >= 128 else []),
    ]
    return Space(
        nn.Sequential(
            *stem,
            repeat(stage, 2, most, label="stages", default=most),
            layers.GlobalAveragePool(),
            nn.Dropout(choice([0.0, 0.1, 0.3], label="dropout")),
            nn.LazyLinear(n_outputs),
        ),
        training={
            "lr": choice([0.05, 0.1, 0.2], default=0.1),
            "weight_decay": choice([0.0001, 0.0005, 0.002], default=0.0005),
        },
        name="resnet",
    )
