"""The macro space of Once-for-all networks: MobileNetV3 with elastic kernels, expansions and depths.

Howard et al. 2019, Searching for MobileNetV3, https://arxiv.org/abs/1905.02244;
Cai et al. 2020, Once for all, https://arxiv.org/abs/1908.09791.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netwright.core.errors import InvalidInput, problems
from netwright.core.registry import spaces
from netwright.spaces.language import choice, n_outputs, repeat
from netwright.spaces.mirror import layers, nn
from netwright.spaces.nodes import Call, Repeat
from netwright.spaces.rounding import rounded_channels
from netwright.spaces.space import Space

__all__ = ["mobilenet_v3"]

_WIDTHS = (24, 40, 80, 112, 160)
_STRIDES = (2, 2, 2, 1, 2)
_SMALL = 3  # stages for small images
_SQUEEZE = ("published", "choice", "never")


@spaces.register
def mobilenet_v3(
    *,
    input_shape: tuple[int, ...] = (3, 32, 32),
    kernels: Sequence[int] = (3, 5, 7),
    expansions: Sequence[int] = (3, 4, 6),
    depths: tuple[int, int] = (2, 4),
    widths: Sequence[int] | None = None,
    multipliers: Sequence[float] = (1.0,),
    squeeze: str = "published",
) -> Space:
    """MobileNetV3 as in Once-for-all: kernel and expansion of each block, depth of each stage.

    From 96 pixels on these are the published networks: a stem at half the resolution, a first block, five stages of
    2 to 4 inverted residual blocks, 960 and 1280 channels in the head. Smaller images get a stem at full resolution
    (half from 48 pixels on), three stages and a smaller head. ReLU in the first stages, then h-swish. It has no
    training choices, so that one supernet serves all arches; the resolution of the images is not part of it.

    Args:
        input_shape: (channels, height, width) of an image, at least 4x4 pixels.
        kernels: of the depthwise convolutions, odd.
        expansions: inner channels of a block as multiples of its input's.
        depths: the least and the most blocks of a stage.
        widths: channels of each stage, 2 to 5 of them, before they are multiplied.
        multipliers: what all channels are multiplied by; several are one more decision, `multiplier`.
        squeeze: `published`: squeeze-and-excitation in every second stage and the last; `choice`: decided for each
            stage; `never`.

    Example:
        >>> space = mobilenet_v3(input_shape=(3, 224, 224))
        >>> f"{space.size():.1e}"
        '2.2e+19'
        >>> space.default()["depth1"], space.default()["kernel1.1"], space.default()["expansion1.1"]
        (3, 3, 4)

    Raises:
        InvalidInput: for values that are out of their range; all of them are named.
    """
    _check(input_shape, kernels, expansions, depths, widths, multipliers, squeeze)
    side = min(input_shape[1:])
    stage_widths = tuple(widths or (_WIDTHS if side >= 96 else _WIDTHS[:_SMALL]))
    n_stages = len(stage_widths)

    def scaled(channels: int) -> Any:
        """The channels, multiplied: a number, or the decision's value here."""
        options: dict[Any, int] = {multiplier: rounded_channels(channels * multiplier) for multiplier in multipliers}
        return choice(options, label="multiplier") if len(options) > 1 else next(iter(options.values()))

    def stage(i: int) -> Repeat:
        number = i + 1
        often = i % 2 == 1 or number == n_stages
        excited: Any = often and squeeze != "never"
        if squeeze == "choice":
            excited = choice([False, True], label=f"squeeze{number}", default=often)

        def block(j: int) -> Call:
            return layers.InvertedResidual(
                scaled(stage_widths[i]),
                kernel_size=choice(list(kernels), label=f"kernel{number}.{j + 1}"),
                expansion=choice(
                    list(expansions), label=f"expansion{number}.{j + 1}", default=expansions[len(expansions) // 2]
                ),
                stride=_STRIDES[i] if j == 0 else 1,
                activation=nn.ReLU if i < n_stages // 2 else nn.Hardswish,
                squeeze_excitation=excited,
            )

        return repeat(block, *depths, label=f"depth{number}")

    large = side >= 96
    head = (6, 8) if large else (3, 4)  # times the last stage's: 960 and 1280 after 160
    stem_stride = 2 if side >= 48 else 1
    return Space(
        nn.Sequential(
            nn.Conv2d(input_shape[0], scaled(16), 3, stride=stem_stride, padding=1, bias=False),
            nn.BatchNorm2d(scaled(16)),
            nn.Hardswish(),
            layers.InvertedResidual(scaled(16), expansion=1),
            *(stage(i) for i in range(n_stages)),
            nn.LazyConv2d(scaled(head[0] * stage_widths[-1]), 1, bias=False),
            nn.LazyBatchNorm2d(),
            nn.Hardswish(),
            layers.GlobalAveragePool(),
            nn.LazyLinear(scaled(head[1] * stage_widths[-1]), bias=False),
            nn.Hardswish(),
            nn.Dropout(0.1),
            nn.LazyLinear(n_outputs),
        ),
        name="mobilenet_v3",
    )


def _check(
    input_shape: tuple[int, ...],
    kernels: Sequence[int],
    expansions: Sequence[int],
    depths: tuple[int, int],
    widths: Sequence[int] | None,
    multipliers: Sequence[float],
    squeeze: str,
) -> None:
    if len(input_shape) != 3 or min(input_shape[1:]) < 4:
        raise InvalidInput(
            f"`mobilenet_v3` needs images of at least 4x4 pixels, but the inputs have shape {input_shape}."
        )
    wrong = []
    if not kernels or any(kernel < 1 or kernel % 2 == 0 for kernel in kernels):
        wrong.append(f"`kernels` must be odd numbers, but are {tuple(kernels)}")
    if not expansions or any(expansion < 1 for expansion in expansions):
        wrong.append(f"`expansions` must be at least 1, but are {tuple(expansions)}")
    if len(depths) != 2 or not 1 <= depths[0] <= depths[1]:
        wrong.append(f"`depths` must be the least and the most blocks of a stage, at least 1, but are {tuple(depths)}")
    if widths is not None and (not 2 <= len(widths) <= len(_STRIDES) or min(widths) < 1):
        wrong.append(f"`widths` must be the channels of 2 to {len(_STRIDES)} stages, but are {tuple(widths)}")
    if not multipliers or min(multipliers) <= 0:
        wrong.append(f"`multipliers` must be above 0, but are {tuple(multipliers)}")
    if squeeze not in _SQUEEZE:
        wrong.append(f"`squeeze` must be one of {', '.join(_SQUEEZE)}, but is {squeeze!r}")
    if wrong:
        raise InvalidInput(problems("a mobilenet_v3 space can't be like this", wrong))
