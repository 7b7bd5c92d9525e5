"""Statistics of the inputs, the loss, and metrics, against straightforward computations."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, mean_absolute_error, r2_score, root_mean_squared_error

from netwright.core.errors import InvalidInput
from netwright.tasks import load, task_from
from netwright.tasks.fitting import statistics


def test_statistics_of_pictures_are_per_channel_and_exact_for_bytes():
    pixels = np.random.default_rng(0).integers(0, 256, size=(500, 3, 20, 20), dtype=np.uint8)
    mean, std = statistics(pixels, "image")
    assert mean == pytest.approx(pixels.mean(axis=(0, 2, 3)), rel=1e-6)
    assert std == pytest.approx(pixels.astype(float).std(axis=(0, 2, 3)), rel=1e-6)
    assert mean.dtype == std.dtype == np.float32


def test_statistics_in_pieces_are_those_of_the_whole(monkeypatch):
    values = np.random.default_rng(0).normal(5, 3, size=(101, 7)).astype(np.float32)
    whole = statistics(values, "tabular")
    monkeypatch.setattr("netwright.tasks.fitting._CHUNK", 50)
    assert all((a == pytest.approx(b, rel=1e-6)) for a, b in zip(whole, statistics(values, "tabular"), strict=True))


@given(st.floats(-(2.0**100), 2.0**100, width=32), st.integers(2, 50))
def test_constants_have_a_deviation_of_one(value, n):
    mean, std = statistics(np.full((n, 1), value, np.float32), "tabular")
    assert std.tolist() == [1.0]
    assert mean[0] == pytest.approx(value, rel=1e-6)


def test_constant_features_and_black_pictures_can_be_standardised():
    x = np.column_stack([np.full(60, 7.0), np.arange(60.0)])
    task = task_from(x, np.arange(60) % 2)
    standardised = (task.train.inputs - task.input_mean) / task.input_std
    assert (standardised[:, 0] == 0).all()
    assert standardised[:, 1].std() == pytest.approx(1, abs=1e-6)
    black = task_from(np.zeros((60, 8, 8), np.uint8), np.arange(60) % 2)
    assert black.input_std.tolist() == [1.0]


def test_small_differences_of_great_numbers_are_not_taken_for_a_constant():
    values = (1e6 + np.arange(8.0))[:, None]
    assert statistics(values, "tabular")[1][0] == pytest.approx(values.std())


@given(st.integers(2, 5), st.integers(1, 30), st.integers(0, 10_000))
def test_metrics_of_classes_are_those_of_scikit_learn(n_classes, n, seed):
    rng = np.random.default_rng(seed)
    task = task_from(np.zeros((n_classes * 5, 1)), np.arange(n_classes * 5) % n_classes, kind="classification")
    logits, true = rng.normal(scale=4, size=(n, n_classes)), rng.integers(0, n_classes, n)
    metrics = task.metrics(logits, true)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert metrics["loss"] == pytest.approx(log_loss(true, probabilities, labels=range(n_classes)), rel=1e-5)
    assert metrics["accuracy"] == np.mean(logits.argmax(axis=1) == true)
    as_tensors = task.metrics(torch.tensor(logits, requires_grad=True), torch.tensor(true))
    assert as_tensors == pytest.approx(metrics, rel=1e-5)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_metrics_of_numbers_are_in_their_own_units(n_outputs):
    rng = np.random.default_rng(0)
    y = rng.normal(100, 20, size=(60, n_outputs))
    task = task_from(np.zeros((60, 1)), y, kind="regression")
    standardised = rng.normal(size=(len(task.test), n_outputs))
    predicted = standardised * task.target_std + task.target_mean
    metrics = task.metrics(torch.tensor(standardised), task.test.targets)
    assert metrics["r2"] == pytest.approx(r2_score(task.test.targets, predicted), rel=1e-5)
    assert metrics["rmse"] == pytest.approx(math.sqrt(np.mean((predicted - task.test.targets) ** 2)), rel=1e-5)
    assert metrics["mae"] == pytest.approx(mean_absolute_error(task.test.targets, predicted), rel=1e-5)
    if n_outputs == 1:
        assert metrics["rmse"] == pytest.approx(root_mean_squared_error(task.test.targets, predicted), rel=1e-5)


def test_perfect_and_mean_predictions():
    y = np.linspace(-5, 5, 60)
    task = task_from(np.zeros((60, 1)), y)
    perfect = (task.test.targets - task.target_mean) / task.target_std
    assert task.metrics(perfect, task.test.targets)["r2"] == pytest.approx(1)
    constant = np.full((5, 1), 3.0)
    exact = (constant - task.target_mean) / task.target_std
    assert task.metrics(exact + 1, constant)["r2"] == 0  # a constant target, missed
    assert task.metrics(np.zeros((5, 1)), np.full((5, 1), task.target_mean))["r2"] == 1  # a constant target, met


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_outputs_that_are_no_numbers_are_never_right(bad):
    classes = load("blobs")
    logits = np.zeros((2, 3))
    logits[:, 0] = bad
    metrics = classes.metrics(logits, np.array([0, 0]))
    assert metrics["accuracy"] == (1.0 if bad == math.inf else 0.0)
    assert math.isnan(metrics["loss"]) == (bad != -math.inf)
    numbers = load("diabetes")
    assert all(math.isnan(v) for v in numbers.metrics(np.array([[bad], [0.0]]), np.ones((2, 1))).values())


def test_outputs_of_another_shape_are_refused():
    task = load("blobs")
    with pytest.raises(InvalidInput, match=r"shape \(n, 3\).*but got outputs \(4, 2\) and targets \(4,\)"):
        task.metrics(np.zeros((4, 2)), np.zeros(4, int))
    with pytest.raises(InvalidInput, match=r"one row for each target, but got outputs \(4, 3\) and targets \(5,\)"):
        task.metrics(np.zeros((4, 3)), np.zeros(5, int))
    with pytest.raises(InvalidInput, match=r"metrics need at least one example"):
        task.metrics(np.zeros((0, 3)), np.zeros(0, int))


def test_the_loss_is_what_its_kind_calls_for():
    outputs = torch.tensor([[2.0, 0.0, -1.0]])
    classes = load("blobs")
    loss = classes.loss(outputs, torch.tensor([0]))
    assert loss.item() == pytest.approx(classes.metrics(outputs, torch.tensor([0]))["loss"], rel=1e-6)
    assert classes.loss(outputs, torch.tensor([0]), label_smoothing=0.3).item() > loss.item()
    numbers = load("diabetes")
    assert numbers.loss(torch.tensor([[2.0]]), torch.tensor([[0.5]]), label_smoothing=0.3).item() == 2.25
