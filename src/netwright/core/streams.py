"""`Streams`: a random generator for each candidate, reproducible from the seed and the candidate's number alone."""

from __future__ import annotations

from hashlib import shake_256
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISpawnableSeedSequence

__all__ = ["Streams"]

_LITTLE_64 = np.dtype("<u8")  # the same numbers on every machine


class Streams:
    """Numbered independent random streams of one seed.

    Stream `n` is a PCG64 generator seeded with a hash (SHAKE-256) of the seed and `n`: as good as
    `numpy.random.default_rng((seed, n))`, at a fifth of its time, which is what a whole candidate may cost.

    Example:
        >>> streams = Streams(7)
        >>> first, other = streams(3), streams(4)
        >>> first.random() == other.random(), streams(3).random() == Streams(7)(3).random()
        (False, True)
    """

    __slots__ = ("_prefix",)

    def __init__(self, seed: int) -> None:
        self._prefix = b"%d:" % seed

    def __call__(self, number: int) -> np.random.Generator:
        """A new generator at the start of stream `number`."""
        return np.random.Generator(np.random.PCG64(_Seeds(b"%b%d" % (self._prefix, number))))  # type: ignore[arg-type]  # by duck type


class _Seeds:
    """What numpy's own `SeedSequence` does, with a hash that costs a tenth; a child's key extends its parent's."""

    __slots__ = ("children", "key")

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.children = 0

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> np.ndarray[Any, Any]:
        little = _LITTLE_64 if dtype is np.uint64 else np.dtype(dtype).newbyteorder("<")  # PCG64 asks for uint64
        return np.frombuffer(shake_256(self.key).digest(n_words * little.itemsize), little).astype(dtype, copy=False)

    def spawn(self, n_children: int) -> list[_Seeds]:
        first = self.children
        self.children += n_children
        return [_Seeds(b"%b/%d" % (self.key, first + i)) for i in range(n_children)]


ISpawnableSeedSequence.register(_Seeds)
