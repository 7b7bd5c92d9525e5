"""Augmentation of whole batches of images: shift, mirror, cut out. No loop over images.

Every function takes and returns images (batch, channels, height, width) and draws from a generator of the processor.
"""

from __future__ import annotations

import torch

__all__ = ["cut_out", "flipped", "shifted"]


def shifted(images: torch.Tensor, by: int, generator: torch.Generator) -> torch.Tensor:
    """Each image moved by up to `by` pixels in both directions, borders reflected ("random crop with padding").

    Example:
        >>> images = torch.arange(16.0).view(1, 1, 4, 4)
        >>> shifted(images, 1, torch.Generator().manual_seed(0)).shape
        torch.Size([1, 1, 4, 4])
    """
    n, _, height, width = images.shape
    by = min(by, height - 1, width - 1)
    if by <= 0:
        return images
    moves = torch.randint(-by, by + 1, (2, n, 1), generator=generator).to(images.device)
    rows = _reflected(torch.arange(height, device=images.device) + moves[0], height)  # (n, height)
    columns = _reflected(torch.arange(width, device=images.device) + moves[1], width)  # (n, width)
    if images.shape[1] == 1:  # one gather over flat pixels is several times as fast
        places = (rows[:, :, None] * width + columns[:, None, :]).view(n, -1)
        return images.reshape(n, -1).gather(1, places).view_as(images)
    last = images.permute(0, 2, 3, 1)  # (n, height, width, channels)
    which = torch.arange(n, device=images.device)[:, None, None]
    return last[which, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _reflected(places: torch.Tensor, size: int) -> torch.Tensor:
    """Indices outside 0..size-1 mirrored at the border pixel."""
    places = places.abs()
    return torch.where(places >= size, 2 * (size - 1) - places, places)


def flipped(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Each image mirrored left to right with a chance of one half.

    Example:
        >>> flipped(torch.zeros(2, 3, 4, 4), torch.Generator().manual_seed(0)).shape
        torch.Size([2, 3, 4, 4])
    """
    mirror = (torch.rand(len(images), generator=generator) < 0.5).to(images.device)
    return torch.where(mirror[:, None, None, None], images.flip(3), images)


def cut_out(images: torch.Tensor, side: int, generator: torch.Generator) -> torch.Tensor:
    """Each image with a square of zeros (the mean of standardised images) centred anywhere in it.

    DeVries & Taylor 2017, https://arxiv.org/abs/1708.04552.

    Example:
        >>> images = cut_out(torch.ones(1, 1, 8, 8), 4, torch.Generator().manual_seed(0))
        >>> 4 <= int((images == 0).sum()) <= 16
        True
    """
    n, _, height, width = images.shape
    centres = torch.rand((2, n, 1), generator=generator).to(images.device)
    top, left = ((centres[i] * size).floor() - side // 2 for i, size in enumerate((height, width)))
    rows = torch.arange(height, device=images.device)
    columns = torch.arange(width, device=images.device)
    in_rows = (rows >= top) & (rows < top + side)  # (n, height)
    in_columns = (columns >= left) & (columns < left + side)  # (n, width)
    hole = in_rows[:, None, :, None] & in_columns[:, None, None, :]
    return images.masked_fill(hole, 0.0)
