"""`SqliteStore`: records in one file that any SQLite tool can read, safe to kill at any moment."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from netwright.core.arch import Arch
from netwright.core.errors import RunError
from netwright.core.record import Record

__all__ = ["SqliteStore"]

_APPLICATION = 0x6E776E73  # "nwns", marks the file as one of ours
_VERSION = 1
_TABLE = """
CREATE TABLE records (
    id INTEGER PRIMARY KEY, position INTEGER UNIQUE NOT NULL, status TEXT NOT NULL, fidelity REAL NOT NULL,
    parent INTEGER, losses TEXT NOT NULL, violation TEXT NOT NULL, metrics TEXT NOT NULL, arch TEXT NOT NULL,
    error TEXT, wall_seconds REAL NOT NULL, elapsed_seconds REAL NOT NULL, curves TEXT NOT NULL
)
"""
_INSERT = "INSERT INTO records VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"


class SqliteStore:
    """An append-only journal in an SQLite file (write-ahead log; one transaction for each record).

    A record that `append` has returned from survives a kill of the process; after a power cut the last ones may be
    missing, but never half there. Reals are kept exactly; infinities and NaN are kept as texts.

    Args:
        path: the file; made if it isn't there.
        read_only: for looking at a search that another process runs.

    Example:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "records.sqlite"
        >>> SqliteStore(path).append(Record(0, Arch({"x": 0.1}), losses=(0.5,)))
        >>> [record.arch["x"] for record in SqliteStore(path)]
        [0.1]

    Raises:
        RunError: if the file isn't a store, or is one of a newer version.
    """

    def __init__(self, path: str | Path, *, read_only: bool = False) -> None:
        self.path = Path(path)
        self.read_only = read_only
        if read_only and not self.path.exists():
            raise RunError(f"there is no store at {self.path}.")
        where = f"{self.path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
        connection = None
        try:
            connection = sqlite3.connect(where, uri=True, isolation_level=None, timeout=30)
            self._prepare(connection)
            row = connection.execute("SELECT COALESCE(MAX(position), -1) FROM records").fetchone()
        except (sqlite3.DatabaseError, RunError) as error:
            if connection is not None:
                connection.close()
            if isinstance(error, RunError):
                raise
            raise RunError(f"{self.path} can't be used as a store of records: {error}.") from error
        self._connection = connection
        self._next: int = row[0] + 1

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Check that the file is ours, or make it so."""
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
        if tables and application != _APPLICATION:
            raise RunError(f"{self.path} is a database of another program: choose another folder.")
        if version > _VERSION:
            raise RunError(f"{self.path} was written by a newer netwright (format {version}): upgrade to read it.")
        if self.read_only:
            if not tables:
                raise RunError(f"{self.path} holds no records yet.")
            return
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        if not tables:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(_TABLE)
            connection.execute(f"PRAGMA application_id={_APPLICATION}")
            connection.execute(f"PRAGMA user_version={_VERSION}")
            connection.execute("COMMIT")

    def append(self, record: Record) -> None:
        """Write a record.

        Raises:
            RunError: if its id is there already, or the store is read-only.
        """
        if self.read_only:
            raise RunError(f"the store {self.path} was opened for reading only.")
        row = (
            record.id,
            self._next,
            record.status,
            record.fidelity,
            record.parent,
            json.dumps([_out(loss) for loss in record.losses]),
            json.dumps(_out(record.violation)),
            json.dumps({name: _out(value) for name, value in record.metrics.items()}),
            record.arch.to_json(),
            record.error,
            record.wall_seconds,
            record.elapsed_seconds,
            json.dumps({name: [_out(v) for v in values] for name, values in record.curves.items()}),
        )
        try:
            self._connection.execute(_INSERT, row)
        except sqlite3.IntegrityError as error:
            raise RunError(f"record {record.id} is in {self.path} already: a store only grows.") from error
        except sqlite3.Error as error:
            raise RunError(f"record {record.id} can't be written to {self.path}: {error}.") from error
        self._next += 1

    def __iter__(self) -> Iterator[Record]:
        try:
            rows = self._connection.execute("SELECT * FROM records ORDER BY position").fetchall()
        except sqlite3.Error as error:
            raise RunError(f"{self.path} can't be read: {error}.") from error
        return (_record(row) for row in rows)

    def __len__(self) -> int:
        return int(self._connection.execute("SELECT COUNT(*) FROM records").fetchone()[0])

    def close(self) -> None:
        """Close the file; the store can't be used any more."""
        self._connection.close()


def _out(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _in(value: float | str) -> float:
    return float(value)


def _record(row: tuple[Any, ...]) -> Record:
    metrics: Mapping[str, Any] = json.loads(row[7])
    curves: Mapping[str, Any] = json.loads(row[12])
    return Record(
        id=row[0],
        arch=Arch.from_json(row[8]),
        fidelity=row[3],
        parent=row[4],
        metrics={name: _in(value) for name, value in metrics.items()},
        losses=tuple(_in(value) for value in json.loads(row[5])),
        violation=_in(json.loads(row[6])),
        status=row[2],
        error=row[9],
        wall_seconds=row[10],
        elapsed_seconds=row[11],
        curves={name: tuple(_in(v) for v in values) for name, values in curves.items()},
    )
