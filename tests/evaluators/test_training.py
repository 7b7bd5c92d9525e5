"""The training evaluator: fidelities, checkpoints, deadlines, and that it learns."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from netwright import Space, choice, integer, n_outputs, nn, real
from netwright.core import Arch, Candidate, Context
from netwright.core.errors import EvaluationError, InvalidInput, InvalidSpace, NotFound
from netwright.evaluators import Fitting, Training, TrainingPlan, fit, outputs_of, score
from netwright.evaluators.checkpoints import load_checkpoint
from netwright.evaluators.examples_in_memory import in_memory
from netwright.evaluators.training import cached_examples
from netwright.tasks import Split, load

PLAN = TrainingPlan(epochs=4, batch_size=24, lr=0.05, crop=1, flip=True, cutout=2)
EMPTY = Arch({})


@pytest.fixture(scope="module")
def few():
    """Few images: 96 to train, 24 to validate."""
    return load("stripes").subset(96)


@pytest.fixture
def evaluator(conv_space, few):
    return Training(conv_space, few, PLAN)


def candidate(fidelity=1.0, arch=EMPTY, number=0):
    return Candidate(number, arch, fidelity)


# What it measures -----------------------------------------------------------------------------------------------------


def test_metrics_are_those_of_the_validation_part(evaluator, few):
    context = Context(seed=3)
    found = evaluator(candidate(), context)
    fitting = Fitting.begin(evaluator.model(EMPTY, seed=3), PLAN, seed=3)
    fit(fitting, in_memory(few, few.train), few, PLAN)
    expected = score(fitting.model, in_memory(few, few.validation), few, few.validation)
    assert found == {**expected, "train_loss": fitting.losses[-1], "epochs": 4.0}
    assert context.curves["train_loss"] == fitting.losses
    assert context.curves["val_accuracy"][-1] == found["accuracy"]
    assert context.curves.keys() == {"train_loss", "val_accuracy", "val_loss"}
    assert context.partial is None


def test_the_test_part_is_never_touched(conv_space, few, evaluator):
    nothing = Split(np.zeros((0, 9, 9)), np.zeros(0))
    blind = Training(conv_space, replace(few, test=nothing), PLAN)
    assert blind(candidate(), Context()) == evaluator(candidate(), Context())


def test_the_seed_of_the_context_decides(evaluator):
    first, again, other = (evaluator(candidate(), Context(seed=seed)) for seed in (0, 0, 1))
    assert first == again != other


def test_no_global_random_state_is_touched(evaluator, random_states):
    before = random_states()
    evaluator(candidate(), Context(deadline=1e12))
    assert random_states() == before


def test_data_are_put_into_memory_once(few):
    first = cached_examples(few, few.train, "cpu", channels_last=True)
    assert cached_examples(few, few.train, "cpu", channels_last=True) is first


def test_the_number_of_threads_is_put_back(evaluator):
    before = torch.get_num_threads()
    evaluator(candidate(0.25), Context(threads=before + 1))
    assert torch.get_num_threads() == before


# Fidelity and checkpoints ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("epochs", "fidelity", "done"), [(4, 0.25, 1), (4, 0.26, 2), (4, 0.5, 2), (3, 1 / 3, 1), (10, 0.7, 7), (4, 0.01, 1)]
)
def test_fidelity_is_the_share_of_the_epochs(dense_space, blobs, epochs, fidelity, done):
    evaluator = Training(dense_space, blobs, TrainingPlan(epochs=epochs, batch_size=64))
    context = Context()
    assert evaluator(candidate(fidelity), context)["epochs"] == done
    assert len(context.curves["train_loss"]) == done


def test_half_then_whole_is_whole_at_once_to_the_bit(evaluator, tmp_path):
    """With dropout, augmentation and running statistics."""
    context = Context(seed=5)
    direct = evaluator(candidate(), context)
    half, rest = Context(seed=5, checkpoints=tmp_path), Context(seed=5, checkpoints=tmp_path)
    evaluator(candidate(0.5), half)
    assert evaluator(candidate(), rest) == direct
    for name, curve in context.curves.items():
        assert half.curves[name] + rest.curves[name] == curve


def test_a_promotion_goes_on_with_its_own_weights_whatever_its_seed(evaluator, tmp_path):
    evaluator(candidate(0.5), Context(seed=5, checkpoints=tmp_path))
    promoted = evaluator(candidate(number=9), Context(seed=99, checkpoints=tmp_path))
    assert promoted == evaluator(candidate(), Context(seed=5))


def test_through_many_fidelities(evaluator, tmp_path):
    for fidelity in (0.25, 0.5, 0.75, 1.0):
        found = evaluator(candidate(fidelity), Context(checkpoints=tmp_path))
    assert found == evaluator(candidate(), Context())


def test_the_checkpoint_is_named_after_the_arch_and_nothing_else_is_left(evaluator, tmp_path):
    evaluator(candidate(), Context(checkpoints=tmp_path))
    assert [file.name for file in tmp_path.iterdir()] == [f"{EMPTY.digest}.pt"]
    assert load_checkpoint(tmp_path / f"{EMPTY.digest}.pt")["epochs_done"] == 4


def test_a_candidate_that_is_evaluated_again_after_a_kill_gives_the_same(evaluator, tmp_path):
    """The checkpoint was written, the record wasn't."""
    evaluator(candidate(0.5), Context(seed=5, checkpoints=tmp_path))
    first, second = (Context(seed=6, checkpoints=tmp_path) for _ in range(2))
    assert evaluator(candidate(number=1), first) == evaluator(candidate(number=1), second)
    assert first.curves == second.curves


