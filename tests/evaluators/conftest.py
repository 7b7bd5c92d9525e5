"""Small data and spaces that train in a blink."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from netwright import Space, n_outputs, nn
from netwright.evaluators.examples_in_memory import in_memory
from netwright.tasks import load, task_from


@pytest.fixture(scope="session")
def blobs():
    """Three clouds of points: (4,) → 3 classes, 192 to train."""
    return load("blobs")


@pytest.fixture(scope="session")
def stripes():
    """Images uint8 (1, 8, 8) → 3 classes, 384 to train."""
    return load("stripes")


@pytest.fixture(scope="session")
def diabetes():
    """Ten measurements → one number, 283 to train."""
    return load("diabetes")


@pytest.fixture(scope="session")
def colours():
    """Coloured images float32 (3, 6, 8): the class is the brightest channel; 128 to train."""
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 3
    images = rng.normal(size=(200, 3, 6, 8)) + 0.8 * np.eye(3)[labels][:, :, None, None]
    return task_from(images.astype(np.float32), labels, name="colours", flip=True)


@pytest.fixture(scope="session")
def two_numbers():
    """Five numbers → two numbers of very different size."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(200, 5))
    targets = np.stack([1_000 * inputs[:, 0] + 500, 0.01 * inputs[:, 1] - 3], axis=1)
    return task_from(inputs.astype(np.float32), targets.astype(np.float32), name="two numbers")


@pytest.fixture(scope="session")
def conv_space():
    """One small convolutional network with normalisation and dropout."""
    return Space(
        nn.Sequential(
            nn.LazyConv2d(6, 3, padding=1),
            nn.LazyBatchNorm2d(),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.LazyLinear(n_outputs),
        ),
        name="small",
    )


@pytest.fixture(scope="session")
def dense_space():
    """One small dense network with dropout."""
    return Space(nn.Sequential(nn.LazyLinear(12), nn.Tanh(), nn.Dropout(0.1), nn.LazyLinear(n_outputs)), name="dense")


@pytest.fixture(scope="session")
def stripes_in_memory(stripes):
    """The train part of `stripes`."""
    return in_memory(stripes, stripes.train)


@pytest.fixture(scope="session")
def blobs_in_memory(blobs):
    """The train part of `blobs`."""
    return in_memory(blobs, blobs.train)


@pytest.fixture
def random_states() -> Callable[[], Any]:
    """A function that gives the states of all global generators."""

    def states() -> Any:
        numpy_state = np.random.get_state()[1].tolist()  # noqa: NPY002  # the global one is meant
        return random.getstate(), numpy_state, torch.random.get_rng_state().tolist()

    return states
