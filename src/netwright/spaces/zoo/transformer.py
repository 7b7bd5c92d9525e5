"""Elastic transformer encoders, for tokens and for patches of images: width, heads, depth and inner width.

Chen et al. 2021, AutoFormer, https://arxiv.org/abs/2107.00651, for patches; Wang et al. 2020, HAT,
https://arxiv.org/abs/2005.14187, for texts (its encoder). Unlike theirs, the sequence's mean is classified, there are
no relative positions, and all heads have one width whatever their number.
"""

from __future__ import annotations

from collections.abc import Sequence

from netwright.core.errors import InvalidInput, problems
from netwright.core.registry import spaces
from netwright.spaces.language import choice, n_outputs, repeat
from netwright.spaces.mirror import layers, nn
from netwright.spaces.nodes import Call, Choice
from netwright.spaces.space import Space

__all__ = ["text_transformer", "vision_transformer"]


@spaces.register
def text_transformer(
    *,
    input_shape: tuple[int, ...] = (32,),
    vocabulary: int = 1000,
    padding: int | None = 0,
    widths: Sequence[int] = (32, 48, 64),
    heads: Sequence[int] = (2, 3, 4),
    head_width: int = 16,
    ratios: Sequence[float] = (2.0, 3.0, 4.0),
    depths: tuple[int, int] = (1, 4),
    dropout: float = 0.1,
) -> Space:
    """Transformer encoder for tokens: its width, 1 to 4 blocks, heads and inner width of each block.

    Inputs are whole numbers (batch, length). It has no training choices, so that one supernet serves all arches.

    Args:
        input_shape: (length,) of one example.
        vocabulary: tokens are 0, 1, …, vocabulary - 1.
        padding: the token that fills short examples up, which is then left out of all that is computed; None: none.
        widths: of the sequence's vectors, the same in all blocks.
        heads: how many a block may have.
        head_width: of one head.
        ratios: inner widths of a block as multiples of the vectors' width.
        depths: the least and the most blocks.
        dropout: of what each block adds.

    Example:
        >>> space = text_transformer(input_shape=(20,), vocabulary=500)
        >>> space.size()
        22140
        >>> space.build(input_shape=(20,), n_outputs=2)[0].embedding.tokens
        Embedding(500, 48)

    Raises:
        InvalidInput: for values that are out of their range; all of them are named.
    """
    wrong = _wrong(widths, heads, head_width, ratios, depths, dropout)
    if len(input_shape) != 1 or input_shape[0] < 1:
        wrong.append(f"`input_shape` must be (length,), but is {input_shape}")
    if vocabulary < 2 or not (padding is None or 0 <= padding < vocabulary):
        wrong.append(f"`vocabulary` must be at least 2 and hold `padding`, but they are {vocabulary} and {padding}")
    if wrong:
        raise InvalidInput(problems("a text_transformer space can't be like this", wrong))
    width = _middle(widths, "width")
    embedding = layers.TokenEmbedding(vocabulary, width, input_shape[0])
    return Space(
        _encoder(embedding, width, heads, head_width, ratios, depths, dropout, padding), name="text_transformer"
    )