def test_the_same_arch_by_another_candidate_is_trained_anew(evaluator, tmp_path):
    evaluator(candidate(), Context(seed=5, checkpoints=tmp_path))
    assert evaluator(candidate(number=1), Context(seed=6, checkpoints=tmp_path)) == evaluator(
        candidate(), Context(seed=6)
    )


def test_a_lower_fidelity_leaves_the_checkpoint_of_a_higher_one(evaluator, tmp_path):
    evaluator(candidate(), Context(checkpoints=tmp_path))
    found = evaluator(candidate(0.5), Context(checkpoints=tmp_path))
    assert found == evaluator(candidate(0.5), Context())
    assert load_checkpoint(tmp_path / f"{EMPTY.digest}.pt")["epochs_done"] == 4


def test_a_checkpoint_of_another_space_or_of_other_data_is_not_used(evaluator, conv_space, few, tmp_path):
    other = Space(nn.Sequential(nn.Flatten(), nn.LazyLinear(n_outputs)))  # its one arch has the same decisions: none
    for elsewhere in (Training(other, few, PLAN), Training(conv_space, few.subset(60), PLAN)):
        elsewhere(candidate(0.5), Context(checkpoints=tmp_path))
        assert evaluator(candidate(), Context(checkpoints=tmp_path)) == evaluator(candidate(), Context())


def test_a_checkpoint_that_cannot_be_written_costs_no_candidate(evaluator, tmp_path, caplog):
    nowhere = tmp_path / "nowhere"
    assert evaluator(candidate(), Context(checkpoints=nowhere)) == evaluator(candidate(), Context())
    assert f"the checkpoint {EMPTY.digest}.pt can't be written" in caplog.text


def test_a_checkpoint_of_another_plan_is_not_used(evaluator, conv_space, few, tmp_path):
    other = Training(conv_space, few, replace(PLAN, lr=0.5))
    other(candidate(0.5), Context(checkpoints=tmp_path))
    assert evaluator(candidate(), Context(checkpoints=tmp_path)) == evaluator(candidate(), Context())


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04"])
def test_a_damaged_checkpoint_costs_time_only(evaluator, tmp_path, content):
    file = tmp_path / f"{EMPTY.digest}.pt"
    file.write_bytes(content)
    with pytest.raises(EvaluationError, match=rf"the checkpoint {EMPTY.digest}\.pt can't be read"):
        load_checkpoint(file)
    assert evaluator(candidate(), Context(checkpoints=tmp_path)) == evaluator(candidate(), Context())
    assert load_checkpoint(file)["epochs_done"] == 4  # it is a good one now


def test_a_checkpoint_that_is_not_there():
    with pytest.raises(EvaluationError, match="can't be read"):
        load_checkpoint(Path("nowhere.pt"))


# Deadlines ------------------------------------------------------------------------------------------------------------


