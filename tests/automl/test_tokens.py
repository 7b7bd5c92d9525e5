"""Tokens through the whole flow: trained as they are, the winner exported, loaded again and asked."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import netwright
from netwright import Space, choice, n_outputs, task_from
from netwright.core.errors import InvalidInput, InvalidSpace
from netwright.evaluators import TrainingPlan
from netwright.evaluators.examples_in_memory import in_memory
from netwright.models import build_call, deployed
from netwright.spaces import nn as deferred
from netwright.spaces.zoo.transformer import text_transformer
from netwright.tasks import Split, Task


def _part(rng, n):
    tokens = rng.integers(1, 20, (n, 8))
    tokens[rng.random((n, 8)) < 0.2] = 0
    return Split(tokens, (tokens == 7).any(axis=1).astype(np.int64))


@pytest.fixture(scope="module")
def sentences():
    """Is there a seven among eight tokens?"""
    rng = np.random.default_rng(0)
    return Task(
        name="sevens",
        kind="classification",
        modality="text",
        train=_part(rng, 600),
        validation=_part(rng, 200),
        test=_part(rng, 200),
        input_mean=np.zeros(()),
        input_std=np.ones(()),
        classes=("no", "yes"),
    )


def test_tokens_are_not_standardised(sentences):
    examples = in_memory(sentences, sentences.train)
    assert examples.inputs.dtype == torch.int64
    assert np.array_equal(examples.inputs.numpy(), sentences.train.inputs)
    assert examples.batch(slice(3))[0].dtype == torch.int64


def test_a_search_on_tokens(sentences, tmp_path):
    space = text_transformer(input_shape=(8,), vocabulary=20, widths=(16, 32), depths=(1, 2), dropout=0.0)
    plan = TrainingPlan(epochs=8, batch_size=32, optimizer="adamw", lr=0.01)
    result = netwright.search(
        space, sentences, method="random", budget="2 candidates", plan=plan, out=tmp_path / "run", seed=1
    )
    assert result.best.metrics["accuracy"] > 0.9
    loaded = netwright.load_result(tmp_path / "run")
    inputs = torch.from_numpy(sentences.test.inputs)
    with torch.no_grad():
        assert torch.allclose(loaded.best.model(inputs), result.best.model(inputs), atol=1e-5)
    assert (result.predict(sentences.test.inputs) == sentences.test.targets).mean() > 0.9
    assert "Standardise" not in (tmp_path / "run" / "model.py").read_text()
    assert loaded.export(tmp_path / "again.py")


def test_statistics_may_be_left_out():
    network = build_call(deferred.Sequential(deferred.Embedding(5, 2), deferred.Flatten()), input_shape=(3,))
    ready = deployed(network, input_mean=None, input_std=None)
    tokens = torch.tensor([[1, 2, 4]])
    assert torch.equal(ready.model(tokens), network.model(tokens))
    with pytest.raises(InvalidInput, match=r"equal shapes, but got None and \(3,\) for the inputs"):
        deployed(network, input_mean=None, input_std=np.ones(3))


def test_a_table_is_no_text():
    tokens = np.arange(240).reshape(60, 4) % 9
    task = task_from(tokens, np.arange(60) % 2)
    model = deferred.Sequential(
        deferred.Embedding(9, choice([2, 4])), deferred.Flatten(), deferred.LazyLinear(n_outputs)
    )
    space = Space(model, name="texts")
    for method in ("random", "spos"):
        with pytest.raises(InvalidSpace, match=r"'texts' take whole numbers .*task_from\(X, y\), modality='text'"):
            netwright.search(space, task, method=method, budget="1 candidate")
