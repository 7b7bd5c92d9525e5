"""`netwright search` and `netwright resume`: from data to files, and all that a user can get wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from netwright.core import registry
from netwright.runtime import RunFolder

QUICK = ("--space", "own.py:small", "--budget", "2 candidates", "--method", "random")
SPACES = """
from netwright import Space, choice, defer, n_outputs, nn
import torch

class Doubled(torch.nn.Module):
    def forward(self, x):
        return 2 * x

class Failing(torch.nn.Module):
    def forward(self, x):
        if x.requires_grad and torch.is_grad_enabled() and x.device.type != "meta":
            raise ArithmeticError("not today")
        return x

small = Space(nn.Sequential(nn.LazyLinear(choice([8, 12, 16])), nn.ReLU(), nn.LazyLinear(n_outputs)))
own_class = Space(nn.Sequential(defer(Doubled), nn.LazyLinear(choice([8, 12])), nn.ReLU(), nn.LazyLinear(n_outputs)))
failing = Space(nn.Sequential(nn.LazyLinear(choice([8, 12])), defer(Failing), nn.LazyLinear(n_outputs)))
broken = Space(nn.Sequential(nn.LazyLinear(choice([8, 12])), nn.Conv2d(3, 3, 3), nn.LazyLinear(n_outputs)))

def shaped(input_shape):
    return Space(nn.Sequential(nn.Linear(input_shape[0], choice([8, 16])), nn.ReLU(), nn.LazyLinear(n_outputs)))

def interrupted():
    raise KeyboardInterrupt

def wrong():
    return undefined
"""


@pytest.fixture(autouse=True)
def _spaces(tmp_path, monkeypatch):
    """A file with small spaces beside the data, imported anew by each test."""
    (tmp_path / "own.py").write_text(SPACES, encoding="utf-8")
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("own", None)


def records_of(folder: Path) -> list:
    with RunFolder(folder, read_only=True) as run:
        return list(run.store)


def test_a_search_ends_with_a_trained_network(netwright, tmp_path):
    done = netwright("search", "blobs", *QUICK)
    assert done.code == 0, done.err
    assert done.err == ""
    first = done.out.splitlines()[0]
    assert re.fullmatch(r"The best of 2 candidates \(#\d\) reaches accuracy .* on 60 examples .*\.", first)
    folder = tmp_path / "runs" / "blobs"
    for name in ("model.py", "model.pt", "report.html"):
        assert str(Path("runs") / "blobs" / name) in done.out
        assert (folder / name).exists()
    assert len(records_of(folder)) == 2


def test_quiet_when_nobody_watches(netwright):
    """Not on a terminal the result is all that is printed, so `--quiet` changes nothing but the folder's name."""
    loud, quiet = netwright("search", "blobs", *QUICK), netwright("search", "blobs", *QUICK, "--quiet")
    assert loud.out.startswith("The best of 2 candidates")
    assert quiet.out.splitlines()[0] == loud.out.splitlines()[0]


def test_json_is_one_object_and_nothing_else(shell, tmp_path):
    own = tmp_path / "own.py"
    own.write_text(SPACES + "\nprint('hello from the file')\n", encoding="utf-8")
    done = shell("search", "blobs", *QUICK, "--seed", "3", "--json")
    assert done.code == 0, done.err
    assert done.out.count("\n") == 1
    found = json.loads(done.out)
    assert 0.5 < found["test_metrics"]["accuracy"] <= 1
    assert found["metrics"]["params"] > 0
    assert set(found["arch"]) == {"0.out_features"}
    assert found["counts"] == {"ok": 2}
    assert found["stopped_by"] == "2 candidates evaluated"
    assert (found["data"], found["seed"], found["folder"]) == ("blobs", 3, str(Path("runs") / "blobs"))
    assert all((tmp_path / file).exists() for file in found["files"])
    assert len(found["files"]) == 3
    assert found["seconds"] > 0
    assert "hello from the file" in done.err


def test_each_search_gets_a_folder_of_its_own(netwright, tmp_path):
    for _ in range(3):
        assert netwright("search", "blobs", *QUICK).code == 0
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["blobs", "blobs-2", "blobs-3"]


