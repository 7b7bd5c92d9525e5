"""Devices: whether one can be computed on here."""

from __future__ import annotations

from typing import Any

import torch

from netwright.core.errors import InvalidInput

__all__ = ["checked_device"]


def checked_device(given: Any) -> str:
    """The name of a device that can be computed on; `auto` is a GPU if there is one.

    Example:
        >>> checked_device("cpu")
        'cpu'

    Raises:
        InvalidInput: if it can't.
    """
    if given == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    name = str(given)  # also of a torch.device
    try:
        if float(torch.ones(1, device=name)) != 1.0:
            raise RuntimeError("it computes nothing.")
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # the last one: meta
        first = str(error).strip().partition("\n")[0].rstrip(".")
        raise InvalidInput(f"the device {name!r} can't be used here: {first}. Use device='auto' or 'cpu'.") from error
    return name
