"""NAS-Bench-201's cell in a small network: a space for methods that need every choice to be among modules."""

from __future__ import annotations

from netwright.core.registry import spaces
from netwright.spaces.space import Space
from netwright.spaces.zoo.nb201 import network

__all__ = ["nb201_small"]


@spaces.register
def nb201_small(*, channels: int = 16, input_shape: tuple[int, ...] = (3, 32, 32)) -> Space:
    """NAS-Bench-201's 15,625 cells, three of them in a network: every choice is among modules.

    What gradient-based methods search by default on images: quick enough for a laptop, unlike the fifteen cells of the
    benchmark's network (`nb201`). Arches are the same.

    Args:
        channels: of the first cell; the second and third have twice and four times as many.
        input_shape: (channels, height, width) of an image.

    Example:
        >>> nb201_small().size()
        15625
    """
    return network("nb201_small", channels=channels, n_cells=1, input_shape=input_shape)
