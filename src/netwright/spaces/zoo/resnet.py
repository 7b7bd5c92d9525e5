"""Residual networks: a macro space, in which every number of a ResNet is a decision.

He et al. 2016, Deep residual learning for image recognition, https://arxiv.org/abs/1512.03385.
"""

from __future__ import annotations

from netwright.core.errors import InvalidInput
from netwright.core.registry import spaces
from netwright.spaces.language import choice, n_outputs, repeat
from netwright.spaces.mirror import layers, nn
from netwright.spaces.nodes import Call
from netwright.spaces.space import Space

__all__ = ["resnet"]

_WIDTHS = ((16, 24, 32, 48), (32, 48, 64, 96), (64, 96, 128, 192), (128, 192, 256, 384))
_DEPTHS = (0, 1, 1, 1)


@spaces.register
def resnet(*, input_shape: tuple[int, ...] = (3, 32, 32)) -> Space:
    """Residual network: 2 to 4 stages, each with its depth, width, kernel, downsampling, expansion and skips.

    A stage is a convolution that may halve the resolution (by pooling or a stride), then 0 to 3 residual blocks; then
    come global pooling, dropout and a linear layer. The default is a short, wide one: most of its work is at low
    resolutions, where a processor gets most out of it. Large images are made smaller by a stem: from 96 pixels on by
    half, from 160 on to a quarter. Images from 64 pixels on get a fourth stage.

    Args:
        input_shape: (channels, height, width) of an image, at least 4x4 pixels.

    Example:
        >>> space = resnet(input_shape=(1, 28, 28))
        >>> space.default()["stages"], space.default()["width3"], space.default()["depth3"]
        (3, 128, 1)
        >>> f"{space.size():.2e}"
        '4.94e+09'
    """
    if len(input_shape) != 3 or min(input_shape[1:]) < 4:
        raise InvalidInput(f"`resnet` needs images of at least 4x4 pixels, but the inputs have shape {input_shape}.")
    side = min(input_shape[1:])
    most = min(4 if side >= 64 else 3, side.bit_length() - 1)
    block_activation = choice({"relu": nn.ReLU, "silu": nn.SiLU, "gelu": nn.GELU}, label="activation")
    activation = choice({"relu": nn.ReLU(), "silu": nn.SiLU(), "gelu": nn.GELU()}, label="activation")

    def stage(i: int) -> Call:
        number = i + 1
        width = choice(_WIDTHS[i], label=f"width{number}", default=_WIDTHS[i][2])
        kernel = choice([3, 5], label=f"kernel{number}")
        # One decision at two places: the convolution's stride, and what comes after it.
        down, usual = f"downsample{number}", "none" if i == 0 and side < 16 else "pool"
        stride = choice({"pool": 1, "stride": 2, "none": 1}, label=down, default=usual)
        pool = choice({"pool": nn.MaxPool2d(2), "stride": None, "none": None}, label=down, default=usual)
        expansion = choice([0.5, 1.0], label=f"expansion{number}", default=1.0)
        skip = choice([True, False], label=f"skip{number}")

        def block(_: int) -> Call:
            return layers.ResidualBlock(
                width, kernel_size=kernel, expansion=expansion, activation=block_activation, skip=skip
            )

        return nn.Sequential(
            nn.LazyConv2d(width, kernel, stride=stride, padding=kernel // 2, bias=False),
            nn.LazyBatchNorm2d(),
            activation,
            pool,
            repeat(block, 0, 3, label=f"depth{number}", default=_DEPTHS[i]),
        )

    return Space(
        nn.Sequential(
            *_stem(side),
            repeat(stage, min(2, most), most, label="stages", default=most),
            choice({"average": layers.GlobalAveragePool(), "maximum": layers.GlobalMaxPool()}, label="pooling"),
            nn.Dropout(choice([0.0, 0.1, 0.3], label="dropout")),
            nn.LazyLinear(n_outputs),
        ),
        training={
            "lr": choice([0.05, 0.1, 0.2], default=0.1),
            "weight_decay": choice([0.0001, 0.0005, 0.002], default=0.0005),
        },
        name="resnet",
    )


def _stem(side: int) -> list[Call]:
    """What makes large images smaller before the first stage (He et al. 2016, section 3.3)."""
    if side < 96:
        return []
    pool = [nn.MaxPool2d(3, stride=2, padding=1)] if side >= 160 else []
    return [nn.LazyConv2d(32, 5, stride=2, padding=2, bias=False), nn.LazyBatchNorm2d(), nn.ReLU(), *pool]
