"""What the tests of shared weights share: a small elastic space, its data, and a training that takes a second."""

from __future__ import annotations

import pytest

from netwright import Space, choice, n_outputs, nn, repeat
from netwright.evaluators import TrainingPlan
from netwright.evaluators.examples_in_memory import in_memory
from netwright.oneshot.samplers import Uniform
from netwright.oneshot.shared_fitting import SharedFitting
from netwright.oneshot.shared_training import fit_shared
from netwright.oneshot.supernet import Supernet
from netwright.tasks import load

PLAN = TrainingPlan(epochs=3, batch_size=32, lr=0.05, clip=5.0)


def block(i):
    return nn.Sequential(
        nn.LazyConv2d(choice([4, 8], label=f"width{i}"), choice([1, 3], label=f"kernel{i}", default=3), padding="same"),
        nn.LazyBatchNorm2d(),
        choice({"relu": nn.ReLU(), "silu": nn.SiLU()}, label=f"act{i}"),
    )


@pytest.fixture(scope="session")
def elastic():
    """A space with every kind of decision, and dropout."""
    return Space(
        nn.Sequential(
            repeat(block, 1, 2, label="depth"),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.1),
            nn.LazyLinear(n_outputs),
        ),
        name="elastic",
    )


@pytest.fixture(scope="session")
def stripes():
    """Small images."""
    return load("stripes")


@pytest.fixture(scope="session")
def parts(stripes):
    """The train and validation parts in memory."""
    return in_memory(stripes, stripes.train), in_memory(stripes, stripes.validation)


@pytest.fixture
def begun(elastic, stripes):
    """A function: a training that hasn't started."""

    def begin(sampler=Uniform(), plan=PLAN, seed=0, space=elastic, task=stripes):  # noqa: B008  # frozen
        supernet = Supernet(space, input_shape=task.input_shape, n_outputs=task.n_outputs, seed=seed)
        return SharedFitting.begin(supernet, sampler.begin(space), plan, seed=seed)

    return begin


@pytest.fixture
def trained(begun, parts, stripes):
    """A function: a training that is done."""

    def train(sampler=Uniform(), plan=PLAN, seed=0, **given):  # noqa: B008  # frozen
        return fit_shared(begun(sampler, plan, seed), *parts, stripes, plan, **given)

    return train
