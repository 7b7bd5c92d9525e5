"""A multi-layer perceptron whose layers are wide or narrow slices of one network.

Yu et al. 2019, Slimmable neural networks, https://arxiv.org/abs/1812.08928. There one width is chosen for the whole
network (`together=True`); here each layer may have its own, as in Cai et al. 2020, https://arxiv.org/abs/1908.09791.
"""

from __future__ import annotations

from collections.abc import Sequence

from netwright.core.errors import InvalidInput, problems
from netwright.core.registry import spaces
from netwright.spaces.language import choice, n_outputs, repeat
from netwright.spaces.mirror import nn
from netwright.spaces.nodes import Call
from netwright.spaces.space import Space

__all__ = ["slimmable_mlp"]


@spaces.register
def slimmable_mlp(
    *,
    input_shape: tuple[int, ...] = (16,),
    width: int = 256,
    slims: Sequence[float] = (0.25, 0.5, 0.75, 1.0),
    depths: tuple[int, int] = (1, 4),
    together: bool = False,
) -> Space:
    """Slimmable multi-layer perceptron: widths from a quarter to the whole, 1 to 4 layers, activation.

    It has no training choices, so that one supernet serves all arches.

    Args:
        input_shape: of one example; anything but a vector is flattened.
        width: units of a whole layer.
        slims: shares of them that a layer may have.
        depths: the least and the most hidden layers.
        together: one share for all layers, as in the paper, instead of one for each.

    Example:
        >>> slimmable_mlp().size(), slimmable_mlp(together=True).size()
        (1020, 48)

    Raises:
        InvalidInput: for values that are out of their range; all of them are named.
    """
    wrong = []
    if width < 1:
        wrong.append(f"`width` must be at least 1, but is {width}")
    if not slims or not all(0 < slim <= 1 for slim in slims):
        wrong.append(f"`slims` must be shares above 0 and at most 1, but are {tuple(slims)}")
    if len(depths) != 2 or not 1 <= depths[0] <= depths[1]:
        wrong.append(f"`depths` must be the least and the most hidden layers, at least 1, but are {tuple(depths)}")
    if wrong:
        raise InvalidInput(problems("a slimmable_mlp space can't be like this", wrong))
    units = list(dict.fromkeys(max(1, round(width * slim)) for slim in slims))
    activation = choice({"relu": nn.ReLU(), "silu": nn.SiLU(), "gelu": nn.GELU()}, label="activation")

    def layer(i: int) -> Call:
        chosen = choice(units, label="width" if together else f"width{i + 1}", default=units[len(units) // 2])
        return nn.Sequential(nn.LazyLinear(chosen), nn.LazyBatchNorm1d(), activation)

    flatten = [nn.Flatten()] if len(input_shape) > 1 else []
    return Space(
        nn.Sequential(*flatten, repeat(layer, *depths, label="depth"), nn.LazyLinear(n_outputs)),
        name="slimmable_mlp",
    )
