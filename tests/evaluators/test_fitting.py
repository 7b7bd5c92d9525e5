"""The training loop: what it computes, that it can be interrupted anywhere, and that it ends in time."""

from __future__ import annotations

import io
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from netwright.core.errors import EvaluationError
from netwright.evaluators import Fitting, TrainingPlan, fit, outputs_of
from netwright.evaluators.examples_in_memory import in_memory
from netwright.evaluators.schedules import lr_share
from netwright.models import build

PLAN = TrainingPlan(epochs=4, batch_size=64, lr=0.05)
AUGMENTED = TrainingPlan(epochs=4, batch_size=50, lr=0.05, crop=1, flip=True, cutout=3, label_smoothing=0.1, clip=1.0)


class Clock:
    """Stands still until it is told to move."""

    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now

    def tick(self, *_):
        """A second passes."""
        self.now += 1.0


@pytest.fixture
def network(conv_space):
    """A fresh convolutional network for `stripes`."""
    return lambda seed=0: build(conv_space, conv_space.default(), input_shape=(1, 8, 8), n_outputs=3, seed=seed)


@pytest.fixture
def train(network, stripes, stripes_in_memory):
    """Train a fresh network."""

    def run(plan=PLAN, *, seed=0, fitting=None, **options):
        fitting = fitting or Fitting.begin(network(seed), plan, seed=seed)
        return fit(fitting, stripes_in_memory, stripes, plan, **options)

    return run


def weights(fitting):
    return {name: tensor.clone() for name, tensor in fitting.model.state_dict().items()}


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


# What it computes -----------------------------------------------------------------------------------------------------


def test_it_is_the_plain_loop(train, network, stripes, stripes_in_memory):
    """Against the loop that everybody would write."""
    fitting = train(PLAN)
    model, generator = network(), torch.Generator().manual_seed(0)
    kernels = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    optimizer = torch.optim.SGD(
        [{"params": kernels, "weight_decay": PLAN.weight_decay}, {"params": others}],
        lr=PLAN.lr, momentum=0.9, nesterov=True, fused=True,
    )  # fmt: skip
    losses = []
    with torch.random.fork_rng():
        torch.manual_seed(1)
        for epoch in range(4):
            total = 0.0
            for step, (inputs, targets) in enumerate(stripes_in_memory.training_batches(PLAN, generator)):
                for group in optimizer.param_groups:
                    group["lr"] = PLAN.lr * lr_share(PLAN, (epoch + step / 6) / 4)
                loss = functional.cross_entropy(model(inputs), targets)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.item()
            losses.append(total / 6)
    assert fitting.losses == pytest.approx(losses, rel=1e-6)
    assert same(weights(fitting), model.state_dict())


def test_it_learns(train, stripes, stripes_in_memory):
    fitting = train()
    assert fitting.losses[-1] < 0.5 * fitting.losses[0]
    outputs = outputs_of(fitting.model, stripes_in_memory)
    assert stripes.metrics(outputs, stripes.train.targets)["accuracy"] > 0.9


def test_the_learning_rate_follows_the_schedule(train):
    seen = []
    fitting = Fitting.begin(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), PLAN, seed=0)
    train(PLAN, fitting=fitting, on_step=lambda _: seen.append(fitting.optimizer.param_groups[0]["lr"]))
    assert seen == pytest.approx([PLAN.lr * lr_share(PLAN, i / 24) for i in range(24)])


def test_label_smoothing_and_clipping_count(train):
    plain = train()
    assert train(TrainingPlan(epochs=4, batch_size=64, lr=0.05, label_smoothing=0.3)).losses[-1] > plain.losses[-1]
    clipped = train(TrainingPlan(epochs=1, batch_size=64, lr=0.05, clip=1e-6, weight_decay=0.0, momentum=0.0))
    start = train(until_epoch=0)
    names = [name for name, _ in start.model.named_parameters()]
    moved = max(float((weights(clipped)[name] - weights(start)[name]).abs().max()) for name in names)
    assert 0 < moved < 1e-6


def test_numbers_are_learned_in_standard_units(two_numbers):
    examples = in_memory(two_numbers, two_numbers.train)
    plan = TrainingPlan(epochs=30, batch_size=32, optimizer="adamw", lr=0.05)
    model = nn.Linear(5, 2)
    fitting = fit(Fitting.begin(model, plan, seed=0), examples, two_numbers, plan)
    assert fitting.losses[-1] < 0.01
    validation = in_memory(two_numbers, two_numbers.validation)
    metrics = two_numbers.metrics(outputs_of(model, validation), two_numbers.validation.targets)
    assert metrics["r2"] > 0.99
    assert metrics["mae"] < 50  # the first number is around 500 ± 1,000


