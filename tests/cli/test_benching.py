"""`netwright bench`, on a benchmark that these tests register, as another package would."""

from __future__ import annotations

import io
import itertools
import json
from pathlib import Path

import pytest
from rich.console import Console

from netwright import Space, integer
from netwright.benchmarks import Benchmark, Comparison, Lookup, Run, Table
from netwright.cli.comparison_view import ComparisonView
from netwright.core import Recipe, registry
from netwright.core.errors import DataError, InvalidInput


def table() -> Table:
    """100 arches."""
    arches = tuple(space().enumerate())
    values = [-float((a["x"] - 6) ** 2 + (a["y"] - 3) ** 2) for a in arches]
    return Table({1.0: {"score": values, "seconds": [60.0] * 100}}, arches=arches)


def space() -> Space:
    """Two numbers."""
    return Space({"x": integer(0, 9), "y": integer(0, 9)})


def toy_one() -> Benchmark:
    """A hundred arches on a grid."""
    return Benchmark("toy-one", space(), Lookup(table), "max:score", seconds_metric="seconds")


def toy_two() -> Benchmark:
    """The same once more."""
    return Benchmark("toy-two", space(), Lookup(table), "max:score", seconds_metric="seconds")


def toy_gone() -> Benchmark:
    """A table that nobody has."""
    raise DataError("the table 'gone.npz' is not here: put it there.")


def picky(space):
    """Fits nothing."""
    raise InvalidInput("`picky` needs every choice to be a colour.")


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """Our own among the registered ones, for a test's time."""
    list(registry.benchmarks), list(registry.methods)  # loaded
    for function in (toy_one, toy_two, toy_gone):
        monkeypatch.setitem(registry.benchmarks._found, function.__name__, function)
    monkeypatch.setitem(registry.methods._found, "picky", picky)


QUICK = ("--methods", "random,grid", "--seeds", "3", "--queries", "10")


def test_a_comparison_prints_tables_and_writes_its_files(netwright):
    done = netwright("bench", "toy-one", *QUICK)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "toy-one"
    assert lines[1].split()[:3] == ["method", "mean", "rank"]
    assert sorted(line.split()[0] for line in lines[2:4]) == ["grid", "random"]
    assert "random has the best mean rank of 2 methods over 3 seeds: score" in done.out
    folder = Path("runs/bench-toy-one")
    assert [line.strip() for line in lines[-2:]] == [str(folder / "comparison.json.gz"), str(folder / "report.html")]
    found = Comparison.load(folder / "comparison.json.gz")
    assert (found.methods, found.seeds, found.queries) == (("random", "grid"), (0, 1, 2), 10)
    assert "toy-one" in (folder / "report.html").read_text(encoding="utf-8")


def test_the_same_command_goes_on_where_it_ended(netwright):
    netwright("bench", "toy-one", *QUICK)
    journal = Path("runs/bench-toy-one/runs.jsonl")
    whole = journal.read_bytes()
    journal.write_bytes(b"".join(whole.splitlines(keepends=True)[:4]) + b'{"format":1,"net')  # as a kill leaves it
    done = netwright("bench", "toy-one", *QUICK)
    assert done.code == 0
    kept = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
    assert [(run["method"], run["seed"]) for run in kept] == [(m, s) for s in range(3) for m in ("random", "grid")]
    again = journal.read_bytes()
    netwright("bench", "toy-one", *QUICK)
    assert journal.read_bytes() == again, "nothing is done twice"


def test_several_benchmarks(netwright):
    done = netwright("bench", "toy-one", "toy-two", *QUICK, "--out", "here")
    assert done.code == 0
    assert "mean rank\nmethod" in done.out
    assert "over 2 benchmarks and 3 seeds" in done.out
    assert Path("here/report.html").exists()


def test_as_json(netwright):
    done = netwright("bench", "toy-one", *QUICK, "--workers", "4", "--start", "default", "--json")
    (line,) = done.out.splitlines()
    said = json.loads(line)
    assert (said["workers"], said["start"], said["queries"]) == (4, "default", 10)
    first, second = said["benchmarks"][0]["methods"]
    assert first["mean_rank"] <= second["mean_rank"]
    assert first["simulated_seconds"] == 180.0, "ten minutes of work for four workers"
    assert said["benchmarks"][0]["differences"][0]["better"] in ("random", "grid")
    assert set(said["ranks"]) == {"random", "grid"}
    assert all(Path(file).exists() for file in said["files"])


def test_a_method_that_refuses_is_told(netwright):
    done = netwright("bench", "toy-one", "--methods", "picky,random", "--seeds", "2", "--queries", "5")
    assert done.code == 0
    assert "picky was left out on toy-one: `picky` needs every choice to be a colour." in done.out
    alone = netwright("bench", "toy-one", "--methods", "picky", "--seeds", "2", "--queries", "5")
    assert alone.code == 1
    assert "No method could be used on this benchmark." in alone.out


