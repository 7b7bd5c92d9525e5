"""Measuring how fast a model trains leaves everything as it was, and can't fail where training could."""

from __future__ import annotations

import time

import pytest
import torch
from torch import nn

from netwright.evaluators import TrainingPlan, measure_speed
from netwright.models import build

PLAN = TrainingPlan(batch_size=32, lr=0.05, crop=1)


@pytest.fixture
def network(conv_space):
    return build(conv_space, conv_space.default(), input_shape=(1, 8, 8), n_outputs=3, seed=0)


def test_what_it_says(network, stripes, stripes_in_memory):
    speed = measure_speed(network, stripes_in_memory, stripes, PLAN, seconds=0.01)
    assert speed.compared.keys() <= {"float32", "bfloat16"}
    assert "float32" in speed.compared
    assert all(each > 0 for each in speed.compared.values())
    assert speed.seconds_per_example == speed.compared[speed.precision]
    fast = min(speed.compared, key=speed.compared.__getitem__)
    assert speed.precision in ("float32", fast)


def test_the_model_and_all_random_states_stay_as_they_were(network, stripes, stripes_in_memory, random_states):
    network.eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    states = random_states()
    measure_speed(network, stripes_in_memory, stripes, PLAN, seconds=0.01)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert not network.training
    assert all(parameter.grad is None for parameter in network.parameters())
    assert random_states() == states


@pytest.mark.parametrize("lr", [1e6, 1e30])
def test_a_learning_rate_that_diverges_can_be_measured(lr, network, stripes, stripes_in_memory):
    plan = TrainingPlan(batch_size=32, lr=lr)
    assert measure_speed(network, stripes_in_memory, stripes, plan, seconds=0.01).seconds_per_example > 0


def test_fewer_examples_than_a_batch(blobs, blobs_in_memory):
    plan = TrainingPlan(batch_size=10_000)
    assert measure_speed(nn.Linear(4, 3), blobs_in_memory, blobs, plan, seconds=0.01).seconds_per_example > 0


class Slow(nn.Module):
    """Takes longer than anybody wants to wait."""

    asked = 0

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 3)

    def forward(self, inputs):
        Slow.asked += 1
        time.sleep(0.05)
        return self.inner(inputs)


def test_a_slow_model_is_measured_once(blobs, blobs_in_memory):
    Slow.asked = 0
    speed = measure_speed(Slow(), blobs_in_memory, blobs, PLAN, seconds=0.01)
    assert Slow.asked == 2  # the very first one pays for what is set up once, so it doesn't count
    assert speed.compared.keys() == {"float32"}
    assert speed.seconds_per_example >= 0.05 / 32
