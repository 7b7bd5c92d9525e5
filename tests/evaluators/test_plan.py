"""Training plans: what can't be is named, all of it at once."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from netwright.core.errors import InvalidInput, NotFound
from netwright.evaluators import TrainingPlan
from netwright.tasks import task_from

WRONG = [
    ({"epochs": 0}, "`epochs` must be a whole number of at least 1, but is 0."),
    ({"epochs": 2.5}, "`epochs` must be a whole number of at least 1, but is 2.5."),
    ({"epochs": True}, "`epochs` must be a whole number of at least 1, but is True."),
    ({"batch_size": 0}, "`batch_size` must be a whole number of at least 1, but is 0."),
    ({"batch_size": "32"}, "`batch_size` must be a whole number of at least 1, but is '32'."),
    ({"crop": -1}, "`crop` must be a whole number of at least 0, but is -1."),
    ({"cutout": 1.5}, "`cutout` must be a whole number of at least 0, but is 1.5."),
    ({"lr": 0.0}, "`lr` must be above 0, but is 0.0."),
    ({"lr": -1}, "`lr` must be above 0, but is -1."),
    ({"lr": math.inf}, "`lr` must be above 0, but is inf."),
    ({"lr": math.nan}, "`lr` must be above 0, but is nan."),
    ({"lr": "fast"}, "`lr` must be above 0, but is 'fast'."),
    ({"momentum": 1.0}, "`momentum` must be in [0, 1), but is 1.0."),
    ({"momentum": None}, "`momentum` must be in [0, 1), but is None."),
    ({"weight_decay": -0.1}, "`weight_decay` must be at least 0, but is -0.1."),
    ({"label_smoothing": 1}, "`label_smoothing` must be in [0, 1), but is 1."),
    ({"warmup": 1.0}, "`warmup` must be in [0, 1), but is 1.0."),
    ({"clip": -1.0}, "`clip` must be at least 0, but is -1.0."),
    ({"schedule": "linear"}, "`schedule` must be one of onecycle, cosine, constant, but is 'linear'."),
    ({"precision": "float16"}, "`precision` must be float32 or bfloat16, but is 'float16'."),
    ({"optimizer": ""}, "`optimizer` must be the name of a class of torch.optim, but is ''."),
    ({"optimizer": None}, "`optimizer` must be the name of a class of torch.optim, but is None."),
    ({"flip": "yes"}, "`flip` must be True or False, but is 'yes'."),
    ({"channels_last": 1}, "`channels_last` must be True or False, but is 1."),
]


@pytest.mark.parametrize(("given", "said"), WRONG, ids=[f"{k}={v!r}" for given, _ in WRONG for k, v in given.items()])
def test_what_cannot_be(given, said):
    with pytest.raises(InvalidInput, match=f"a training plan can't be like this: {re.escape(said)}$"):
        TrainingPlan(**given)
    with pytest.raises(InvalidInput, match=re.escape(said)):
        replace(TrainingPlan(), **given)


def test_everything_wrong_is_named_at_once():
    with pytest.raises(InvalidInput) as raised:
        TrainingPlan(epochs=0, lr=-1, warmup=2, schedule="none", precision="half", optimizer="", flip=None)
    names = re.findall(r"- `(\w+)`", str(raised.value))
    assert names == ["epochs", "lr", "warmup", "flip", "schedule", "precision", "optimizer"]


def test_whole_numbers_where_reals_are_wanted_are_fine():
    assert TrainingPlan(lr=1, momentum=0, weight_decay=0, warmup=0, clip=2).lr == 1


def test_choices_replace_parts():
    plan = TrainingPlan(epochs=7).with_choices({"lr": 0.5, "optimizer": "rmsprop", "batch_size": 8})
    assert (plan.epochs, plan.lr, plan.optimizer, plan.batch_size) == (7, 0.5, "rmsprop", 8)
    assert TrainingPlan().with_choices({}) == TrainingPlan()


def test_an_unknown_choice_lists_the_nearest():
    said = r"unknown choice of the training 'learning_rte': .*Available: .*lr.*weight_decay"
    with pytest.raises(NotFound, match=said):
        TrainingPlan().with_choices({"learning_rte": 0.1})
    with pytest.raises(NotFound, match="did you mean 'batch_size'"):
        TrainingPlan().with_choices({"batchsize": 3})


def test_a_choice_out_of_its_range():
    with pytest.raises(InvalidInput, match=re.escape("`momentum` must be in [0, 1), but is 2")):
        TrainingPlan().with_choices({"momentum": 2})


def test_plans_are_values():
    assert TrainingPlan(lr=0.2) == TrainingPlan(lr=0.2)
    assert hash(TrainingPlan(lr=0.2)) == hash(TrainingPlan(lr=0.2))
    assert eval(repr(TrainingPlan(lr=0.2, flip=True)), {"TrainingPlan": TrainingPlan}) == TrainingPlan(
        lr=0.2, flip=True
    )


def images(n, side, channels=1):
    rng = np.random.default_rng(0)
    return task_from(rng.normal(size=(n, channels, side, side)).astype(np.float32), np.arange(n) % 2, flip=True)


def test_images_get_augmentation_that_fits_their_size():
    small, middle, large = (TrainingPlan.for_task(images(40, side)) for side in (4, 8, 28))
    assert [(plan.crop, plan.cutout) for plan in (small, middle, large)] == [(0, 0), (1, 0), (2, 0)]
    assert all(plan.flip for plan in (small, middle, large))
    assert large.label_smoothing == 0.1


def test_images_to_be_regressed_have_no_label_smoothing():
    rng = np.random.default_rng(0)
    task = task_from(rng.normal(size=(40, 1, 8, 8)).astype(np.float32), rng.normal(size=40))
    plan = TrainingPlan.for_task(task)
    assert (plan.label_smoothing, plan.crop) == (0.0, 1)


def test_tables_get_adamw_and_no_augmentation(blobs, diabetes):
    for task in (blobs, diabetes):
        plan = TrainingPlan.for_task(task)
        assert (plan.optimizer, plan.crop, plan.flip, plan.cutout) == ("adamw", 0, False, 0)


def test_more_data_get_larger_batches():
    sizes = [TrainingPlan.for_task(images(n, 2)).batch_size for n in (100, 3_000, 20_000)]
    assert sizes == [32, 64, 128]


def test_changes_go_before_what_is_usual(blobs):
    plan = TrainingPlan.for_task(blobs, optimizer="sgd", epochs=3)
    assert (plan.optimizer, plan.epochs) == ("sgd", 3)
