"""The winner is trained for good in its time, or keeps the weights of the search where those are better."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netwright.automl.final_training import rebuilt, train_winner
from netwright.core import Candidate, Context
from netwright.core.errors import EvaluationError
from netwright.evaluators import Training, TrainingPlan
from netwright.tasks import load

PLAN = TrainingPlan(epochs=3, batch_size=40, optimizer="adamw", lr=0.02)


@pytest.fixture(scope="module")
def blobs():
    return load("blobs")


@pytest.fixture
def checkpoint(widths, blobs, tmp_path):
    """What the search left for the default arch."""
    arch = widths.default()
    Training(widths, blobs, PLAN)(Candidate(0, arch), Context(seed=1, checkpoints=tmp_path))
    return tmp_path / f"{arch.digest}.pt"


def trained(widths, blobs, **given):
    usual = {"seed": 0, "plan": PLAN}
    given = {**usual, **given}
    return train_winner(widths, widths.default(), blobs, given.pop("plan"), **given)


def test_it_learns_from_train_and_validation(widths, blobs):
    told = []
    found = trained(widths, blobs, on_epoch=lambda *values: told.append(values[:2]))
    assert found.trained_on == "train and validation"
    assert (found.epochs, found.note) == (3.0, "")  # 240 examples in batches of 40
    assert told == [(1, 3), (2, 3), (3, 3)]
    with torch.no_grad():
        outputs = found.built.model(torch.from_numpy(blobs.test.inputs))
    assert found.metrics == pytest.approx(blobs.metrics(outputs, blobs.test.targets), abs=1e-6)
    assert not found.built.model.training


def test_the_seed_decides(widths, blobs):
    first, again, other = (trained(widths, blobs, seed=seed) for seed in (0, 0, 1))
    assert first.metrics == again.metrics != other.metrics


def test_more_time_than_is_needed_changes_nothing(widths, blobs):
    assert trained(widths, blobs, allotted=1_000.0).metrics == pytest.approx(trained(widths, blobs).metrics, rel=1e-3)


@pytest.mark.parametrize("allotted", [0.0, 0.01, 0.05])
def test_without_time_the_weights_of_the_search_are_taken(widths, blobs, checkpoint, allotted):
    found = trained(widths, blobs, allotted=allotted, checkpoint=checkpoint)
    assert found.note == "these are the weights of the search: there was no time left for it"
    assert (found.trained_on, found.epochs) == ("train", 3.0)
    state = torch.load(checkpoint, weights_only=True)["model"]
    inside = dict(found.built.model[1].named_parameters())
    assert all(torch.equal(inside[name], state[name]) for name in inside)


def test_where_the_search_saw_more_its_weights_are_taken(widths, blobs, checkpoint):
    found = trained(widths, blobs, checkpoint=checkpoint, search_examples=10_000.0)
    assert found.note == "these are the weights of the search: its time was too short"
    found = trained(widths, blobs, checkpoint=checkpoint, search_examples=800.0)
    assert found.trained_on == "train and validation"


def test_where_it_diverges_the_weights_of_the_search_are_taken(widths, blobs, checkpoint):
    wild = TrainingPlan(epochs=3, batch_size=40, lr=1e25)
    found = trained(widths, blobs, plan=wild, checkpoint=checkpoint)
    assert "these are the weights of the search: it failed (the training loss is" in found.note
    with pytest.raises(EvaluationError, match="it diverged"):
        trained(widths, blobs, plan=wild)
    with pytest.raises(EvaluationError, match="it diverged"):
        trained(widths, blobs, plan=wild, checkpoint=checkpoint.with_name("nowhere.pt"))


def test_a_damaged_checkpoint_is_said(widths, blobs, checkpoint):
    checkpoint.write_bytes(b"")
    with pytest.raises(EvaluationError, match="can't be read"):
        trained(widths, blobs, allotted=0.0, checkpoint=checkpoint)


def test_a_network_is_rebuilt_from_its_weights(widths, blobs):
    found = trained(widths, blobs)
    again = rebuilt(widths, widths.default(), blobs, found.built.model.state_dict(), device="cpu")
    inputs = torch.from_numpy(blobs.test.inputs)
    with torch.no_grad():
        assert torch.equal(again.model(inputs), found.built.model(inputs))


def test_the_data_of_the_task_stay(widths, blobs):
    before = blobs.train.inputs.copy(), blobs.validation.inputs.copy()
    trained(widths, blobs)
    assert np.array_equal(before[0], blobs.train.inputs)
    assert np.array_equal(before[1], blobs.validation.inputs)
