"""`search` takes data, spaces and evaluations in any form; what can't be is refused before anything is trained."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import torch

from netwright import Space, choice, integer, n_outputs, nn
from netwright.automl import search
from netwright.core import Budget, Objective
from netwright.core.errors import InvalidInput, InvalidSpace, NetwrightError, NotFound, RunError
from netwright.evaluators import Function, Tabular, TrainingPlan
from netwright.strategies import Grid, Random

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
SHORT = TrainingPlan(epochs=1, batch_size=32, optimizer="adamw", lr=0.02)
NUMBERS = Space({"x": integer(0, 9)})


def squared(arch):
    return (arch["x"] - 3) ** 2


# What can be ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "options"),
    [
        ((X, Y), {}),
        ((torch.from_numpy(X), torch.from_numpy(Y)), {}),
        ((X.tolist(), Y.tolist()), {}),
        (torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)), {}),
        (pd.DataFrame(X).assign(kind=np.array(["a", "b", "c"])[Y]), {"target": "kind"}),
        ("blobs", {}),
        ((X, X[:, 0]), {}),
        ((X, X[:, :2]), {}),
        ((RNG.normal(size=(60, 6, 6)).astype(np.float32), np.arange(60) % 2), {}),
        ((RNG.integers(0, 255, size=(60, 6, 6, 3), dtype=np.uint8), np.arange(60) % 2), {}),
    ],
    ids=["arrays", "tensors", "lists", "dataset", "frame", "name", "number", "numbers", "grey", "coloured"],
)
def test_data_in_any_form(task, options):
    space = Space(nn.Sequential(nn.Flatten(), nn.LazyLinear(choice([2, 4, 8])), nn.LazyLinear(n_outputs)))
    result = search(space, task, budget="2 candidates", plan=SHORT, **options)
    assert [record.status for record in result.history.records] == ["ok", "ok"]
    assert result.best.metrics.keys() == (
        {"accuracy", "loss"} if result.task.kind == "classification" else {"r2", "rmse", "mae"}
    )
    assert result.best.model(torch.from_numpy(result.task.test.inputs[:2]).float()).shape == (2, result.task.n_outputs)


UNUSUAL = {
    "twelve examples": (RNG.normal(size=(12, 2)), np.arange(12) % 2),
    "one value": (np.ones((60, 2)), np.arange(60) % 2),
    "one target": (RNG.normal(size=(60, 2)), np.full(60, 3.5)),
    "huge numbers": (1e30 * RNG.normal(size=(60, 2)), 1e30 * RNG.normal(size=60)),
    "missing values": (np.where(RNG.random((60, 3)) < 0.2, np.nan, RNG.normal(size=(60, 3))), np.arange(60) % 2),
    "images of 2x2": (RNG.normal(size=(60, 1, 2, 2)).astype(np.float32), np.arange(60) % 2),
    "images of 5x30": (RNG.normal(size=(60, 1, 5, 30)).astype(np.float32), np.arange(60) % 2),
    "sequences": (RNG.normal(size=(60, 7, 5)).astype(np.float32), np.array([False, True])[np.arange(60) % 2]),
    "volumes": (RNG.normal(size=(30, 2, 3, 4, 5)).astype(np.float32), np.arange(30) % 2),
}


@pytest.mark.parametrize("data", UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_data_are_learned_without_ado(data):
    result = search("auto", data, budget="1 candidates", plan=TrainingPlan(epochs=1, batch_size=16))
    assert result.history.records[0].status == "ok"
    assert result.final["warnings"] == []
    assert len(result.predict(data[0])) == len(data[0])


@pytest.mark.parametrize("space", ["mlp", "auto", lambda: Space(nn.Sequential(nn.LazyLinear(n_outputs)))])
def test_spaces_in_any_form(space):
    result = search(space, "blobs", budget="1 candidates", plan=SHORT)
    assert result.best.model is not None


def test_one_space_of_one_arch_is_trained_too():
    result = search(Space(nn.Sequential(nn.LazyLinear(n_outputs))), (X, Y), budget="10 candidates", plan=SHORT)
    assert len(result.history) == 1
    assert "nothing new to propose" in result.stopped_by
    assert result.best.model is not None


@pytest.mark.parametrize("method", ["random", "auto", "local-search", Random(), Grid()])
def test_methods_in_any_form(method):
    assert len(search(NUMBERS, squared, method=method, budget="5 candidates").history) == 5


def test_a_function_is_minimised():
    result = search(NUMBERS, squared, budget="10 candidates", method="grid")
    assert result.best.arch["x"] == 3
    assert result.best.record.metrics == {"loss": 0.0}
    assert (result.best.model, result.best.metrics, result.task) == (None, {}, None)
    assert result.final["warnings"] == []


def test_a_function_of_something_to_be_maximised():
    result = search(NUMBERS, lambda arch: -squared(arch), objectives="max:score", method="grid", budget="10 candidates")
    assert (result.best.arch["x"], result.best.record.metrics) == (3, {"score": 0.0})


def test_a_function_of_several_numbers():
    result = search(
        NUMBERS, lambda arch: {"loss": squared(arch), "size": arch["x"]}, objectives=["min:loss", "min:size"],
        constraints="size>=2", method="grid", budget="10 candidates",
    )  # fmt: skip
    assert [(r.metrics["loss"], r.metrics["size"]) for r in result.pareto] == [(0, 3), (1, 2)]


@pytest.mark.parametrize("task", [None, (X, Y)])
def test_an_evaluator_of_the_users_own(task):
    table = Tabular({arch: {"loss": float(squared(arch))} for arch in NUMBERS.enumerate()})
    for evaluator in (table, Function(squared)):
        result = search(
            NUMBERS, task, evaluator=evaluator, objectives="min:loss", method="grid", budget="10 candidates"
        )
        assert result.best.arch["x"] == 3
        assert result.best.model is None


def test_whole_numbers_of_numpy():
    result = search(NUMBERS, squared, budget="3 candidates", seed=np.int64(3), workers=np.int32(1))
    assert list(result.history.records) == list(search(NUMBERS, squared, budget="3 candidates", seed=3).history.records)


def test_budgets_and_objectives_as_objects():
    result = search(NUMBERS, squared, budget=Budget(candidates=3), objectives=Objective("cost"))
    assert len(result.history) == 3
    assert result.history.best.metrics.keys() == {"cost"}


# What can't be --------------------------------------------------------------------------------------------------------

SPACE = Space(nn.Sequential(nn.LazyLinear(choice([2, 4], label="width")), nn.LazyLinear(n_outputs)), name="mine")

WRONG = [
    ({"workers": 0}, InvalidInput, "`workers` must be a whole number of at least 1, but got 0."),
    ({"workers": 1.5}, InvalidInput, "`workers` must be a whole number of at least 1, but got 1.5."),
    ({"workers": True}, InvalidInput, "`workers` must be a whole number of at least 1, but got True."),
    ({"seed": -1}, InvalidInput, "`seed` must be a whole number of at least 0, but got -1."),
    ({"seed": 0.5}, InvalidInput, "`seed` must be a whole number of at least 0, but got 0.5."),
    ({"seed": None}, InvalidInput, "`seed` must be a whole number of at least 0, but got None."),
    ({"task": None}, InvalidInput, "a search needs data, a function of an arch, or an `evaluator`."),
    ({"task": "blobz"}, NotFound, "unknown data set, file or folder 'blobz': did you mean 'blobs'"),
    ({"task": [X, Y]}, InvalidInput, "`task` must be a Task, a known name or a path, (X, y)"),
    ({"target": "a"}, InvalidInput, "`target` is for tables"),
    ({"kind": "regression"}, InvalidInput, "'blobs' is a classification task, but got kind='regression'"),
    ({"budget": 10}, InvalidInput, "but got 10: say the unit, such as '10s' or '10 candidates'."),
    ({"budget": "10"}, InvalidInput, "a budget must look like '90s', '10m', '1h30m', '200 candidates' or"),
    ({"budget": "0 candidates"}, InvalidInput, "`candidates` of a budget must be a whole number of at least 1"),
    ({"budget": "-5s"}, InvalidInput, "a budget must look like"),
    ({"budget": None}, InvalidInput, "a budget must look like"),
    ({"plan": {"epochs": 3}}, InvalidInput, "`plan` must be a TrainingPlan, but got a dict."),
    ({"plan": TrainingPlan(optimizer="adm")}, NotFound, "unknown optimizer 'adm': did you mean 'adam'"),
    ({"objectives": "acuracy"}, NotFound, "unknown metric of a classification task 'acuracy': did you mean 'accurac"),
    ({"objectives": "r2"}, NotFound, "unknown metric of a classification task 'r2': Available: accuracy, "),
    ({"objectives": []}, InvalidInput, "`objectives` must be one or more different metrics, but got []."),
    ({"objectives": ["loss", "loss"]}, InvalidInput, "`objectives` must be one or more different metrics"),
    ({"objectives": 3}, InvalidInput, "an objective must be a text such as 'accuracy' or an Objective, but got 3."),
    ({"constraints": "params<100"}, InvalidInput, "a constraint must look like params<=100k or accuracy>=0.9"),
    ({"constraints": ["params<=x", "flops"]}, InvalidInput, "`constraints` can't be read"),
    ({"constraints": "latency<=3"}, NotFound, "unknown metric of a classification task 'latency'"),
    ({"method": "randon"}, NotFound, "unknown method 'randon': did you mean 'random'"),
    ({"method": Random}, InvalidInput, "`method` must be a strategy, not its class: say Random()."),
    ({"method": 3}, InvalidInput, "`method` must be a name, a Recipe or a strategy (with `propose`), but got a int."),
    ({"space": "mpl"}, NotFound, "unknown space 'mpl': did you mean 'mlp'"),
    ({"space": 3}, InvalidInput, "`space` must be a Space, a name or a function, but got a int."),
    ({"space": "nowhere.py:space"}, NotFound, "nowhere.py"),
    ({"space": "cnn"}, InvalidInput, "`cnn` needs images of at least 2x2 pixels, but the inputs have shape (4,)."),
    ({"space": NUMBERS}, InvalidSpace, "the space 'space' holds no model to train (its tree is a dict)"),
    ({"space": Space(nn.Sequential(nn.Linear(4, 7)))}, InvalidSpace, "the model must end in 3 outputs"),
    ({"space": Space(nn.Sequential(nn.LazyConv2d(3, 3)))}, InvalidSpace, "can be built for 'blobs' (1 were tried)"),
    (
        {"space": Space(nn.Sequential(nn.LazyLinear(n_outputs)), training={"lrr": choice([1, 2])})},
        NotFound,
        "unknown choice of the training 'lrr': did you mean 'lr'",
    ),
    (
        {"space": Space(nn.Sequential(nn.LazyLinear(n_outputs)), training={"lr": choice([0.1, -1.0])}, name="x")},
        InvalidInput,
        "the training choices of 'x' don't fit",
    ),
    ({"evaluator": 3}, InvalidInput, "`evaluator` must be callable with a candidate and a context, but got 3."),
    ({"device": "meta"}, InvalidInput, "on meta tensors. Use device='auto' or 'cpu'."),
    ({"device": "graphics"}, InvalidInput, "the device 'graphics' can't be used here"),
    ({"device": "cuda:99"}, InvalidInput, "the device 'cuda:99' can't be used here"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "error", "said"), WRONG, ids=[f"{i}-{'-'.join(given)}" for i, (given, _, _) in enumerate(WRONG)]
)
def test_what_cannot_be(given, error, said, told, tmp_path):
    usual = {"space": SPACE, "task": "blobs", "budget": "1 candidates", "progress": told, "out": tmp_path / "run"}
    with pytest.raises(error, match=re.escape(said)):
        search(**{**usual, **given})
    assert issubclass(error, NetwrightError)
    assert told.calls == []  # nothing was begun
    assert not (tmp_path / "run").exists()


def test_no_data_at_all():
    with pytest.raises(InvalidInput, match="a search needs data, a function of an arch, or an `evaluator`"):
        search("mlp")


def test_a_device_that_is_not_there_is_refused_for_functions_too():
    with pytest.raises(InvalidInput, match="the device 'graphics' can't be used here"):
        search(NUMBERS, squared, budget="1 candidates", device="graphics")


def test_a_function_that_cannot_be_sent_to_workers(told):
    with pytest.raises(RunError, match=r"the evaluator can't be sent to worker processes .*workers=1"):
        search(NUMBERS, lambda arch: arch["x"], budget="1 candidates", workers=2, progress=told)
    assert told.of("record") == []


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="can't be made"):
        search(NUMBERS, squared, budget="1 candidates", out=tmp_path / "file" / "run")
