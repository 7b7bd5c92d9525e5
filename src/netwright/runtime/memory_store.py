"""`MemoryStore`: records that last as long as the process."""

from __future__ import annotations

from collections.abc import Iterator

from netwright.core.record import Record

__all__ = ["MemoryStore"]


class MemoryStore:
    """A list of records.

    Example:
        >>> from netwright import Arch
        >>> store = MemoryStore()
        >>> store.append(Record(0, Arch({"x": 1})))
        >>> [record.id for record in store]
        [0]
    """

    def __init__(self) -> None:
        self._records: list[Record] = []

    def append(self, record: Record) -> None:
        """Keep a record."""
        self._records.append(record)

    def __iter__(self) -> Iterator[Record]:
        return iter(tuple(self._records))

    def __len__(self) -> int:
        return len(self._records)
