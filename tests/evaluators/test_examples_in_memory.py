"""Data in memory, against the same in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netwright.evaluators import TrainingPlan
from netwright.evaluators.examples_in_memory import in_memory
from netwright.tasks import task_from


def standardised(task, split):
    """The same by numpy, in the precision of the data in memory."""
    mean, std = np.asarray(task.input_mean, np.float32), np.asarray(task.input_std, np.float32)
    if task.modality == "image":
        mean, std = mean[:, None, None], std[:, None, None]
    return (split.inputs.astype(np.float32) - mean) / std


@pytest.mark.parametrize("name", ["stripes", "colours", "blobs", "diabetes", "two_numbers"])
@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_inputs_are_standardised_by_the_train_part(name, part, request):
    task = request.getfixturevalue(name)
    split = getattr(task, part)
    before = split.inputs.copy()
    examples = in_memory(task, split)
    assert examples.inputs.dtype == torch.float32
    assert np.array_equal(examples.inputs.numpy(), standardised(task, split))
    assert np.array_equal(split.inputs, before)  # the task's own data stay
    assert len(examples) == len(split)
    if part == "train":
        assert float(examples.inputs.mean()) == pytest.approx(0.0, abs=1e-4)


def test_arrays_of_any_shape():
    rng = np.random.default_rng(0)
    task = task_from(rng.normal(3, 2, size=(60, 2, 5)).astype(np.float32), np.arange(60) % 2)
    examples = in_memory(task, task.train)
    assert examples.inputs.shape[1:] == task.input_shape
    assert float(examples.inputs.mean()) == pytest.approx(0.0, abs=1e-3)


def test_classes_stay_indices(stripes):
    targets = in_memory(stripes, stripes.train).targets
    assert targets.dtype == torch.int64
    assert np.array_equal(targets.numpy(), stripes.train.targets)


def test_numbers_are_standardised(two_numbers):
    targets = in_memory(two_numbers, two_numbers.train).targets
    assert targets.dtype == torch.float32
    assert targets.shape == (len(two_numbers.train), 2)
    assert torch.allclose(targets.mean(dim=0), torch.zeros(2), atol=1e-3)
    assert torch.allclose(targets.std(dim=0), torch.ones(2), atol=2e-2)
    back = targets.numpy() * two_numbers.target_std + two_numbers.target_mean
    assert back == pytest.approx(two_numbers.train.targets, rel=1e-3)


@pytest.mark.parametrize("name", ["stripes", "colours", "blobs"])
def test_data_too_large_to_be_standardised_at_once_give_the_same_batches(name, request):
    task = request.getfixturevalue(name)
    small, large = in_memory(task, task.train), in_memory(task, task.train, most_floats=10)
    assert large.inputs.dtype == torch.from_numpy(task.train.inputs).dtype  # as they are
    assert large.mean is not None
    rows = torch.tensor([3, 1, 60])
    for got, expected in zip(large.batch(rows), small.batch(rows), strict=True):
        assert torch.equal(got, expected)
    assert torch.equal(large.first(5).batch(slice(0, 5))[0], small.first(5).batch(slice(0, 5))[0])
    plan = TrainingPlan(batch_size=32, crop=1, flip=True, cutout=2)
    for first, second in zip(epoch(small, plan), epoch(large, plan), strict=True):
        assert torch.equal(first[0], second[0])


def epoch(examples, plan, seed=0):
    return list(examples.training_batches(plan, torch.Generator().manual_seed(seed)))


@pytest.mark.parametrize(("size", "batches"), [(50, 2), (64, 2), (65, 1), (128, 1), (129, 1), (10_000, 1)])
def test_an_epoch_is_whole_batches(size, batches, colours):
    examples = in_memory(colours, colours.train)
    found = epoch(examples, TrainingPlan(batch_size=size))
    assert [len(inputs) for inputs, _ in found] == [min(size, 128)] * batches


def test_an_epoch_has_every_example_once_beside_its_own_target(colours):
    examples = in_memory(colours, colours.train)
    inputs, targets = (torch.cat(parts) for parts in zip(*epoch(examples, TrainingPlan(batch_size=32)), strict=True))
    distance = (inputs[:, None] - examples.inputs[None]).abs().flatten(2).sum(dim=2)
    nearest = distance.argmin(dim=1)
    assert sorted(nearest.tolist()) == list(range(128))
    assert float(distance.min(dim=1).values.max()) == 0.0
    assert torch.equal(targets, examples.targets[nearest])
    assert nearest.tolist() != list(range(128))  # shuffled


def test_epochs_follow_the_generator(colours):
    examples = in_memory(colours, colours.train)
    plan = TrainingPlan(batch_size=32, crop=1, flip=True, cutout=2)
    first, again, other = epoch(examples, plan), epoch(examples, plan), epoch(examples, plan, seed=1)
    assert all(torch.equal(a[0], b[0]) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0][0], other[0][0])
    random = torch.Generator().manual_seed(0)
    one, two = (next(examples.training_batches(plan, random)) for _ in range(2))
    assert not torch.equal(one[0], two[0])  # each epoch is shuffled anew


def test_augmentation_is_for_images_only(blobs, blobs_in_memory):
    plain, augmented = (
        epoch(blobs_in_memory, plan) for plan in (TrainingPlan(), TrainingPlan(crop=1, flip=True, cutout=2))
    )
    assert all(torch.equal(a[0], b[0]) for a, b in zip(plain, augmented, strict=True))


@pytest.mark.parametrize("augmented", [{}, {"crop": 1}, {"flip": True}, {"cutout": 2}])
@pytest.mark.parametrize("channels_last", [True, False])
def test_how_batches_lie_in_memory(colours, augmented, channels_last):
    examples = in_memory(colours, colours.train, channels_last=channels_last)
    wanted = torch.channels_last if channels_last else torch.contiguous_format
    for inputs, _ in epoch(examples, TrainingPlan(batch_size=64, **augmented)):
        assert inputs.is_contiguous(memory_format=wanted)
    assert examples.batch(slice(0, 7))[0].is_contiguous(memory_format=wanted)


def test_a_look_at_the_first_is_spread_over_the_part(stripes):
    examples = in_memory(stripes, stripes.train)
    assert torch.equal(examples.first(96).inputs, examples.inputs[::4])
    assert torch.equal(examples.first(96).targets, examples.targets[::4])
    assert [len(examples.first(n)) for n in (1, 100, 384, 1_000)] == [1, 100, 384, 384]
