"""The table that comes with the package."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest

from netwright.benchmarks.zoo import digits as zoo
from netwright.core import Candidate, Context
from netwright.core.errors import DataError, EvaluationError
from netwright.core.registry import benchmarks
from netwright.loop import Search
from netwright.models import cost
from netwright.strategies import Random, RegularizedEvolution
from netwright.testing import check_evaluator, check_space


@pytest.fixture(scope="module")
def table():
    return benchmarks["digits-cnn"]()


def test_the_table(table):
    assert len(table.arches()) == table.space.size() == 1_080
    assert table.arches() == tuple(table.space.enumerate())
    accuracy = table.values("val_accuracy")
    assert table.optimum() == accuracy.max() > 96
    assert accuracy.min() < 30
    assert table.values("test_accuracy").max() > 94
    assert np.corrcoef(accuracy, table.values("test_accuracy"))[0, 1] > 0.95


def test_fidelities(table):
    assert table.fidelities == tuple(table.evaluator.table.fidelities)
    assert len(table.fidelities) == 9
    assert {1 / 9, 1 / 3, 1.0} <= set(table.fidelities)  # rungs of three
    full = table.values("val_accuracy")
    likeness = [np.corrcoef(table.values("val_accuracy", f), full)[0, 1] for f in table.fidelities]
    assert likeness == sorted(likeness)
    assert likeness[0] < 0.8
    found = table.evaluator(Candidate(0, table.space.default(), 1 / 3), Context())
    assert set(found) == {"val_accuracy", "val_loss", "train_seconds", "params", "flops"}
    whole = table.evaluator(Candidate(0, table.space.default()), Context())
    assert found["train_seconds"] == pytest.approx(whole["train_seconds"] / 3)
    with pytest.raises(EvaluationError, match=r"but was asked for 0\.5"):
        table.evaluator(Candidate(0, table.space.default(), 0.5), Context())


def test_costs_are_those_of_the_networks(table):
    for row in range(0, 1_080, 97):
        arch = table.arches()[row]
        found = cost(table.space, arch, input_shape=(1, 8, 8), n_outputs=10)
        told = table.evaluator(Candidate(0, arch), Context())
        assert (told["params"], told["flops"]) == (found["params"], found["flops"])


def test_it_keeps_the_contracts(table):
    check_evaluator(table.evaluator, table.space)
    check_space(table.space, input_shape=(1, 8, 8), n_outputs=10, n_networks=2)


def test_evolution_beats_random_search(table):
    best = {}
    for strategy in (Random(), RegularizedEvolution(20, 7)):
        found = [
            Search(
                table.space, strategy, table.evaluator, objectives=table.objective, budget="100 candidates", seed=seed
            )
            .run()
            .best.metrics["val_accuracy"]
            for seed in range(10)
        ]
        best[type(strategy)] = np.mean(found)
    assert best[RegularizedEvolution] > best[Random]


def test_a_table_of_another_space(monkeypatch):
    monkeypatch.setattr(zoo, "arches_digest", lambda: "another")
    with pytest.raises(DataError, match=r"digits_cnn\.npz is of another space: make it again"):
        zoo._table()


def _tool(root):
    """The script that made the table."""
    spec = importlib.util.spec_from_file_location("make_digits_table", root / "tools" / "make_digits_table.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[spec.name]
    return module


def test_the_package_s_own_training_gives_these_numbers(root, table):
    """Two arches again, and as the evaluator `Training` has it. Other machines round differently: not to the digit."""
    tool = _tool(root)
    maker = tool.Table(tool.the_task())
    rows = np.argsort(table.values("val_accuracy"))[[500, -1]].tolist()
    for row in rows:
        arch = table.arches()[row]
        found = maker.run(arch, row)  # the seed of its first training
        maker.check(arch, row, found)
        with np.load(root / "src" / "netwright" / "benchmarks" / "data" / "digits_cnn.npz") as file:
            first = file["right"][row, 0]
        assert len(found["right"]) == 9
        assert abs(found["right"][-1] - int(first[-1])) < 30  # of 650