def test_bfloat16_trains_float32_weights(train):
    rounded = train(TrainingPlan(epochs=4, batch_size=64, lr=0.05, precision="bfloat16"))
    exact = train()
    assert all(tensor.dtype == torch.float32 for tensor in rounded.model.parameters())
    assert not same(weights(rounded), weights(exact))
    assert rounded.losses == pytest.approx(exact.losses, abs=0.1)


def test_a_batch_larger_than_the_data_is_all_of_them(train):
    steps = []
    train(TrainingPlan(epochs=2, batch_size=10_000), on_step=steps.append)
    assert steps == [1, 1]


def test_who_is_told(train):
    epochs, steps = [], []
    fitting = train(on_epoch=lambda f: epochs.append((f.epochs_done, len(f.losses))), on_step=steps.append)
    assert epochs == [(1, 1), (2, 2), (3, 3), (4, 4)]
    assert steps == [1, 2, 3, 4, 5, 6] * 4
    assert fitting.stopped == ""


def test_looking_at_the_model_in_between_changes_nothing(train, stripes_in_memory):
    looked = train(on_epoch=lambda f: outputs_of(f.model, stripes_in_memory.first(50)))
    assert same(weights(looked), weights(train()))
    assert looked.model.training


def test_a_model_in_evaluation_mode_is_trained_in_training_mode(train, network):
    fitting = Fitting.begin(network().eval(), PLAN, seed=0)
    assert same(weights(train(fitting=fitting)), weights(train()))


# Seeds ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", [PLAN, AUGMENTED], ids=["plain", "augmented"])
def test_the_seed_decides_everything(train, plan):
    first, again, other = train(plan), train(plan), train(plan, seed=1)
    assert same(weights(first), weights(again))
    assert first.losses == again.losses
    assert first.losses != other.losses


def test_no_global_random_state_is_touched_or_used(train, random_states):
    before = random_states()
    first = train(AUGMENTED)
    assert random_states() == before
    with torch.random.fork_rng():
        torch.manual_seed(12345)
        second = train(AUGMENTED)
    assert same(weights(first), weights(second))


def test_global_random_state_is_put_back_after_a_failure(train):
    before = torch.random.get_rng_state()
    with pytest.raises(EvaluationError):
        train(TrainingPlan(epochs=4, batch_size=32, lr=1e20))
    assert torch.equal(torch.random.get_rng_state(), before)


# Interrupted and continued --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("optimizer", "precision"), [("sgd", "float32"), ("adamw", "float32"), ("rmsprop", "bfloat16")]
)
@pytest.mark.parametrize("stops", [[2], [1, 2, 3], [0, 3]])
def test_going_on_from_a_checkpoint_is_as_never_stopping_to_the_bit(train, network, optimizer, precision, stops):
    """Weights, running statistics, losses and the random states, with dropout and augmentation, through a file."""
    plan = TrainingPlan(
        epochs=4, batch_size=50, optimizer=optimizer, lr=0.01, crop=1, flip=True, cutout=3, precision=precision
    )
    whole = train(plan)
    fitting = Fitting.begin(network(), plan, seed=0)
    for epoch in [*stops, 4]:
        train(plan, fitting=fitting, until_epoch=epoch)
        file = io.BytesIO()
        torch.save(fitting.state(), file)
        file.seek(0)
        fitting = Fitting.begin(network(7), plan, seed=99)  # all of it is replaced
        fitting.restore(torch.load(file, weights_only=True))
        assert fitting.epochs_done == epoch
    assert fitting.losses == whole.losses
    assert same(weights(fitting), weights(whole))
    assert torch.equal(fitting.noise, whole.noise)
    assert torch.equal(fitting.generator.get_state(), whole.generator.get_state())


def test_a_state_is_a_copy_of_the_losses_but_not_of_the_weights(train):
    fitting = train(until_epoch=1)
    state = fitting.state()
    train(fitting=fitting)
    assert len(state["losses"]) == 1
    assert same(state["model"], weights(fitting))


def test_what_is_done_already_is_not_done_again(train):
    fitting = train()
    before = weights(fitting)
    train(fitting=fitting, on_step=lambda _: pytest.fail("nothing is left to do"))
    assert same(weights(fitting), before)