def test_all_methods_are_all_that_are_registered(netwright):
    done = netwright("bench", "toy-one", "--methods", "all", "--seeds", "1", "--queries", "2", "--json")
    said = {row["method"] for row in json.loads(done.out)["benchmarks"][0]["methods"]}
    assert said == {name for name in registry.methods if not name.startswith("optuna")}


def test_alone_it_says_what_is_there_and_what_is_not(netwright):
    done = netwright("bench")
    assert done.code == 0
    there, _, missing = done.out.partition("not here:")
    assert "toy-one" in there
    assert "A hundred arches on a grid." in there
    assert "netwright bench NAME" in there
    assert "toy-gone" in missing
    assert "the table 'gone.npz' is not here: put it there." in missing
    listed = json.loads(netwright("bench", "--json").out)
    assert listed["toy-one"] == {"summary": "A hundred arches on a grid.", "missing": None}
    assert listed["toy-gone"]["missing"] == "the table 'gone.npz' is not here: put it there."


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("toy-on",), "unknown benchmark 'toy-on': did you mean 'toy_one'"),
        (("toy-gone",), "the table 'gone.npz' is not here: put it there."),
        (("proxies", "toy-one"), "`netwright bench proxies` is a comparison of its own: name no benchmark beside it."),
        (("toy-one", "--methods", "randm"), "unknown method 'randm': did you mean 'random'"),
        (("toy-one", "--methods", "a,b"), "these methods can't be compared: unknown method 'a':"),
        (("toy-one", "--seeds", "none"), "`--seeds` must be a whole number of at least 1, but got 'none'."),
        (("toy-one", "--queries", "0"), "`--queries` must be a whole number of at least 1, but got '0'."),
        (("toy-one", "--jobs", "-1"), "`--jobs` must be a whole number of at least 1, but got '-1'."),
        (("toy-one", "--workers", "0"), "`--workers` must be a whole number of at least 1, but got '0'."),
        (("toy-one", "--start", "best"), "`--start` must be random or default, but got 'best'."),
        (("toy-one", "--methods", ""), "say at least one method; there are: "),
        (("toy-one", "--vs", "ax"), "`vs` must be one of optuna, but got 'ax'."),
    ],
)
def test_what_is_wrong_is_one_line(refuses, arguments, said):
    assert refuses("bench", *arguments).startswith(said)
    assert not Path("runs").exists(), "nothing is left behind"


def test_the_help_names_the_comparison_of_proxies(netwright):
    assert "netwright bench proxies" in " ".join(netwright("bench", "--help").out.split())


def test_a_folder_that_is_not_ours(refuses, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "runs.jsonl").write_text("remember the milk\n", encoding="utf-8")
    said = refuses("bench", "toy-one", *QUICK, "--out", "notes")
    assert "is no run of a comparison" in said


def test_ctrl_c_keeps_what_is_done(netwright, monkeypatch):
    n_proposed = itertools.count(1)

    class Interrupted:
        def propose(self, space, history, rng):
            if next(n_proposed) > 25:
                raise KeyboardInterrupt
            return history.candidate(space.sample(rng))

    monkeypatch.setitem(registry.methods._found, "interrupted", lambda: Recipe(Interrupted()))
    done = netwright("bench", "toy-one", "--methods", "random,interrupted", "--seeds", "5", "--queries", "10")
    assert done.code == 130
    assert done.err == "stopped; what is done is kept in runs/bench-toy-one: the same command goes on.\n"
    assert len(Path("runs/bench-toy-one/runs.jsonl").read_text(encoding="utf-8").splitlines()) == 5
    n_proposed = itertools.count(26)
    done = netwright("bench", "toy-two", "--methods", "interrupted", "--seeds", "5", "--queries", "10")
    assert (done.code, done.err) == (130, "stopped; no run was done yet.\n")


def test_what_a_terminal_shows():
    now = [0.0]
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=100)

    def shown(view):
        with console.capture() as captured:
            console.print(view)
        return captured.get()

    view = ComparisonView(console, clock=lambda: now[0])
    assert "reading the tables" in shown(view)
    view(None, 10, 40)
    assert "10 of 40 runs (10 were there)" in shown(view)
    now[0] = 20.0
    view(Run("toy", "random", 3, 50, 1, at=(1,), values=(91.25,), n_queries=50), 20, 40)
    text = shown(view)
    assert "20 of 40 runs (10 were there), about 40.0s left" in text
    assert "toy  random  seed 3: 91.25 after 50 queries" in text
    view(Run("toy", "grid", 4, 50, 1, error="[bold]it broke"), 40, 40)
    text = shown(view)
    assert "left" not in text
    assert "toy  grid  seed 4: [bold]it broke" in text
