"""Correlations between the rows of a matrix, which several proxies look at."""

from __future__ import annotations

import torch

__all__ = ["correlations"]


def correlations(rows: torch.Tensor) -> torch.Tensor:
    """Pearson's correlation of each two rows (n, n), float64 on the processor; NaN for a row that is constant.

    Example:
        >>> correlations(torch.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])).round(decimals=6)
        tensor([[ 1., -1.],
                [-1.,  1.]], dtype=torch.float64)
    """
    values = rows.detach().cpu().double()
    centred = values - values.mean(1, keepdim=True)
    scaled = centred / centred.norm(dim=1, keepdim=True)
    return (scaled @ scaled.T).clamp(-1, 1)
