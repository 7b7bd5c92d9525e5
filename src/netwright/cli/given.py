"""What is typed, as what is meant: one error in our own words for each way to get it wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, cast

from netwright.core import registry
from netwright.core.errors import InvalidInput, NotFound, unknown

if TYPE_CHECKING:
    from netwright.tasks.kinds import Kind

__all__ = ["input_shape", "kind_of_task", "known_names", "whole_number"]


def whole_number(option: str, text: str, *, least: int) -> int:
    """A whole number of at least `least`.

    Example:
        >>> whole_number("--workers", "2", least=1)
        2

    Raises:
        InvalidInput: if it is none, or smaller.
    """
    digits = text.strip().replace("_", "")
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", digits) or int(digits) < least:
        raise InvalidInput(f"`{option}` must be a whole number of at least {least}, but got {text!r}.")
    return int(digits)


def kind_of_task(text: str | None) -> Kind | None:
    """One of the two kinds of task, or none.

    Raises:
        InvalidInput: if it is another word.
    """
    if text not in (None, "classification", "regression"):
        raise InvalidInput(f"`--kind` must be classification or regression, but got {text!r}.")
    return cast("Kind | None", text)


def input_shape(option: str, text: str) -> tuple[int, ...]:
    """The shape of one example.

    Example:
        >>> input_shape("--input-shape", "1,28,28"), input_shape("--input-shape", "3x32x32")
        ((1, 28, 28), (3, 32, 32))

    Raises:
        InvalidInput: if it doesn't look like that.
    """
    sizes = re.split(r"\s*[,x×]\s*", text.strip())
    if not all(re.fullmatch(r"[1-9][0-9]{0,8}", size) for size in sizes):
        raise InvalidInput(f"`{option}` must look like 1,28,28 (or 16 for a table), but got {text!r}.")
    return tuple(map(int, sizes))


def known_names(*, data: str | None = None, space: str | None = None, method: str | None = None) -> None:
    """Check names before anything heavy is imported; files are left to those who read them.

    Raises:
        NotFound: for an unknown one; the nearest and the available ones are listed.
        DataError: if there is no such file.
    """
    if data is not None and data not in registry.tasks and not Path(data).expanduser().exists():
        from netwright.tasks import load

        load(data)  # says what there is, or could be meant
    if space not in (None, "auto") and not re.search(r"\.py(:|$)", space) and space not in registry.spaces:
        raise NotFound(f"{unknown('space', space, [*registry.spaces, 'auto'])} Or say file.py:name for your own.")
    if method is not None:
        registry.methods[method]