def test_the_same_search_goes_on_and_another_is_refused(netwright, refuses, tmp_path):
    first = netwright("search", "blobs", *QUICK, "--out", "here")
    records = records_of(tmp_path / "here")
    again = netwright("search", "blobs", *QUICK, "--out", "here")
    assert again.code == 0
    assert again.out.splitlines()[0] == first.out.splitlines()[0]
    assert records_of(tmp_path / "here") == records
    said = refuses("search", "blobs", *QUICK, "--seed", "1", "--out", "here")
    assert re.search(r"here holds another search.*choose another folder.*seed", said)


def test_resume_takes_a_search_further(netwright, tmp_path, monkeypatch):
    netwright("search", "blobs", *QUICK, "--out", "here")
    before = records_of(tmp_path / "here")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")  # the run remembers where its space is
    done = netwright("resume", str(tmp_path / "here"), "--budget", "3 candidates", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["counts"] == {"ok": 3}
    after = records_of(tmp_path / "here")
    assert after[:2] == before
    assert len(after) == 3


def test_a_table_with_a_target(netwright, tmp_path):
    rows = [f"{i % 7},{'red' if i % 2 else 'blue'},{i % 3}" for i in range(90)]
    (tmp_path / "my table.csv").write_text("\n".join(["size,colour,kind", *rows]), encoding="utf-8")
    arguments = ("search", "my table.csv", "--target", "kind", "--space", "own.py:shaped", "--budget", "1 candidates")
    found = json.loads(netwright(*arguments, "--json").out)
    assert "accuracy" in found["test_metrics"]
    assert found["folder"] == str(Path("runs") / "my_table")
    found = json.loads(netwright(*arguments, "--kind", "regression", "--json").out)
    assert "r2" in found["test_metrics"]


def test_limits_that_nothing_keeps(netwright):
    done = netwright("search", "blobs", "--space", "own.py:small", "--method", "grid", "--constraint", "params<=1")
    assert done.code == 1
    assert "No candidate" in done.out
    assert "params<=1" in done.out


def test_a_space_of_which_nothing_can_be_built(refuses, tmp_path):
    said = refuses("search", "blobs", "--space", "own.py:broken", "--method", "grid", "--budget", "5 candidates")
    assert re.search(r"no arch of the space .* can be built for 'blobs'.*Conv2d", said)
    assert not list(tmp_path.glob("runs/*"))


def test_candidates_that_all_fail(netwright):
    done = netwright(
        "search", "blobs", "--space", "own.py:failing", "--method", "grid", "--budget", "5 candidates", "--json"
    )
    assert done.code == 1, done.err
    found = json.loads(done.out)
    assert found["arch"] is None
    assert found["counts"] == {"failed": 2}
    assert found["warnings"]


def test_several_objectives(netwright):
    wishes = ("--objective", "accuracy", "--objective", "min:params", "--constraint", "params<=100k")
    done = netwright("search", "blobs", *QUICK, *wishes)
    assert done.code == 0, done.err
    assert re.search(r"in the search +accuracy .*, params \d+", done.out)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["digts"], r"unknown data set, file or folder 'digts': did you mean 'digits'"),
        (["flowers.csv"], r"no file or folder 'flowers.csv'"),
        (["own.py"], r"a data file must be one of .npz, .csv, .parquet, but got 'own.py'"),
        (["table.csv"], r"table.csv has the columns a, b: say which is the target \(.*`--target`\)"),
        (["table.csv", "--target", "c"], r"unknown target column 'c'.*Available: a, b"),
        (["blobs", "--target", "x"], r"`target` is for tables"),
        (["blobs", "--kind", "clustering"], r"`--kind` must be classification or regression, but got 'clustering'"),
        (["blobs", "--kind", "regression"], r"'blobs' is a classification task, but got kind='regression'"),
        (["blobs", "--space", "cn"], r"unknown space 'cn': did you mean 'cnn'\?.*auto.*file.py:name"),
        (["blobs", "--space", "own.py:smal"], r"own.py has no 'smal': did you mean 'small'\?"),
        (["blobs", "--space", "owl.py:small"], r"no file 'owl.py': did you mean 'own.py'\?"),
        (["blobs", "--space", "own.py:wrong"], r"own.py, line \d+: NameError: name 'undefined' is not defined \(in"),
        (["blobs", "--space", "cnn"], r"`cnn` needs images"),
        (["blobs", "--method", "randm"], r"unknown method 'randm': did you mean 'random'"),
        (["blobs", "--stop", "medien"], r"unknown stopping rule 'medien': did you mean 'median'"),
        (
            ["blobs", "--stop", "median", "--objective", "accuracy", "--objective", "params"],
            r"MedianRule compares candidates by one metric, but there are 2 objectives",
        ),
        (["blobs", "--budget", "10"], r"a budget must look like '90s'.*but got '10'"),
        (["blobs", "--budget", "soon"], r"a budget must look like '90s'.*but got 'soon'"),
        (["blobs", "--budget", "0s"], r"must be positive, but got 0"),
        (["blobs", "--budget", "0 candidates"], r"must be a whole number of at least 1, but got 0"),
        (
            ["blobs", "--objective", "acuracy"],
            r"unknown metric of a classification task 'acuracy': did you mean 'accuracy'",
        ),
        (["blobs", "--objective", "up:accuracy"], r"an objective must look like accuracy.*but got 'up:accuracy'"),
        (["blobs", "--constraint", "params<100k"], r"a constraint must look like params<=100k.*but got 'params<100k'"),
        (["blobs", "--constraint", "params<=many"], r"a number must look like.*but got 'many'"),
        (
            ["blobs", "--constraint", "parms<=1k"],
            r"unknown metric of a classification task 'parms': did you mean 'params'",
        ),
        (["blobs", "--workers", "0"], r"`--workers` must be a whole number of at least 1, but got '0'"),
        (["blobs", "--workers", "two"], r"`--workers` must be a whole number of at least 1, but got 'two'"),
        (["blobs", "--seed", "-1"], r"`--seed` must be a whole number of at least 0, but got '-1'"),
        (["blobs", "--device", "quantum"], r"the device 'quantum' can't be used here"),
        (["blobs", "--out", "own.py"], r"the folder own.py can't be made"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(refuses, tmp_path, arguments, said):
    (tmp_path / "table.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert re.search(said, refuses("search", *arguments))
    left = {path.name for path in tmp_path.iterdir()} - {"__pycache__"}
    assert left <= {"own.py", "table.csv", "runs"}
    assert not list(tmp_path.glob("runs/*")), "no folder is left by a search that never began"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], r"there is no run in nowhere: its run.json is missing"),
        (["nowhere", "--budget", "10"], r"a budget must look like '90s'"),
    ],
)
def test_what_is_wrong_with_a_resumption(refuses, arguments, said):
    assert re.search(said, refuses("resume", *arguments))


def test_a_folder_that_is_no_place_for_runs(refuses, tmp_path):
    (tmp_path / "runs").write_text("a file", encoding="utf-8")
    assert re.search(r"the folder .*blobs can't be made: .*Choose one with --out", refuses("search", "blobs", *QUICK))


def test_stopped_before_anything_began(netwright, tmp_path):
    done = netwright("search", "blobs", "--space", "own.py:interrupted")
    assert (done.code, done.out, done.err) == (130, "", "stopped; nothing was evaluated yet.\n")
    assert not list(tmp_path.glob("runs/*"))


def test_a_bug_shows_its_traceback(netwright, monkeypatch):
    """A method of somebody's package that breaks: neither hidden nor taken for a user's mistake."""
    monkeypatch.setitem(registry.methods._found, "broken", lambda _: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        netwright("search", "blobs", "--method", "broken")


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT for one process there")
def test_ctrl_c_keeps_the_run(netwright, tmp_path):
    folder = tmp_path / "runs" / "blobs"
    command = subprocess.Popen(
        [sys.executable, "-m", "netwright", "search", "blobs", "--budget", "500 candidates"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        deadline = time.time() + 120
        while not ((folder / "run.json").exists() and len(records_of(folder)) >= 2):
            assert command.poll() is None, command.communicate()
            assert time.time() < deadline, "no candidate in two minutes"
            time.sleep(0.1)
        command.send_signal(signal.SIGINT)
        out, err = command.communicate(timeout=60)
    finally:
        command.kill()
    assert command.returncode == 130
    assert out == ""
    assert err == f"stopped; the run is kept: `netwright resume {Path('runs') / 'blobs'}` goes on.\n"
    before = records_of(folder)
    done = netwright("resume", str(folder), "--budget", f"{len(before)} candidates")
    assert done.code == 0, done.err
    assert records_of(folder) == before
    assert (folder / "model.py").exists()


@pytest.mark.slow
def test_workers_import_the_users_file(shell, tmp_path):
    done = shell(
        "search", "blobs", "--space", "own.py:own_class", "--workers", "2", "--budget", "2 candidates", "--json"
    )
    assert done.code == 0, done.err
    assert json.loads(done.out)["counts"] == {"ok": 2}
