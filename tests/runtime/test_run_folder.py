"""The run folder: one writer at a time, files that are whole or not there, reading without touching."""

from __future__ import annotations

import subprocess
import sys

import pytest

from netwright.core import Arch, Record
from netwright.core.errors import RunError
from netwright.runtime import RunFolder


def test_what_is_in_it(tmp_path):
    with RunFolder(tmp_path / "runs" / "first") as run:
        assert run.header == {}
        run.write_header({"seed": 3, "space": {"name": "cnn"}})
        run.store.append(Record(0, Arch({"x": 1})))
        assert run.checkpoints.is_dir()
        assert run.write_text("note.txt", "ä数\n").read_text(encoding="utf-8") == "ä数\n"
    with RunFolder(tmp_path / "runs" / "first") as run:
        assert run.header == {"seed": 3, "space": {"name": "cnn"}}
        assert [record.id for record in run.store] == [0]
    names = {path.name for path in (tmp_path / "runs" / "first").iterdir()}
    assert names == {"run.json", "records.sqlite", "checkpoints", "lock", "note.txt"}


HOLDS = """
import sys
from netwright.runtime import RunFolder

run = RunFolder(sys.argv[1])
run.write_header({})
print("held", flush=True)
sys.stdin.read()
"""


def test_one_search_at_a_time(tmp_path):
    folder = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    for _ in range(2):
        with pytest.raises(RunError, match=r"another search is using the run in .*run: wait for it, or choose another"):
            RunFolder(folder)
    with RunFolder(folder, read_only=True) as run:  # looking is allowed
        assert run.header == {}
    process.kill()  # a lock ends with its process, however that ends
    process.communicate()
    with RunFolder(folder) as run:
        run.write_header({"seed": 1})


def test_one_search_at_a_time_in_one_process_too(tmp_path):
    with RunFolder(tmp_path / "run"), pytest.raises(RunError, match="another search is using the run"):
        RunFolder(tmp_path / "run")
    RunFolder(tmp_path / "run").close()


def test_reading_changes_nothing(tmp_path):
    with pytest.raises(RunError, match=r"there is no run in .*nowhere: its run\.json is missing"):
        RunFolder(tmp_path / "nowhere", read_only=True)
    assert not (tmp_path / "nowhere").exists()
    with RunFolder(tmp_path / "run") as run:
        run.write_header({"seed": 1})
    with RunFolder(tmp_path / "run", read_only=True) as run:
        assert run.header == {"seed": 1}
        assert not run.checkpoints.exists()
        with pytest.raises(RunError, match="opened for reading only"):
            run.write_header({})
        with pytest.raises(RunError, match="opened for reading only"):
            run.store.append(Record(0, Arch({})))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"run\.json is damaged \(.*\): restore it, or start a new run"),
        ("[1]", r"run\.json must hold a JSON object"),
    ],
)
def test_a_damaged_header(tmp_path, text, message):
    with RunFolder(tmp_path) as run:
        run.write_text("run.json", text)
        with pytest.raises(RunError, match=message):
            _ = run.header


def test_a_header_is_replaced_at_once_or_not_at_all(tmp_path):
    with RunFolder(tmp_path) as run:
        run.write_header({"seed": 1})
        (tmp_path / "run.json.partial").mkdir()  # stands in the way, as a full disk would
        with pytest.raises(RunError, match=r"run\.json can't be written: "):
            run.write_header({"seed": 2})
        assert run.header == {"seed": 1}
        with pytest.raises(TypeError):
            run.write_header({"seed": object()})
        assert run.header == {"seed": 1}


def test_places_that_cannot_be_a_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"the folder .*file can't be made: File exists"):
        RunFolder(tmp_path / "file")
    with pytest.raises(RunError, match=r"the folder .* can't be made: Not a directory"):
        RunFolder(tmp_path / "file" / "run")
    (tmp_path / "lock").mkdir()
    with pytest.raises(RunError, match=r"the folder .* can't be written to: Is a directory"):
        RunFolder(tmp_path)


def test_a_refused_store_lets_go_of_the_lock(tmp_path):
    (tmp_path / "records.sqlite").write_text("not a database" * 100)
    with pytest.raises(RunError, match="can't be used as a store of records"):
        RunFolder(tmp_path)
    (tmp_path / "records.sqlite").unlink()
    RunFolder(tmp_path).close()
