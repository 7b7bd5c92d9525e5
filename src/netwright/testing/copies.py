"""A copy of a plug-in as another process would have it."""

from __future__ import annotations

import pickle
from typing import TypeVar

__all__ = ["pickled_copy"]

T = TypeVar("T")


def pickled_copy(plug_in: T) -> T:
    """An equal plug-in without anything that this one may have hidden: what a new process would have.

    Example:
        >>> pickled_copy(("a", 1))
        ('a', 1)

    Raises:
        AssertionError: if it can't be pickled.
    """
    try:
        copied: T = pickle.loads(pickle.dumps(plug_in))  # noqa: S301  # our own
    except Exception as error:
        raise AssertionError(f"{plug_in!r} must be picklable: {type(error).__name__}: {error}.") from error
    return copied