class Ticking:
    """A clock that is a second further at each look."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now


def test_a_deadline_makes_it_partial(evaluator, tmp_path):
    context = Context(deadline=17.0, clock=Ticking(), checkpoints=tmp_path)
    found = evaluator(candidate(), context)
    assert context.partial == "the deadline is met after 3 of 4 epochs"
    assert found["epochs"] == 2.0
    assert found["accuracy"] > 0.3
    assert len(context.curves["train_loss"]) == 3
    assert len(context.curves["val_accuracy"]) == 2  # the time that is left is for the whole part
    assert context.clock.now <= 17.0
    assert list(tmp_path.iterdir()) == []  # a broken-off training can't be continued


def test_a_deadline_far_away_changes_nothing(evaluator):
    context = Context(deadline=1e9, clock=Ticking())
    assert evaluator(candidate(), context) == evaluator(candidate(), Context())
    assert context.partial is None


@pytest.mark.parametrize("deadline", [-5.0, 0.0, 3.0])
def test_a_deadline_that_is_over_is_a_failure(evaluator, deadline):
    with pytest.raises(EvaluationError, match="the deadline came before the first batch was trained"):
        evaluator(candidate(), Context(deadline=deadline, clock=Ticking()))


# Failures -------------------------------------------------------------------------------------------------------------


def test_a_training_that_diverges_fails(conv_space, few, tmp_path):
    evaluator = Training(conv_space, few, TrainingPlan(epochs=4, batch_size=24, lr=1e20))
    with pytest.raises(EvaluationError, match="it diverged"):
        evaluator(candidate(), Context(checkpoints=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_an_arch_that_cannot_be_built(few):
    space = Space(nn.Sequential(nn.MaxPool2d(choice([2, 16])), nn.Flatten(), nn.LazyLinear(n_outputs)))
    evaluator = Training(space, few, TrainingPlan(epochs=1))
    name = space.decisions[0].name
    assert evaluator(candidate(arch=Arch({name: 2})), Context())["epochs"] == 1
    with pytest.raises(InvalidSpace, match="MaxPool2d"):
        evaluator(candidate(arch=Arch({name: 16})), Context())


def test_an_arch_of_another_space(evaluator):
    with pytest.raises(InvalidSpace, match="'x' is not a decision of this space"):
        evaluator(candidate(arch=Arch({"x": 1})), Context())


# Training choices in the space ----------------------------------------------------------------------------------------


def space_with(**training):
    return Space(nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(n_outputs)), training=training, name="mine")


def test_the_arch_decides_about_its_training(blobs):
    space = space_with(
        optimizer=choice(["sgd", "adamw"]),
        lr=real(1e-3, 1e-1, log=True),
        weight_decay=choice([0.0, 0.1]),
        batch_size=choice([16, 64]),
        epochs=integer(1, 3),
    )
    evaluator = Training(space, blobs, TrainingPlan(momentum=0.5))
    arch = Arch({"optimizer": "adamw", "lr": 0.02, "weight_decay": 0.1, "batch_size": 64, "epochs": 2})
    assert evaluator.plan_of(arch) == TrainingPlan(
        optimizer="adamw", lr=0.02, weight_decay=0.1, batch_size=64, epochs=2, momentum=0.5
    )
    found = evaluator(candidate(arch=arch), Context())
    assert found["epochs"] == 2
    for name, value in (("optimizer", "sgd"), ("lr", 0.09), ("batch_size", 16)):
        assert evaluator(candidate(arch=arch.replace(**{name: value})), Context()) != found


def test_the_plan_of_the_task_is_the_default(dense_space, blobs):
    assert Training(dense_space, blobs).plan_of(EMPTY) == TrainingPlan.for_task(blobs)


@pytest.mark.parametrize(
    ("training", "error", "said"),
    [
        ({"lrr": 0.1}, NotFound, "unknown choice of the training 'lrr'"),
        ({"optimizer": choice(["sgd", "adamv"])}, NotFound, "unknown optimizer 'adamv': did you mean 'adam'"),
        ({"optimizer": choice(["sgd", "lbfgs"])}, InvalidInput, "the training choices of 'mine' don't fit: the optim"),
        ({"lr": choice([0.1, -1.0])}, InvalidInput, "'mine' don't fit: .*`lr` must be above 0, but is -1.0"),
        ({"lr": real(-0.5, 0.5)}, InvalidInput, "`lr` must be above 0, but is -0.5"),
        ({"batch_size": choice([choice([16, 0], label="n"), 32])}, InvalidInput, "`batch_size` must .* but is 0"),
        ({"momentum": 2 * choice([0.4, 0.6])}, InvalidInput, r"`momentum` must be in \[0, 1\), but is 1.2"),
    ],
)
def test_choices_that_do_not_fit_are_refused_before_any_training(blobs, training, error, said):
    with pytest.raises(error, match=said):
        Training(space_with(**training), blobs)


def test_all_choices_that_do_not_fit_are_named(blobs):
    with pytest.raises(InvalidInput) as raised:
        Training(space_with(lr=choice([0.0, 0.1, -1.0]), warmup=choice([0.1, 3.0])), blobs)
    assert [line.rpartition(" ")[2] for line in str(raised.value).splitlines()[1:]] == ["0.0.", "-1.0.", "3.0."]


def test_an_optimizer_of_the_plan_that_is_unknown(dense_space, blobs):
    with pytest.raises(NotFound, match="unknown optimizer 'adm'"):
        Training(dense_space, blobs, TrainingPlan(optimizer="adm"))


# Real and made-up data ------------------------------------------------------------------------------------------------


def test_it_learns_clouds_of_points(dense_space, blobs):
    found = Training(dense_space, blobs, TrainingPlan(epochs=20, batch_size=32, optimizer="adamw", lr=0.02))(
        candidate(), Context()
    )
    assert found["accuracy"] > 0.9
    assert found["loss"] < 0.3


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_it_learns_stripes(conv_space, stripes, precision):
    plan = TrainingPlan(epochs=4, batch_size=32, lr=0.05, crop=1, precision=precision)
    found = Training(conv_space, stripes, plan)(candidate(), Context())
    assert found["accuracy"] > 0.9
    assert math.isfinite(found["loss"])


def test_it_learns_a_number(dense_space, diabetes):
    found = Training(dense_space, diabetes, TrainingPlan(epochs=40, batch_size=32, optimizer="adamw", lr=0.01))(
        candidate(), Context()
    )
    assert found["r2"] > 0.35
    assert 40 < found["rmse"] < 70  # in the units of the targets
    assert found.keys() == {"r2", "rmse", "mae", "train_loss", "epochs"}


def test_it_learns_digits(conv_space):
    digits = load("digits")
    found = Training(conv_space, digits, TrainingPlan(epochs=6, batch_size=32, lr=0.05))(candidate(), Context())
    assert found["accuracy"] > 0.93


def test_two_numbers_of_different_size(two_numbers, dense_space):
    plan = TrainingPlan(epochs=40, batch_size=32, optimizer="adamw", lr=0.02)
    found = Training(dense_space, two_numbers, plan)(candidate(), Context())
    assert found["r2"] > 0.8  # the mean of both


# Travelling -----------------------------------------------------------------------------------------------------------


def test_a_pickled_evaluator_gives_the_same(evaluator):
    copy = pickle.loads(pickle.dumps(evaluator))
    assert copy(candidate(), Context()) == evaluator(candidate(), Context())


def test_the_model_takes_standardised_inputs(evaluator, few):
    model = evaluator.model(EMPTY, seed=0)
    assert outputs_of(model, in_memory(few, few.validation)).shape == (len(few.validation), 3)
    again = evaluator.model(EMPTY, seed=0)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    assert next(model.parameters()).is_contiguous(memory_format=torch.channels_last)


# On a part of the data that depends on the arch -----------------------------------------------------------------------


class SoMany:
    """Of how many examples an arch is trained on, told from outside."""

    def __init__(self, n):
        self.n = n

    def __call__(self, arch):
        return self.n


@pytest.mark.parametrize(("asked", "given"), [(50, 50), (1, 3), (10**6, 96)])
def test_so_many_examples(conv_space, few, asked, given):
    found = Training(conv_space, few, PLAN, n_train=SoMany(asked))(candidate(), Context(seed=3))
    assert found["n_train"] == given
    whole = Training(conv_space, few, PLAN)(candidate(), Context(seed=3))
    assert (found["train_loss"] == whole["train_loss"]) == (given == 96)


def test_a_part_has_all_classes(conv_space, few, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "netwright.evaluators.training.fit", lambda f, train, *_, **__: seen.append(train) or fit(f, train, few, PLAN)
    )
    Training(conv_space, few, PLAN, n_train=SoMany(10))(candidate(), Context())
    counts = np.bincount(seen[0].targets.numpy(), minlength=len(few.classes))
    assert counts.max() - counts.min() <= 1


def test_a_part_is_gone_on_with_and_another_is_not(conv_space, few, tmp_path):
    some, other = (Training(conv_space, few, PLAN, n_train=SoMany(n)) for n in (48, 72))
    at_once = some(candidate(), Context(seed=3))
    for first in (some, other):
        folder = tmp_path / str(first.n_train.n)
        folder.mkdir()
        first(candidate(0.5), Context(seed=3, checkpoints=folder))
        assert some(candidate(), Context(seed=3, checkpoints=folder)) == at_once
