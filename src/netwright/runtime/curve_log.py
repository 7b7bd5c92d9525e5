"""`CurveLog`: collects the learning curves of a search's records, for evaluations that want to see them."""

from __future__ import annotations

import numpy as np

from netwright.core.arch import Arch
from netwright.core.curves import Curves, Numbers
from netwright.core.record import Record

__all__ = ["CurveLog"]

_LEAST_ROOM = 16  # rows and epochs that are made room for at first


class CurveLog:
    """Collects the curves of records: the state of a `history.fold`.

    A candidate that went on from a lower fidelity of its arch has only the rest of its curve in its record; the
    beginning is taken from where it is. What can't be put together so is left out, as are failed candidates.

    Example:
        >>> log = CurveLog()
        >>> _ = log.add(Record(0, Arch({}), losses=(0.5,), curves={"val_loss": (0.9, 0.5)}))
        >>> _ = log.add(Record(1, Arch({"x": 1}), losses=(0.8,), status="partial", curves={"val_loss": (0.8,)}))
        >>> log.curves().of("val_loss").tolist(), log.curves().n_epochs.tolist()
        ([[0.9, 0.5], [0.8, nan]], [2, 1])
    """

    __slots__ = ("_n", "_n_epochs", "_rows", "_values")

    def __init__(self) -> None:
        self._n = 0
        self._values: dict[str, Numbers] = {}
        self._n_epochs = np.zeros(_LEAST_ROOM, np.intp)
        self._rows: dict[Arch, int] = {}  # the latest of each arch

    def add(self, record: Record) -> CurveLog:
        """Take in a record."""
        length = max(map(len, record.curves.values()), default=0)
        if not record.scored or not length:
            return self
        total = max(length, int(record.metrics.get("epochs", length)))
        before = self._rows.get(record.arch) if total > length else None
        if total > length and (before is None or self._n_epochs[before] < total - length):
            return self
        row, start = self._n, total - length
        self._make_room(row + 1, total, record)
        for name, values in self._values.items():
            if before is not None:
                values[row, :start] = values[before, :start]
            given = record.curves.get(name, ())
            values[row, start : start + len(given)] = given
        self._n_epochs[row] = total
        self._rows[record.arch] = row
        self._n += 1
        return self

    def _make_room(self, n_rows: int, n_epochs: int, record: Record) -> None:
        rows = len(self._n_epochs)
        if n_rows > rows:
            rows *= 2
            self._n_epochs = np.resize(self._n_epochs, rows)
        for name in dict.fromkeys((*self._values, *record.curves)):
            old = self._values.get(name)
            longest = max(_LEAST_ROOM, n_epochs, 0 if old is None else old.shape[1])
            if old is None or old.shape != (rows, longest):
                new = np.full((rows, longest), np.nan)
                if old is not None:
                    new[: len(old), : old.shape[1]] = old
                self._values[name] = new

    def curves(self) -> Curves:
        """What there is by now; it doesn't change when more comes in."""
        n, n_epochs = self._n, self._n_epochs[: self._n].copy()
        longest = int(n_epochs.max(initial=1))
        found = {name: values[:n, :longest].copy() for name, values in self._values.items()}
        return Curves(found, n_epochs)
