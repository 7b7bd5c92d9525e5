"""What counts as normalisation, and what it divides out."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["NORMALISATIONS", "spread"]

NORMALISATIONS: tuple[type[nn.Module], ...] = (
    nn.modules.batchnorm._BatchNorm,  # noqa: SLF001  # what all batch normalisations have in common
    nn.modules.instancenorm._InstanceNorm,  # noqa: SLF001  # likewise
    nn.GroupNorm,
    nn.LayerNorm,
    nn.LocalResponseNorm,
    nn.RMSNorm,
)


def spread(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The mean variance that a normalisation of `x` divides out: over examples and positions, else within an example.

    Example:
        >>> spread(nn.BatchNorm1d(2), torch.tensor([[0.0, 0.0], [2.0, 4.0]]))
        tensor(2.5000)
    """
    if isinstance(module, nn.modules.batchnorm._BatchNorm):  # noqa: SLF001  # as above
        return x.detach().transpose(0, 1).flatten(1).var(1, unbiased=False).mean()
    return x.detach().flatten(1).var(1, unbiased=False).mean()
