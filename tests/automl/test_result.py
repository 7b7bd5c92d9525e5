"""What can be done with a result: predictions, exports that live without the library, reports."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from netwright import Space, choice, defer, integer, n_outputs, nn
from netwright.automl import load_result, search
from netwright.core.errors import DataError, InvalidInput, RunError
from netwright.evaluators import TrainingPlan

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 4)).astype(np.float32)
LABELS = np.array(["no", "perhaps", "yes"])[(X[:, 0] > 0).astype(int) + (X[:, 1] > 0)]
LEARNS = TrainingPlan(epochs=20, batch_size=32, optimizer="adamw", lr=0.03)
DENSE = Space(nn.Sequential(nn.LazyLinear(choice([8, 16], label="width")), nn.Tanh(), nn.LazyLinear(n_outputs)))


@pytest.fixture(scope="module")
def labelled():
    """A search on texts as labels."""
    return search(DENSE, (X, LABELS), budget="1 candidates", plan=LEARNS)


@pytest.fixture(scope="module")
def numeric():
    """A search on one number of an odd size."""
    return search(DENSE, (X, 1_000 + 50 * X[:, 0]), budget="1 candidates", plan=LEARNS)


@pytest.fixture(scope="module")
def pictured(filters):
    """A search on images."""
    return search(filters, "stripes", budget="1 candidates", plan=TrainingPlan(epochs=3, batch_size=32, lr=0.05))


# Predictions ----------------------------------------------------------------------------------------------------------


def test_labels_are_predicted(labelled):
    found = labelled.predict(X)
    assert found.shape == (200,)
    assert set(found) <= {"no", "perhaps", "yes"}
    assert np.mean(found == LABELS) > 0.8


def test_predictions_are_what_the_test_metrics_say(labelled):
    task = labelled.task
    right = np.mean(labelled.predict(task.test.inputs) == np.array(task.classes)[task.test.targets])
    assert right == pytest.approx(labelled.best.metrics["accuracy"])


def test_probabilities(labelled):
    found = labelled.predict_proba(X)
    assert found.shape == (200, 3)
    assert found.sum(axis=1) == pytest.approx(np.ones(200))
    assert np.array_equal(np.array(labelled.task.classes)[found.argmax(axis=1)], labelled.predict(X))
    with torch.no_grad():
        expected = torch.softmax(labelled.best.model(torch.from_numpy(X)).double(), dim=1).numpy()
    assert found == pytest.approx(expected, abs=1e-5)


def test_examples_in_any_form(labelled):
    for given in (X[:5], X[:5].tolist(), torch.from_numpy(X[:5]), pd.DataFrame(X[:5]), X[:5].astype(np.float64)):
        assert np.array_equal(labelled.predict(given), labelled.predict(X)[:5])
    assert labelled.predict(X[:1]).shape == (1,)


def test_many_examples(labelled):
    many = np.tile(X, (7, 1))
    assert np.array_equal(labelled.predict(many), np.tile(labelled.predict(X), 7))


def test_numbers_are_predicted_in_their_own_units(numeric):
    found = numeric.predict(X)
    assert found.shape == (200,)
    assert np.abs(found - (1_000 + 50 * X[:, 0])).mean() < 15
    with pytest.raises(InvalidInput, match="`predict_proba` is for classification, but this is a regression task"):
        numeric.predict_proba(X)


def test_several_numbers():
    result = search(DENSE, (X, np.stack([X[:, 0], 100 * X[:, 1]], axis=1)), budget="1 candidates", plan=LEARNS)
    assert result.predict(X).shape == (200, 2)
    assert np.abs(result.predict(X)[:, 1] - 100 * X[:, 1]).mean() < 60


def test_images_are_predicted(pictured):
    task = pictured.task
    found = pictured.predict(task.test.inputs)
    assert np.mean(found == np.array(task.classes)[task.test.targets]) == pytest.approx(
        pictured.best.metrics["accuracy"]
    )


@pytest.mark.parametrize(
    ("given", "said"), [(X[:, :3], r"3"), (X[0], "shape"), (np.zeros((0, 4)), "no examples|at least one|none|empty")]
)
def test_examples_of_another_form_are_refused(labelled, given, said):
    with pytest.raises(DataError, match=said):
        labelled.predict(given)


def test_without_a_model():
    result = search(Space({"x": integer(0, 9)}), lambda arch: arch["x"], budget="1 candidates")
    for call in (lambda: result.export("model.py"), lambda: result.export("model.onnx")):
        with pytest.raises(RunError, match="there is no trained model: a function was searched, not a model"):
            call()
    with pytest.raises(RunError, match=r"this run was loaded without its data|a function was searched"):
        result.predict(X)


def test_without_a_winner(widths):
    result = search(widths, "blobs", budget="1 candidates", constraints="params<=1")
    with pytest.raises(RunError, match=r"there is no model: no candidate has a result within the limits"):
        result.export("model.py")
    with pytest.raises(RunError, match="there is no model"):
        result.predict(X)


# Exports --------------------------------------------------------------------------------------------------------------

STRANGER = """
import json, sys
sys.modules["netwright"] = None  # importing it is an error from here on
import numpy as np, torch

found = {}
inputs = np.load("inputs.npz")
for name in sys.argv[1:]:
    stem, _, kind = name.rpartition(".")
    given = inputs[stem].astype(np.float32)
    if kind == "py":
        module = __import__(stem)
        with torch.no_grad():
            found[name] = module.load()(torch.from_numpy(given)).numpy()
    else:
        import onnxruntime
        session = onnxruntime.InferenceSession(name, providers=["CPUExecutionProvider"])
        found[name] = session.run(None, {"inputs": given})[0]
        assert session.run(None, {"inputs": given[:1]})[0].shape[0] == 1  # a batch of any size
