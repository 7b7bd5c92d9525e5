"""`netwright.search(..., warm_start=…)`: an earlier search gives its records to a new one."""

from __future__ import annotations

import json
import pathlib

import pytest

from netwright import Space, integer
from netwright.automl import resume, search
from netwright.automl.warm_start import earlier_records
from netwright.core.errors import InvalidInput, RunError
from netwright.strategies import Random, WarmStarted

SPACE = Space({"x": integer(0, 99), "y": integer(0, 99)})
WIDER = Space({"x": integer(0, 150), "y": integer(0, 99), "z": integer(0, 9, default=0)})


def loss(arch):
    return abs(arch["x"] - 42) + abs(arch["y"] - 7) + arch.get("z", 0)


@pytest.fixture(scope="module")
def earlier(tmp_path_factory):
    """A search in a folder."""
    folder = tmp_path_factory.mktemp("runs") / "earlier"
    return search(SPACE, loss, method="random", budget="40 candidates", out=folder, seed=1)


def test_whatever_holds_records_will_do(earlier):
    records = list(earlier.history.records)
    given = [earlier, earlier.history, records, tuple(records), earlier.folder, str(earlier.folder)]
    runs = [search(SPACE, loss, budget="12 candidates", warm_start=one) for one in given]
    found = [list(run.history.records) for run in runs]
    assert all(one == found[0] for one in found)
    assert found[0][0].arch == earlier.best.arch
    assert found[0][0].parent < 0
    assert runs[0].best.record.loss <= earlier.best.record.loss
    assert found[0] != list(search(SPACE, loss, budget="12 candidates").history.records)
    assert "WarmStarted(" in runs[0].facts["method"]["text"]


def test_a_wider_space(earlier):
    result = search(WIDER, loss, method="local-search", budget="30 candidates", warm_start=earlier)
    first = result.history.records[0]
    assert dict(first.arch) == {**earlier.best.arch, "z": 0}
    assert result.best.record.loss < earlier.best.record.loss


def test_a_folder_goes_on_with_the_same_earlier_records_only(earlier, tmp_path):
    warm = {"method": "random", "out": tmp_path / "warm", "seed": 3}
    first = search(SPACE, loss, budget="10 candidates", warm_start=earlier.folder, **warm)
    header = json.loads((tmp_path / "warm" / "run.json").read_text())["warm_start"]
    assert header == {
        "given": str(earlier.folder.resolve()),
        "name": "40 earlier records",
        "digest": WarmStarted(Random(), earlier.history.records).digest,
    }
    more = search(SPACE, loss, budget="20 candidates", warm_start=earlier, **warm)
    whole = search(SPACE, loss, budget="20 candidates", method="random", warm_start=earlier, seed=3)
    assert list(more.history.records) == list(whole.history.records)
    assert list(more.history.records)[:10] == list(first.history.records)
    with pytest.raises(RunError, match="warm start: there it is 40 earlier records, here None"):
        search(SPACE, loss, budget="20 candidates", **warm)
    with pytest.raises(RunError, match="warm start: there it is 40 earlier records, here 39 earlier records"):
        search(SPACE, loss, budget="20 candidates", warm_start=earlier.history.records[:39], **warm)


def test_resume_finds_the_earlier_folder_again(earlier, tmp_path):
    search("mlp", "blobs", method="random", budget="1 candidate", out=tmp_path / "warm", warm_start=earlier.folder)
    assert len(resume(tmp_path / "warm", budget="2 candidates").history) == 2
    file = tmp_path / "warm" / "run.json"
    header = json.loads(file.read_text())
    file.write_text(json.dumps({**header, "warm_start": {**header["warm_start"], "given": None}}))  # from objects
    with pytest.raises(RunError, match="was started from Python objects, which a folder can't hold"):
        resume(tmp_path / "warm")


def test_bad_arguments(earlier, tmp_path):
    with pytest.raises(InvalidInput, match="`warm_start` must be the result of an earlier search, its history, its"):
        search(SPACE, loss, budget="3 candidates", warm_start=3)
    with pytest.raises(InvalidInput, match=r"`warm_start` must hold a record at least, but \(\) has none"):
        search(SPACE, loss, budget="3 candidates", warm_start=())
    with pytest.raises(RunError, match="there is no run in"):
        search(SPACE, loss, budget="3 candidates", warm_start=tmp_path / "nowhere")
    with pytest.raises(InvalidInput, match="a search can't begin with its own records, but `warm_start` and `out`"):
        search(SPACE, loss, budget="3 candidates", warm_start=str(earlier.folder), out=earlier.folder)
    assert not (tmp_path / "nowhere").exists()
    assert earlier_records(pathlib.Path(earlier.folder))[1] == str(earlier.folder.resolve())