def test_the_plan_is_the_longest_training(train):
    assert train(until_epoch=100).epochs_done == 4


# Time -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "steps", "epochs"), [(0.5, 1, 0), (5, 5, 0), (6, 6, 1), (7.5, 8, 1), (1e9, 24, 4)])
def test_a_deadline_is_kept_within_one_batch(train, seconds, steps, epochs):
    clock, done = Clock(), []

    def step(number):
        done.append(number)
        clock.tick()

    fitting = train(deadline=clock.now + seconds, clock=clock, on_step=step)
    assert len(done) == steps
    assert fitting.epochs_done == epochs
    assert fitting.stopped == ("" if epochs == 4 else "the deadline is met")
    assert len(fitting.losses) == math.ceil(steps / 6)


def test_a_deadline_that_is_over_already_leaves_the_model_as_it_was(train):
    clock, fresh = Clock(), train(until_epoch=0)
    fitting = train(deadline=clock.now - 1, clock=clock, on_epoch=lambda _: pytest.fail("no epoch was begun"))
    assert fitting.losses == []
    assert fitting.stopped == "the deadline is met"
    assert same(weights(fitting), weights(fresh))


def test_the_last_epoch_is_told_even_if_it_is_not_whole(train):
    clock, told = Clock(), []
    train(deadline=clock.now + 8, clock=clock, on_step=clock.tick,
          on_epoch=lambda f: told.append((f.epochs_done, len(f.losses), f.stopped)))  # fmt: skip
    assert told == [(1, 1, ""), (1, 2, "the deadline is met")]


@pytest.mark.parametrize("seconds", [3.0, 10.0, 17.5, 23.0])
def test_an_allotted_time_brings_the_schedule_to_its_end(train, network, seconds):
    """24 steps of a second each are planned, fewer fit: the learning rate comes down to zero all the same."""
    clock, rates = Clock(), []
    fitting = Fitting.begin(network(), PLAN, seed=0)

    def step(_):
        rates.append(fitting.optimizer.param_groups[0]["lr"])
        clock.tick()

    train(fitting=fitting, allotted=seconds, clock=clock, on_step=step)
    assert len(rates) == math.ceil(seconds)
    assert rates == pytest.approx([PLAN.lr * lr_share(PLAN, i / seconds) for i in range(len(rates))])
    assert rates[-1] < 0.25 * PLAN.lr or seconds == 3.0
    assert fitting.stopped == "the time for training is up"


def test_more_time_than_is_needed_changes_nothing(train):
    clock = Clock()
    fitting = train(allotted=1_000.0, clock=clock, on_step=clock.tick)
    assert same(weights(fitting), weights(train()))
    assert fitting.stopped == ""


def test_a_machine_that_becomes_slow_half_way_still_ends_in_time(train, network):
    clock, rates = Clock(), []
    fitting = Fitting.begin(network(), PLAN, seed=0)

    def step(_):
        rates.append(fitting.optimizer.param_groups[0]["lr"])
        clock.now += 1.0 if len(rates) < 12 else 5.0

    train(fitting=fitting, allotted=30.0, clock=clock, on_step=step)
    assert len(rates) == 11 + 4
    assert rates[-1] < 0.1 * PLAN.lr


# Failures -------------------------------------------------------------------------------------------------------------


def test_a_training_that_diverges_says_so(train):
    with pytest.raises(EvaluationError, match=r"the training loss is (nan|inf) in epoch \d \(lr 1e\+20\): it diverged"):
        train(TrainingPlan(epochs=4, batch_size=32, lr=1e20))


def test_it_is_noticed_in_the_middle_of_an_epoch(train):
    steps = []
    with pytest.raises(EvaluationError, match="in epoch 1"):
        train(TrainingPlan(epochs=2, batch_size=4, lr=1e20), on_step=steps.append)
    assert len(steps) <= 48  # of 96


def test_data_that_are_no_numbers_are_noticed(stripes, network):
    examples = in_memory(stripes, stripes.train)
    examples.inputs[5] = float("nan")
    with pytest.raises(EvaluationError, match="the training loss is nan in epoch 1"):
        fit(Fitting.begin(network(), PLAN, seed=0), examples, stripes, PLAN)


def test_an_error_of_the_model_passes_through(stripes, stripes_in_memory):
    model = nn.Sequential(nn.Flatten(), nn.Linear(63, 3))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        fit(Fitting.begin(model, PLAN, seed=0), stripes_in_memory, stripes, PLAN)
