"""Scores of a model are the task's metrics of its outputs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from netwright.evaluators import outputs_of, score
from netwright.evaluators.examples_in_memory import in_memory
from netwright.models import build
from netwright.tasks import task_from


@pytest.fixture
def network(conv_space):
    return build(conv_space, conv_space.default(), input_shape=(1, 8, 8), n_outputs=3, seed=0)


@pytest.fixture(scope="module")
def many():
    """More examples in a part than are computed at once."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(2_000, 3)).astype(np.float32)
    return task_from(inputs, 10 * inputs[:, 0] + 5)


def test_outputs_are_those_in_evaluation_mode(network, stripes):
    examples = in_memory(stripes, stripes.validation)
    found = outputs_of(network.train(), examples)
    assert network.training  # put back
    with torch.no_grad():
        expected = network.eval()(examples.inputs)
    assert torch.allclose(found, expected, atol=1e-6)
    assert not found.requires_grad
    outputs_of(network, examples)
    assert not network.training  # put back, too


def test_more_examples_than_fit_into_a_batch_come_in_order(many):
    model = nn.Linear(3, 1)
    examples = in_memory(many, many.train)
    assert len(examples) > 1_024
    with torch.no_grad():
        assert torch.allclose(outputs_of(model, examples), model(examples.inputs), atol=1e-6)


def test_the_mode_is_put_back_after_an_error(stripes):
    model = nn.Sequential(nn.Flatten(), nn.Linear(5, 3)).train()
    with pytest.raises(RuntimeError):
        outputs_of(model, in_memory(stripes, stripes.validation))
    assert model.training


def test_running_statistics_and_random_state_stay(network, stripes):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    random = torch.random.get_rng_state()
    score(network.train(), in_memory(stripes, stripes.validation), stripes, stripes.validation)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), random)


def test_scores_of_classes(network, stripes):
    examples = in_memory(stripes, stripes.validation)
    outputs = outputs_of(network, examples).numpy()
    found = score(network, examples, stripes, stripes.validation)
    assert found == stripes.metrics(outputs, stripes.validation.targets)
    assert found["accuracy"] == np.mean(outputs.argmax(axis=1) == stripes.validation.targets)


def test_scores_of_numbers_are_in_their_own_units(many):
    model = nn.Linear(3, 1)
    examples = in_memory(many, many.validation)
    found = score(model, examples, many, many.validation)
    outputs = outputs_of(model, examples).numpy()
    assert found == many.metrics(outputs, many.validation.targets)
    own = outputs * many.target_std + many.target_mean
    assert found["mae"] == pytest.approx(np.abs(own - many.validation.targets).mean(), rel=1e-5)


def test_bfloat16_rounds(network, stripes):
    examples = in_memory(stripes, stripes.validation)
    exact, rounded = outputs_of(network, examples), outputs_of(network, examples, precision="bfloat16")
    assert rounded.dtype == torch.float32
    assert not torch.equal(exact, rounded)
    assert torch.allclose(exact, rounded, atol=0.1)