np.savez("outputs.npz", **found)
"""


def test_exports_give_the_same_to_somebody_without_the_library(labelled, numeric, pictured, finished, tmp_path):
    results = {"labelled": labelled, "numeric": numeric, "pictured": pictured, "loaded": load_result(finished.folder)}
    files, inputs, outputs = [], {}, {}
    for name, result in results.items():
        [source, weights] = result.export(tmp_path / f"{name}.py")
        assert (source.name, weights.name) == (f"{name}.py", f"{name}.pt")
        assert "netwright" not in re.sub(r"(?s)^\"\"\".*?\"\"\"|#.*?$", "", source.read_text())
        files.append(source.name)
        inputs[name] = pictured.task.test.inputs[:9] if name == "pictured" else X[:9]
        with torch.no_grad():
            outputs[name] = result.best.model(torch.from_numpy(inputs[name]).float()).numpy()
    files += [file.name for file in pictured.export(tmp_path / "pictured.onnx")]
    np.savez(tmp_path / "inputs.npz", **inputs)
    (tmp_path / "stranger.py").write_text(STRANGER)
    done = subprocess.run(
        [sys.executable, "stranger.py", *files],
        cwd=tmp_path,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = np.load(tmp_path / "outputs.npz")
    assert sorted(found) == sorted(files)
    for name in files:
        assert found[name] == pytest.approx(outputs[name.partition(".")[0]], rel=1e-4, abs=1e-4), name


def test_numeric_outputs_are_in_their_own_units(numeric, tmp_path):
    assert "in the targets' own units" in numeric.export(tmp_path / "model.py")[0].read_text()
    with torch.no_grad():
        assert numeric.best.model(torch.from_numpy(X)).mean().item() == pytest.approx(1_000, abs=30)


@pytest.mark.parametrize("name", ["model", "model.pt", "model.txt"])
def test_other_endings(labelled, tmp_path, name):
    with pytest.raises(InvalidInput, match=rf"a model can be exported to NAME.py or NAME.onnx, but got '{name}'"):
        labelled.export(tmp_path / name)


def test_the_folder_of_an_export_is_made(labelled, tmp_path):
    files = labelled.export(tmp_path / "new" / "folder" / "model.py")
    assert all(file.exists() for file in files)


def test_an_export_of_a_run_that_was_loaded(finished, tmp_path):
    [source, weights] = load_result(finished.folder).export(tmp_path / "other.py")
    assert "other.pt" in source.read_text()
    assert "model = other.load()  # after `import other`" in source.read_text()
    assert weights.read_bytes() == (finished.folder / "model.pt").read_bytes()


class Scaled(torch.nn.Module):
    """A module of a user's own."""

    def __init__(self, in_features: int, by: float = 2.0) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.full((in_features,), by))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs * self.weight


def test_own_modules_are_exported_with_their_source(tmp_path):
    space = Space(nn.Sequential(defer(Scaled, by=choice([1.0, 3.0], label="by")), nn.LazyLinear(n_outputs)))
    result = search(space, "blobs", budget="2 candidates", plan=LEARNS, out=tmp_path / "run")
    text = (tmp_path / "run" / "model.py").read_text()
    assert "class Scaled(" in text
    with torch.no_grad():
        assert torch.allclose(
            load_result(tmp_path / "run").best.model(torch.ones(2, 4)), result.best.model(torch.ones(2, 4)), atol=1e-5
        )


def test_a_module_without_source_is_said_and_nothing_is_lost(tmp_path):
    made = type("Made", (torch.nn.Module,), {"forward": lambda _, inputs: inputs})  # at run time: no source
    space = Space(nn.Sequential(defer(made), nn.LazyLinear(n_outputs)))
    result = search(space, "blobs", budget="1 candidates", plan=LEARNS, out=tmp_path)
    assert result.best.metrics["accuracy"] > 0.5
    assert result.predict(result.task.test.inputs).shape == (60,)
    [said] = result.final["warnings"]
    assert said.startswith("the model can't be written as source")
    assert not (tmp_path / "model.py").exists()
    assert (tmp_path / "report.html").exists()


# Reports --------------------------------------------------------------------------------------------------------------


def test_the_report_is_one_file_that_says_what_was_found(finished, tmp_path):
    path = finished.report(tmp_path / "report.html")
    text = path.read_text(encoding="utf-8")
    for said in ("blobs", "accuracy", "width", "Linear(", "3 candidates"):
        assert said in text, said
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=\"https?:", text)  # nothing is fetched


def test_the_data_of_the_report(finished, widths):
    data = finished.report_data()
    assert data.best == finished.best.record
    assert data.baseline == finished.history.records[0]
    assert data.baseline.arch == widths.default()
    assert data.final.metrics == finished.best.metrics
    assert data.drawing is not None
    assert "class" in data.source or "def " in data.source
    assert (data.seed, data.workers, data.budget, data.running) == (0, 1, "3 candidates", False)
    assert data.task.sizes == {"train": 192, "validation": 48, "test": 60}


def test_the_summary(finished):
    text = finished.summary()
    assert "The best of 3 candidates" in text
    assert f"width = {finished.best.arch['width']}" in text
    for name in finished.final["files"]:
        assert str(finished.folder / name) in text


def test_the_history_as_a_table(finished):
    frame = finished.history.to_frame()
    assert len(frame) == 3
    assert {"accuracy", "params", "arch.width", "status"} <= set(frame.columns)
