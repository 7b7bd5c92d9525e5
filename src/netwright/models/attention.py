"""Parts of transformer encoders, for tokens and for patches of images. Plain PyTorch, carried into exports.

Every size is a plain layer's: fewer heads are the first heads whole, a smaller width the first features.
"""

from __future__ import annotations

import torch
from torch import nn

__all__ = [
    "PaddingMask",
    "PatchEmbedding",
    "SelfAttention",
    "SequenceMean",
    "TokenEmbedding",
    "TransformerBlock",
    "TransformerEncoder",
]


class TokenEmbedding(nn.Module):
    """Whole numbers to vectors, with a learned position added: (batch, length) → (batch, length, width).

    Args:
        vocabulary: tokens are 0, 1, …, vocabulary - 1.
        width: of the vectors.
        length: the most tokens of one example.
    """

    input_dtype = torch.int64

    def __init__(self, vocabulary: int, width: int, length: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(length, width)
        for table in (self.tokens, self.positions):
            nn.init.normal_(table.weight, std=0.02)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.tokens(x) + self.positions(torch.arange(x.shape[1], device=x.device))


class PatchEmbedding(nn.Module):
    """Patches of an image to vectors, with a learned position added: (batch, C, H, W) → (batch, patches, width).

    As in ViT (Dosovitskiy et al. 2021, https://arxiv.org/abs/2010.11929), but without a class token.

    Args:
        in_channels: of the image.
        width: of the vectors.
        patch: side of a patch in pixels.
        n_patches: in one image.
    """

    def __init__(self, in_channels: int, width: int, patch: int, n_patches: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(in_channels, width, patch, stride=patch)
        self.positions = nn.Embedding(n_patches, width)
        nn.init.normal_(self.positions.weight, std=0.5)  # about as large as the patches: places are told apart at once

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.patches(x).flatten(2).transpose(1, 2).contiguous()  # (B, N, width)
        return y + self.positions(torch.arange(y.shape[1], device=x.device))


class PaddingMask(nn.Module):
    """Which tokens count: (batch, length) → (batch, length), False for padding; all of them where nothing else is.

    Args:
        padding: the token that fills short examples up.
    """

    def __init__(self, padding: int) -> None:
        super().__init__()
        self.padding = padding

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mask = x != self.padding
        return mask | ~mask.any(1, keepdim=True)


class SequenceMean(nn.Module):
    """The mean over a sequence: (batch, length, width) → (batch, width), of what a mask says counts."""

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        if mask is None:
            return x.mean(1)
        weights = mask.to(x.dtype)[:, :, None]
        return (x * weights).sum(1) / weights.sum(1)


class SelfAttention(nn.Module):
    """Multi-head attention of a sequence to itself (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762).

    Queries, keys and values have layers of their own, and all heads the same width, whatever the number of heads:
    the width of the input and the number of heads can be chosen apart from each other, as in AutoFormer.

    Args:
        width: of the sequence's vectors.
        n_heads: how many heads there are.
        head_width: of one head.
    """

    def __init__(self, width: int, n_heads: int, head_width: int = 64) -> None:
        super().__init__()
        self.head_width = head_width
        self.query = nn.Linear(width, n_heads * head_width)
        self.key = nn.Linear(width, n_heads * head_width)
        self.value = nn.Linear(width, n_heads * head_width)
        self.output = nn.Linear(n_heads * head_width, width)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        # (B, N, heads * head_width) -> (B, heads, N, head_width)
        query, key, value = (
            layer(x).unflatten(-1, (-1, self.head_width)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        seen = None if mask is None else mask[:, None, None, :]  # (B, 1, 1, N), True for what may be looked at
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, seen)  # (B, heads, N, head_width)
        return self.output(mixed.transpose(1, 2).flatten(2))


class TransformerBlock(nn.Module):
    """Attention, then two linear layers, each normalised before and added to its input (Xiong et al. 2020).

    Args:
        width: of the sequence's vectors.
        n_heads: of the attention.
        head_width: of one head.
        ratio: the inner width of the linear layers as a multiple of `width`.
        dropout: of what is added, in training.
    """

    def __init__(self, width: int, n_heads: int, *, head_width: int = 64, ratio: float = 4.0, dropout: float = 0.0):
        super().__init__()
        inner = round(width * ratio)
        self.norm1 = nn.LayerNorm(width)
        self.attention = SelfAttention(width, n_heads, head_width)
        self.norm2 = nn.LayerNorm(width)
        self.widen = nn.Linear(width, inner)
        self.narrow = nn.Linear(inner, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        x = x + self.dropout(self.attention(self.norm1(x), mask))
        return x + self.dropout(self.narrow(nn.functional.gelu(self.widen(self.norm2(x)))))


class TransformerEncoder(nn.Module):
    """Embedding, blocks, normalisation, and the mean over the sequence: (batch, …) → (batch, width).

    Args:
        embedding: what makes a sequence of vectors of the inputs.
        blocks: `TransformerBlock`s, one after the other.
        norm: of the last block's output.
        padding: the token that fills short examples up: nothing looks at it, and it isn't in the mean; None: none.
            An example of nothing but padding is taken as it is.
    """

    def __init__(self, embedding: nn.Module, blocks: nn.Sequential, norm: nn.Module, padding: int | None = None):
        super().__init__()
        self.embedding = embedding
        self.blocks = blocks
        self.norm = norm
        self.mask = None if padding is None else PaddingMask(padding)
        self.mean = SequenceMean()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mask = None if self.mask is None else self.mask(x)  # (B, N)
        y = self.embedding(x)  # (B, N, width)
        for block in self.blocks:
            y = block(y, mask)
        return self.mean(self.norm(y), mask)
