"""Tables as arrays, the evaluator that reads them, and where files are looked for."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

from netwright.benchmarks import Benchmark, Lookup, Table, data_file, data_folder
from netwright.core import Arch, Candidate, Context
from netwright.core.errors import DataError, EvaluationError, InvalidInput, NotFound
from netwright.evaluators import Tabular
from netwright.spaces import Space, choice
from netwright.testing import check_evaluator

SPACE = Space({"x": choice([0, 1, 2]), "y": choice(["a", "b"])})
ARCHES = tuple(SPACE.enumerate())
LOSSES = [0.6, 0.5, math.nan, 0.3, 0.2, 0.1]


def _table():
    return Table({1.0: {"loss": LOSSES, "cost": [1, 2, 3, 4, 5, 6]}, 0.25: {"loss": [1, 1, 1, 1, 1, 1]}}, arches=ARCHES)


def test_rows_and_columns():
    table = _table()
    assert (len(table), table.fidelities, table.arches) == (6, (0.25, 1.0), ARCHES)
    assert table.metrics(ARCHES[3]) == {"loss": 0.3, "cost": 4.0}
    assert table.metrics(ARCHES[3], 0.25) == {"loss": 1.0}
    assert table.values("cost").tolist() == [1, 2, 3, 4, 5, 6]
    assert table.row(ARCHES[5]) == 5
    assert table.row(Arch({"x": 9})) is None


def test_values_are_a_copy():
    table = _table()
    table.values("cost")[:] = 0
    assert table.metrics(ARCHES[0])["cost"] == 1


def test_arches_may_be_made_late():
    made = []

    def arches():
        made.append(1)
        return ARCHES

    table = Table({1.0: {"loss": LOSSES}}, arches=arches, row=ARCHES.index)
    assert table.metrics(ARCHES[1]) == {"loss": 0.5}
    assert not made
    assert table.arches == table.arches == ARCHES
    assert made == [1]


def test_what_a_table_does_not_have():
    table = _table()
    with pytest.raises(EvaluationError, match=r"the table of 6 arches doesn't have \{'x': 9\}"):
        table.metrics(Arch({"x": 9}))
    with pytest.raises(EvaluationError, match=r"the table has the fidelities 0.25, 1, but was asked for 0.5"):
        table.metrics(ARCHES[0], 0.5)
    with pytest.raises(NotFound, match="unknown metric 'los': did you mean 'loss'"):
        table.values("los")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({0.5: {"loss": LOSSES}}, r"must have fidelities in \(0, 1\], and 1 among them, but got \[0.5\]"),
        ({1.0: {"loss": LOSSES}, 2.0: {"loss": LOSSES}}, r"and 1 among them, but got \[1.0, 2.0\]"),
        ({1.0: {"loss": LOSSES[1:]}}, r"needs columns of one length, but got \[5, 6\]"),
        ({1.0: {}}, r"needs columns"),
    ],
)
def test_wrong_tables(columns, said):
    with pytest.raises(InvalidInput, match=said):
        Table(columns, arches=() if columns == {1.0: {}} else ARCHES)


def _loaded(word):
    assert word == "here"
    return _table()


def test_a_lookup_loads_once_and_travels_by_name():
    evaluator = Lookup(_loaded, ("here",))
    assert evaluator.table is evaluator.table
    again = pickle.loads(pickle.dumps(evaluator))
    assert again == evaluator
    assert hash(again) == hash(evaluator)
    assert again.table is evaluator.table
    assert len(pickle.dumps(evaluator)) < 500
    assert again(Candidate(0, ARCHES[3]), Context()) == {"loss": 0.3, "cost": 4.0}


def test_a_lookup_is_an_evaluator():
    whole = Table({1.0: {"loss": range(6)}}, arches=ARCHES)
    check_evaluator(Lookup(_whole), SPACE)
    assert Lookup.of(whole)(Candidate(0, ARCHES[2]), Context()) == {"loss": 2.0}


def _whole():
    return Table({1.0: {"loss": range(6)}}, arches=ARCHES)


def test_a_benchmark_knows_its_optimum():
    best = Benchmark("tiny", SPACE, Lookup(_loaded, ("here",)), objective="min:loss", fidelities=(0.25, 1.0))
    assert best.optimum() == 0.1
    assert Benchmark("tiny", SPACE, Lookup(_loaded, ("here",)), objective="max:loss").optimum() == 0.6
    assert best.arches() == ARCHES
    assert best.values("loss", 0.25).tolist() == [1] * 6


def test_a_benchmark_with_another_evaluator():
    known = {arch: {"loss": loss} for arch, loss in zip(ARCHES, LOSSES, strict=True) if loss > 0.1}
    benchmark = Benchmark("tiny", SPACE, Tabular(known), objective="min:loss")
    assert benchmark.optimum() == 0.2
    assert list(benchmark.arches()) == list(ARCHES)
    np.testing.assert_array_equal(benchmark.values("loss"), [0.6, 0.5, math.nan, 0.3, 0.2, math.nan])
    with pytest.raises(NotFound, match="unknown metric 'cost'"):
        benchmark.values("cost")


@pytest.mark.parametrize("fidelities", [(), (0.5,), (1.0, 0.5), (0.0, 1.0), (0.5, 0.5, 1.0), (0.5, 1.0, 2.0)])
def test_wrong_fidelities(fidelities):
    with pytest.raises(InvalidInput, match=r"must ascend within \(0, 1\] and end with 1, but got"):
        Benchmark("tiny", SPACE, Lookup(_whole), objective="min:loss", fidelities=fidelities)


def test_a_wrong_objective():
    with pytest.raises(InvalidInput, match="an objective must look like"):
        Benchmark("tiny", SPACE, Lookup(_whole), objective="least:loss")


def test_the_folder_of_data(tmp_path, monkeypatch):
    monkeypatch.setenv("NETWRIGHT_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    with pytest.raises(
        DataError, match=r"the table 'no\.npz' must be in .*, but is not: put it there, or set NETWRIGHT"
    ):
        data_file("no.npz")
    (tmp_path / "some.npz").touch()
    assert data_file("some.npz") == tmp_path / "some.npz"


def test_no_folder_of_data(tmp_path, monkeypatch):
    monkeypatch.setenv("NETWRIGHT_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"NETWRIGHT_DATA names '.*nowhere', which is none\. Set it to the folder"):
        data_folder()
    monkeypatch.delenv("NETWRIGHT_DATA")
    monkeypatch.setattr("netwright.benchmarks.tables._SHARED", tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"but the variable is not set\. Set it to the folder that holds them"):
        data_folder()
