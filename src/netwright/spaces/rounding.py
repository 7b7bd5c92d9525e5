"""Numbers of channels as processors like them."""

from __future__ import annotations

__all__ = ["rounded_channels"]


def rounded_channels(channels: float) -> int:
    """The nearest multiple of 8, at least 8, that isn't more than 10 % smaller: as in all mobile networks.

    Example:
        >>> [rounded_channels(n) for n in (3, 18, 20, 96, 100)]
        [8, 24, 24, 96, 104]
    """
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest
