"""`netwright show`, `report` and `export`: what can be made of a run folder."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from netwright import Arch, Record
from netwright.cli import main
from netwright.runtime import RunFolder

SPACE = """
from netwright import Space, choice, n_outputs, nn

width = choice([8, 12, 16], label="width")
space = Space(
    nn.Sequential(nn.LazyLinear(width), nn.ReLU(), nn.LazyLinear(n_outputs)),
    training={"weight_decay": choice([0.0, 0.01])},
    name="small",
)
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A run folder with three candidates and a trained network. Not to be changed."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "own.py").write_text(SPACE, encoding="utf-8")
    before = list(sys.path)
    options = ["--space", f"{folder / 'own.py'}:space", "--budget", "3 candidates", "--method", "random"]
    assert main(["search", "blobs", *options, "--out", str(folder / "run"), "--json"]) == 0
    sys.path[:] = before
    sys.modules.pop("own", None)
    return folder / "run"


@pytest.fixture
def running(finished, tmp_path) -> Path:
    """A run that goes on: a header, and the records that came in so far."""
    folder = tmp_path / "running"
    with RunFolder(finished, read_only=True) as known, RunFolder(folder) as run:
        run.write_header(known.header)
    return folder


def test_the_table(netwright, finished):
    done = netwright("show", str(finished))
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == "blobs, space small (6 arches), method random, budget 3 candidates, seed 0"
    assert lines[2].split()[:3] == ["#", "accuracy", "params"]
    assert {line.split()[0] for line in lines[3:6]} == {"0", "1", "2"}
    assert "best arch (#" in done.out
    assert "weight_decay" in done.out
    assert all(line == line.rstrip() for line in lines)


def test_the_best_few(netwright, finished):
    done = netwright("show", str(finished), "--top", "1")
    assert "the best 1 of 3 candidates" in done.out
    best = json.loads(netwright("show", str(finished), "--json").out)["best"]
    assert [
        row["id"] for row in json.loads(netwright("show", str(finished), "--top", "1", "--json").out)["records"]
    ] == [best["id"]]


def test_as_json(netwright, finished):
    shown = json.loads(netwright("show", str(finished), "--json").out)
    assert [record["id"] for record in shown["records"]] == [0, 1, 2]
    assert shown["best"] in shown["records"]
    assert (shown["data"], shown["method"], shown["seed"]) == ("blobs", "random", 0)
    assert shown["objectives"] == ["max:accuracy"]


def test_as_csv(netwright, finished):
    rows = list(csv.DictReader(io.StringIO(netwright("show", str(finished), "--csv").out)))
    assert [row["id"] for row in rows] == ["0", "1", "2"]
    assert 0 < float(rows[0]["accuracy"]) <= 1
    assert rows[0]["arch.width"] in ("8", "12", "16")
    pandas = pytest.importorskip("pandas")
    from netwright.automl import load_result

    assert list(rows[0]) == list(load_result(finished).history.to_frame().columns)
    assert len(pandas.DataFrame(rows)) == 3


def test_a_search_that_has_only_begun(netwright, running):
    done = netwright("show", str(running))
    assert done.code == 0
    assert done.out.endswith("no candidate has been evaluated yet.\n")
    assert json.loads(netwright("show", str(running), "--json").out)["records"] == []
    header = netwright("show", str(running), "--csv").out
    assert header == "id,parent,status,fidelity,violation,wall_seconds,elapsed_seconds,error\n"


def test_odd_records(netwright, running):
    """A failed one, subsets of options, numbers that JSON doesn't know, a metric named like a column."""
    with RunFolder(running) as run:
        run.store.append(
            Record(0, Arch({"parts": ("a", "b")}), metrics={"error": 1.0}, status="failed", error="x\ny, z")
        )
        run.store.append(Record(1, Arch({"parts": ()}), metrics={"accuracy": float("inf")}, status="failed", error="e"))
    assert "failed" in netwright("show", str(running)).out
    records = json.loads(netwright("show", str(running), "--json").out)["records"]
    assert records[0]["arch"] == {"parts": ["a", "b"]}
    assert records[1]["metrics"] == {"accuracy": None}
    rows = list(csv.DictReader(io.StringIO(netwright("show", str(running), "--csv").out)))
    assert (rows[0]["arch.parts"], rows[0]["error"], rows[0]["metric.error"]) == ("a b", "x\ny, z", "1.0")


def test_show_needs_no_torch(finished):
    code = "import sys; from netwright.cli import main; main(['show', sys.argv[1]]); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code, str(finished)], check=True, capture_output=True)


def test_a_report(netwright, finished, tmp_path):
    done = netwright("report", str(finished), "--out", "mine.html")
    assert (done.code, done.out) == (0, "mine.html\n"), done.err
    assert "<html" in (tmp_path / "mine.html").read_text(encoding="utf-8")


def test_a_report_of_a_search_that_runs_lies_in_its_folder(netwright, running):
    with RunFolder(running) as run:
        run.store.append(Record(0, Arch({"width": 8}), metrics={"accuracy": 0.5}, losses=(-0.5,)))
    done = netwright("report", str(running))
    assert done.out == f"{running / 'report.html'}\n", done.err
    assert (running / "report.html").exists()


def test_a_network_on_its_own(netwright, finished, tmp_path):
    done = netwright("export", str(finished), "net.py")
    assert (done.code, done.out) == (0, "net.py\nnet.pt\n"), done.err
    use = (
        "import sys, torch, net; print(tuple(net.load('net.pt')(torch.zeros(2, 4)).shape), 'netwright' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", use], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert shown == "(2, 3) False\n"


def test_onnx(netwright, finished, tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    done = netwright("export", str(finished), "net.onnx")
    assert done.code == 0, done.err
    assert "net.onnx\n" in done.out
    assert (tmp_path / "net.onnx").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "nowhere"], "there is no run in nowhere: its run.json is missing."),
        (["report", "nowhere"], "there is no run in nowhere: its run.json is missing."),
        (["export", "nowhere", "net.py"], "there is no run in nowhere: its run.json is missing."),
        (["show", "nowhere", "--top", "0"], "`--top` must be a whole number of at least 1, but got '0'."),
        (["show", "nowhere", "--json", "--csv"], "choose one of --json and --csv."),
        (["export", "nowhere", "net.pth"], "a network is exported to NAME.py or NAME.onnx, but got 'net.pth'."),
    ],
)
def test_what_is_wrong(refuses, arguments, said):
    assert refuses(*arguments) == said


def test_nothing_to_export_yet(refuses, running):
    assert "there is no model" in refuses("export", str(running), "net.py")


def test_where_nothing_can_be_written(refuses, finished, tmp_path):
    (tmp_path / "taken").mkdir()
    assert "'taken' is a folder." in refuses("report", str(finished), "--out", "taken")
    (tmp_path / "file").touch()
    assert re.search(r"(Not a directory|File exists): .*file", refuses("export", str(finished), "file/net.py"))


def test_a_damaged_header(refuses, running):
    (running / "run.json").write_text("{", encoding="utf-8")
    assert "run.json is damaged" in refuses("show", str(running))
