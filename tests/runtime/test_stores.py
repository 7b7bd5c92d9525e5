"""The SQLite store: safe to kill, exact, and clear about files that are not its own."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time

import pytest

from netwright.core import Arch, Record
from netwright.core.errors import RunError
from netwright.runtime import MemoryStore, SqliteStore


@pytest.fixture
def opened():
    """Opens stores, and closes them after the test."""
    stores = []

    def make(path, **options):
        stores.append(SqliteStore(path, **options))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def _record(number):
    return Record(number, Arch({"x": number}), metrics={"loss": 0.5}, losses=(0.5,))


APPENDS = """
import sys
from netwright.core import Arch, Record
from netwright.runtime import SqliteStore

store = SqliteStore(sys.argv[1])
start = len(store)
for number in range(start, start + 100_000):
    store.append(Record(number, Arch({"x": number, "text": "x" * (number % 5000)}), losses=(0.1 * number,)))
    print(number, flush=True)
"""


def test_a_kill_loses_nothing(tmp_path):
    """Whatever `append` returned from is there, whole, and the file goes on to be used."""
    path = tmp_path / "records.sqlite"
    rng = random.Random(0)
    for _ in range(4):
        process = subprocess.Popen([sys.executable, "-c", APPENDS, path], stdout=subprocess.PIPE, text=True)
        last = int(process.stdout.readline())
        time.sleep(rng.random() * 0.2)
        process.kill()
        rest = process.stdout.read().split("\n")  # the last line may be half there
        last = max([last, *map(int, rest[:-1])])
        process.stdout.close()
        process.wait()
        store = SqliteStore(path)
        ids = [record.id for record in store]
        assert ids == list(range(len(ids)))
        assert last + 1 <= len(ids) <= last + 2
        assert store._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        store.close()
    check = SqliteStore(path)
    for record in check:
        assert record == Record(
            record.id, Arch({"x": record.id, "text": "x" * (record.id % 5000)}), losses=(0.1 * record.id,)
        )
    check.close()


def test_an_id_is_recorded_once(tmp_path, opened):
    store = opened(tmp_path / "records.sqlite")
    store.append(_record(3))
    with pytest.raises(RunError, match=r"record 3 is in .*records\.sqlite already: a store only grows"):
        store.append(_record(3))
    store.append(_record(2))
    assert [record.id for record in store] == [3, 2]
    assert len(store) == 2


def test_it_is_read_while_it_is_written(tmp_path, opened):
    path = tmp_path / "records.sqlite"
    writer = opened(path)
    writer.append(_record(0))
    reader = opened(path, read_only=True)
    assert [record.id for record in reader] == [0]
    writer.append(_record(1))
    assert [record.id for record in reader] == [0, 1]
    with pytest.raises(RunError, match=r"the store .*records\.sqlite was opened for reading only"):
        reader.append(_record(2))
    writer.close()
    assert [record.id for record in reader] == [0, 1]
    assert [record.id for record in opened(path, read_only=True)] == [0, 1]


def test_any_sqlite_tool_can_read_it(tmp_path, opened):
    opened(tmp_path / "records.sqlite").append(_record(7))
    connection = sqlite3.connect(tmp_path / "records.sqlite")
    rows = connection.execute("SELECT id, status, json_extract(metrics, '$.loss'), arch FROM records").fetchall()
    assert rows == [(7, "ok", 0.5, '{"x":7}')]
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


@pytest.mark.parametrize("name", ["a b.sqlite", "50%41?mode=ro#.sqlite", "ä数.sqlite", "quote'\".sqlite"])
def test_any_name_of_a_file(tmp_path, opened, name):
    if os.name == "nt":  # pragma: no cover
        pytest.skip("Windows forbids most of these")
    opened(tmp_path / name).append(_record(0))
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(("-wal", "-shm"))] == [name]
    assert len(opened(tmp_path / name, read_only=True)) == 1


def test_files_of_others(tmp_path, opened):
    path = tmp_path / "other.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE records (id INTEGER)")
    connection.commit()
    connection.close()
    content = path.read_bytes()
    for options in ({}, {"read_only": True}):
        with pytest.raises(RunError, match=r"other\.sqlite is a database of another program: choose another folder"):
            opened(path, **options)
    assert path.read_bytes() == content
    text = tmp_path / "text.sqlite"
    text.write_text("this is not a database, whatever its name says" * 10)
    with pytest.raises(RunError, match=r"text\.sqlite can't be used as a store of records: file is not a database"):
        opened(text)
    with pytest.raises(RunError, match="can't be used as a store of records: unable to open database file"):
        opened(tmp_path)
    with pytest.raises(RunError, match="can't be used as a store of records: unable to open database file"):
        opened(tmp_path / "no" / "such" / "folder.sqlite")


def test_a_newer_version(tmp_path, opened):
    path = tmp_path / "records.sqlite"
    opened(path).append(_record(0))
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(
        RunError, match=r"records\.sqlite was written by a newer netwright \(format 99\): upgrade to read it"
    ):
        opened(path)


def test_reading_needs_a_store(tmp_path, opened):
    with pytest.raises(RunError, match=r"there is no store at .*records\.sqlite"):
        opened(tmp_path / "records.sqlite", read_only=True)
    assert not list(tmp_path.iterdir())
    (tmp_path / "empty.sqlite").touch()
    with pytest.raises(RunError, match=r"empty\.sqlite holds no records yet"):
        opened(tmp_path / "empty.sqlite", read_only=True)
    assert list(opened(tmp_path / "empty.sqlite")) == []


def test_a_damaged_file(tmp_path, opened):
    path = tmp_path / "records.sqlite"
    store = opened(path)
    for number in range(2000):
        store.append(_record(number))
    store.close()
    content = bytearray(path.read_bytes())
    content[4096:40960] = b"\xff" * (40960 - 4096)
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"records\.sqlite can't be (used as a store of records|read): "):
        list(opened(path))


def test_a_closed_store(tmp_path, opened):
    store = opened(tmp_path / "records.sqlite")
    store.close()
    store.close()
    with pytest.raises(RunError, match=r"can't be written to .*closed"):
        store.append(_record(0))
    with pytest.raises(RunError, match=r"can't be read: .*closed"):
        list(store)


def test_a_memory_store_is_a_list():
    store = MemoryStore()
    store.append(_record(0))
    reading = iter(store)
    store.append(_record(1))
    assert [record.id for record in reading] == [0]
    assert len(store) == 2