@spaces.register
def vision_transformer(
    *,
    input_shape: tuple[int, ...] = (3, 32, 32),
    patch: int | None = None,
    widths: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    head_width: int | None = None,
    ratios: Sequence[float] | None = None,
    depths: tuple[int, int] | None = None,
    dropout: float = 0.0,
) -> Space:
    """Transformer encoder for patches of images: its width, depth, heads and inner width of each block.

    From 96 pixels on the defaults are those of AutoFormer-tiny: patches of 16 pixels, 12 to 14 blocks. How it is
    trained is fixed, so that one supernet serves all arches: by AdamW, as SGD as for convolutions fails here.

    Args:
        input_shape: (channels, height, width) of an image, at least 4x4 pixels.
        patch: side of a patch in pixels; what is left over at the right and at the bottom isn't seen.
        widths: of the sequence's vectors, the same in all blocks.
        heads: how many a block may have.
        head_width: of one head.
        ratios: inner widths of a block as multiples of the vectors' width.
        depths: the least and the most blocks.
        dropout: of what each block adds.

    Example:
        >>> space = vision_transformer(input_shape=(3, 224, 224))
        >>> space.decisions[0].domain.values, space.default()["depth"], f"{space.size():.1e}"
        ((192, 216, 240), 13, '1.1e+09')

    Raises:
        InvalidInput: for values that are out of their range; all of them are named.
    """
    if len(input_shape) != 3 or min(input_shape[1:]) < 4:
        raise InvalidInput(
            f"`vision_transformer` needs images of at least 4x4 pixels, but the inputs have shape {input_shape}."
        )
    side = min(input_shape[1:])
    large = side >= 96
    patch = (16 if large else min(4, side // 4)) if patch is None else patch
    widths = widths or ((192, 216, 240) if large else (32, 48, 64))
    heads = heads or ((3, 4) if large else (2, 3, 4))
    head_width = (64 if large else 16) if head_width is None else head_width
    ratios = ratios or ((3.5, 4.0) if large else (2.0, 3.0, 4.0))
    depths = depths or ((12, 14) if large else (2, 6))
    wrong = _wrong(widths, heads, head_width, ratios, depths, dropout)
    if not 1 <= patch <= side:
        wrong.append(f"`patch` must be in 1..{side}, the smaller side of the image, but is {patch}")
    if wrong:
        raise InvalidInput(problems("a vision_transformer space can't be like this", wrong))
    width = _middle(widths, "width")
    n_patches = (input_shape[1] // patch) * (input_shape[2] // patch)
    embedding = layers.PatchEmbedding(input_shape[0], width, patch, n_patches)
    return Space(
        _encoder(embedding, width, heads, head_width, ratios, depths, dropout, None),
        training={"optimizer": "adamw", "lr": 0.0005 if large else 0.003, "weight_decay": 0.05, "clip": 1.0},
        name="vision_transformer",
    )


def _encoder(
    embedding: Call,
    width: Choice,
    heads: Sequence[int],
    head_width: int,
    ratios: Sequence[float],
    depths: tuple[int, int],
    dropout: float,
    padding: int | None,
) -> Call:
    def block(i: int) -> Call:
        return layers.TransformerBlock(
            width,
            _middle(heads, f"heads{i + 1}"),
            head_width=head_width,
            ratio=_middle(ratios, f"ratio{i + 1}"),
            dropout=dropout,
        )

    blocks = repeat(block, *depths, label="depth")
    encoder = layers.TransformerEncoder(embedding, blocks, nn.LayerNorm(width), padding=padding)
    return nn.Sequential(encoder, nn.Linear(width, n_outputs))


def _middle(options: Sequence[float], label: str) -> Choice:
    """A choice that starts from the middle."""
    return choice(list(options), label=label, default=options[len(options) // 2])


def _wrong(
    widths: Sequence[int],
    heads: Sequence[int],
    head_width: int,
    ratios: Sequence[float],
    depths: tuple[int, int],
    dropout: float,
) -> list[str]:
    wrong = [
        f"`{name}` must be whole numbers of at least 1, but are {tuple(values)}"
        for name, values in (("widths", widths), ("heads", heads))
        if not values or any(not isinstance(value, int) or value < 1 for value in values)
    ]
    if head_width < 1:
        wrong.append(f"`head_width` must be at least 1, but is {head_width}")
    if not ratios or min(ratios) <= 0:
        wrong.append(f"`ratios` must be above 0, but are {tuple(ratios)}")
    if len(depths) != 2 or not 1 <= depths[0] <= depths[1]:
        wrong.append(f"`depths` must be the least and the most blocks, at least 1, but are {tuple(depths)}")
    if not 0 <= dropout < 1:
        wrong.append(f"`dropout` must be in [0, 1), but is {dropout}")
    return wrong
