"""What an earlier search gives to a new one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from netwright.automl.result import Result
from netwright.core import History, Record
from netwright.core.errors import InvalidInput
from netwright.runtime import RunFolder

__all__ = ["earlier_records"]


def earlier_records(given: Any) -> tuple[tuple[Record, ...], str | None]:
    """The records of an earlier search, and the absolute path of its folder if that was given.

    Args:
        given: a result, a history, a run folder, or records; None: there is no earlier search.

    Example:
        >>> from netwright import Arch
        >>> earlier_records([Record(0, Arch({"x": 1}), losses=(0.5,))])[0][0].loss
        0.5

    Raises:
        InvalidInput: if it is none of these, or holds no record.
        RunError: if there is no run in the folder.
    """
    path: str | None = None
    if given is None:
        return (), None
    if isinstance(given, (str, os.PathLike)):
        path = str(Path(given).resolve())
        with RunFolder(path, read_only=True) as folder:
            records = tuple(folder.store)
    elif isinstance(given, Result):
        records = tuple(given.history.records)
    elif isinstance(given, History):
        records = tuple(given.records)
    elif isinstance(given, Sequence) and all(isinstance(record, Record) for record in given):
        records = tuple(given)
    else:
        raise InvalidInput(
            "`warm_start` must be the result of an earlier search, its history, its folder, or records, but got "
            f"{given!r}."
        )
    if not records:
        raise InvalidInput(f"`warm_start` must hold a record at least, but {given!r} has none: leave it out.")
    return records, path
