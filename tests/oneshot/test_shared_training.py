"""The training loop of a supernet: it learns, is the same for a seed and goes on exactly; so does one's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from netwright import Space, choice, defer, n_outputs, nn
from netwright.core.errors import EvaluationError
from netwright.evaluators import TrainingPlan
from netwright.oneshot.diary import Diary
from netwright.oneshot.gradient_means import GradientMeans
from netwright.oneshot.relaxed import Relaxed
from netwright.oneshot.samplers import (
    Attentive,
    ControllerDriven,
    Greedy,
    ProgressiveShrinking,
    Sandwich,
    StrictFairness,
    Turn,
    Uniform,
)
from netwright.oneshot.shared_training import fit_shared
from netwright.oneshot.supernet import Supernet
from netwright.strategies.controller import Learning
from netwright.testing.global_state import unchanged_global_state

PLAN = TrainingPlan(epochs=3, batch_size=32, lr=0.05, clip=5.0)
FEW = Learning(hidden=8, batch=4, learning_rate=0.02, entropy=1.0, baseline_decay=0.9)
SAMPLERS = [
    Uniform(),
    StrictFairness(),
    Sandwich(n_random=1),
    ProgressiveShrinking(),
    ControllerDriven(FEW, every=4),
    Greedy(n_drawn=4, n_kept=2),
    Attentive(every=6, looks=4, n_costed=8),
]


def same(first, second):
    one, two = first.supernet.state_dict(), second.supernet.state_dict()
    return all(torch.equal(one[name], two[name]) for name in one) and first.losses == second.losses


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: type(sampler).__name__)
def test_it_goes_on_exactly_where_it_stopped(sampler, trained, begun, parts, stripes, tmp_path):
    with unchanged_global_state("fit_shared"):
        whole = trained(sampler)
    first = trained(sampler, until_epoch=1)
    first.save(tmp_path / "supernet.ckpt", key="this")
    second = begun(sampler)
    assert not second.go_on_from(tmp_path / "supernet.ckpt", key="another")
    assert second.epochs_done == 0
    assert not second.go_on_from(tmp_path / "supernet.ckpt", key="this")
    assert second.epochs_done == 1
    fit_shared(second, *parts, stripes, PLAN)
    assert same(second, whole)


def test_it_learns_and_the_seed_matters(trained):
    plan = replace(PLAN, epochs=12)
    first = trained(plan=plan)
    assert first.losses[-1] < 0.75 * first.losses[0]
    assert first.steps_done == 12 * 12
    assert not same(trained(seed=1), trained(seed=2))


def test_the_checkpoint_may_be_damaged(begun, tmp_path, caplog):
    (tmp_path / "supernet.ckpt").write_bytes(b"nothing")
    assert not begun().go_on_from(tmp_path / "supernet.ckpt", key="")
    assert "can't be read" in caplog.text
    begun().save(tmp_path / "missing" / "supernet.ckpt", key="")
    assert "can't be written" in caplog.text


def test_the_schedule_comes_to_its_end_in_the_time_allotted(trained):
    now = iter(np.arange(0.0, 1000.0, 0.1))
    rates = []
    fitting = trained(
        plan=replace(PLAN, epochs=1000),
        allotted=3.0,
        clock=lambda: float(next(now)),
        on_epoch=lambda fitting: rates.append(fitting.optimizer.param_groups[0]["lr"]),
    )
    assert fitting.stopped == "the time for training is up"
    assert 25 <= fitting.steps_done <= 30
    assert rates[-1] < 0.01 * PLAN.lr
    assert fitting.seconds == pytest.approx(3.0, abs=0.4)


def test_one_step_is_made_even_without_time(trained):
    fitting = trained(allotted=0.0)
    assert (fitting.steps_done, len(fitting.losses)) == (1, 1)


def test_divergence_is_said(trained):
    with pytest.raises(EvaluationError, match=r"the supernet's loss is .*: it diverged"):
        trained(plan=replace(PLAN, lr=1e12, clip=0.0, schedule="constant"))


def test_the_diary_knows_which_paths_were_trained(trained, elastic):
    diary = Diary()
    diary.begin(space=elastic, title="fair", n_epochs=3)
    trained(StrictFairness(), diary=diary)
    (phase,) = diary.phases.values()
    assert [epoch.number for epoch in phase.epochs] == [1, 2, 3]
    assert phase.totals()["act0"] == {"relu": 36, "silu": 36}
    assert phase.epochs[-1].losses["train"] > 0


def test_only_what_a_path_uses_moves(begun, parts, elastic, stripes):
    fitting = begun()
    supernet = fitting.supernet
    arch = elastic.with_decision(elastic.default(), "depth", 1)
    used = {id(parameter) for parameter in supernet.parameters_of(arch)}
    before = {name: parameter.clone() for name, parameter in supernet.named_parameters()}

    class One:
        def step(self, rng, progress, score):
            return (Turn(arch),)

    fitting.paths = One()
    fit_shared(fitting, *parts, stripes, PLAN, until_epoch=1)
    moved = {name for name, parameter in supernet.named_parameters() if not torch.equal(parameter, before[name])}
    assert moved == {name for name, parameter in supernet.named_parameters() if id(parameter) in used}
    assert any("[1]" in name for name in before)
    assert not any("[1]" in name for name in moved)


def test_what_several_paths_use_moves_by_the_mean():
    shared, own = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)
    both = torch.nn.ModuleList([shared, own])
    x = torch.ones(1, 2)
    with GradientMeans(both) as means:
        means.expect(2)
        shared(x).sum().backward()
        (3 * own(shared(x))).sum().backward()
        sums = [parameter.grad.clone() for parameter in both.parameters()]
        means.divide()
    halves = [1, 1, 2, 2]
    expected = [total / 2 for total in sums[:2]] + sums[2:]
    assert len(halves) == len(expected)
    assert all(torch.equal(p.grad, e) for p, e in zip(both.parameters(), expected, strict=True))
    shared.zero_grad()
    shared(x).sum().backward()  # no hook is left
    assert not means._counts


def test_a_pupil_agrees_with_its_teacher_whatever_the_targets_say(elastic, stripes, parts, begun):
    teacher = elastic.default()
    pupil = elastic.with_decision(teacher, "act0", "silu")

    class Taught:
        def step(self, rng, progress, score):
            return Turn(teacher, targets=0.0, teaches=True), Turn(pupil, targets=0.0, teaching=1.0)

    def agreement(supernet):
        said = []
        for arch in (teacher, pupil):
            supernet.eval().calibrate(arch, [parts[0].inputs])
            with torch.no_grad():
                said.append(supernet.path(arch)(parts[1].inputs).argmax(1))
        return float((said[0] == said[1]).float().mean())

    fitting = begun()
    fitting.paths = Taught()
    plan = replace(PLAN, epochs=6)
    nonsense = replace(parts[0], targets=parts[0].targets.flip(0))
    fit_shared(fitting, nonsense, parts[1], stripes, plan)
    assert agreement(fitting.supernet) > 0.85


def test_regression_too(begun):
    from netwright import Space, choice, n_outputs, nn
    from netwright.evaluators.examples_in_memory import in_memory
    from netwright.tasks import task_from

    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3)).astype(np.float32)
    task = task_from(x, x @ np.array([1.0, -2.0, 0.5], np.float32), kind="regression", name="line")
    space = Space(nn.Sequential(nn.LazyLinear(choice([4, 8], label="width")), nn.ReLU(), nn.LazyLinear(n_outputs)))
    plan = TrainingPlan.for_task(task, epochs=5)
    fitting = begun(Sandwich(n_random=1), plan=plan, space=space, task=task)
    fit_shared(fitting, in_memory(task, task.train), in_memory(task, task.validation), task, plan)
    assert fitting.losses[-1] < fitting.losses[0]


# A loop of one's own --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, nesterov=True),
        lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, foreach=True),
        lambda p: torch.optim.AdamW(p, 3e-3),
        lambda p: torch.optim.Adam(p, 3e-3, fused=True),
        lambda p: torch.optim.RMSprop(p, 1e-3),
        lambda p: torch.optim.Adagrad(p, 1e-2),
    ],
    ids=["sgd", "sgd foreach", "adamw", "adam fused", "rmsprop", "adagrad"],
)
def test_a_loop_of_ones_own_with_any_optimizer(make, elastic, begun, parts):
    supernet = begun().supernet.train()
    optimizer = make(list(supernet.parameters()))
    inputs, targets = parts[0].inputs, parts[0].targets
    losses = []
    for step in range(60):
        rows = torch.arange(step * 32, step * 32 + 32) % len(inputs)
        with supernet.path(elastic.sample(np.random.default_rng(step))):
            loss = functional.cross_entropy(supernet(inputs[rows]), targets[rows])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(supernet.parameters(), 5.0)
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-15:]) < np.mean(losses[:15])


def test_accumulation_in_a_loop_of_ones_own_is_the_sum_of_the_parts(elastic, begun, parts):
    supernet = begun().supernet.eval()  # without dropout, and with the same statistics for halves
    arch, other = elastic.default(), elastic.sample(np.random.default_rng(3))
    inputs, targets = parts[0].inputs[:32], parts[0].targets[:32]
    for each in (arch, other):
        with supernet.path(each):
            (functional.cross_entropy(supernet(inputs), targets) / 2).backward()
    whole = {
        name: parameter.grad.clone() for name, parameter in supernet.named_parameters() if parameter.grad is not None
    }
    supernet.zero_grad()
    for each in (arch, other):
        for half in (slice(0, 16), slice(16, 32)):
            with supernet.path(each):
                (functional.cross_entropy(supernet(inputs[half]), targets[half]) / 4).backward()
    for name, parameter in supernet.named_parameters():
        if name in whole:
            torch.testing.assert_close(parameter.grad, whole[name], rtol=1e-4, atol=1e-6)


def test_mixed_precision_in_a_loop_of_ones_own(elastic, begun, parts):
    supernet = begun().supernet.train()
    optimizer = torch.optim.SGD(supernet.parameters(), 0.05)
    scaler = torch.amp.GradScaler("cpu", enabled=True)
    inputs, targets = parts[0].inputs[:64], parts[0].targets[:64]
    for step in range(3):
        with torch.autocast("cpu", torch.bfloat16), supernet.path(elastic.sample(np.random.default_rng(step))):
            outputs = supernet(inputs)
            loss = functional.cross_entropy(outputs.float(), targets)
        assert outputs.dtype == torch.bfloat16
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    assert all(parameter.dtype == torch.float32 for parameter in supernet.parameters())
    assert all(torch.isfinite(parameter).all() for parameter in supernet.parameters())


def test_bfloat16_by_the_plan(trained):
    assert np.isfinite(trained(plan=replace(PLAN, epochs=1, precision="bfloat16")).losses).all()


class Picky(torch.nn.Module):
    """Takes as many examples as a network is looked at with."""

    def forward(self, x):
        if len(x) > 2:
            raise IndexError("it takes two examples")
        return x


def test_what_a_module_raises_names_the_path(begun, parts, stripes):
    space = Space(nn.Sequential(nn.Flatten(), choice({"picky": defer(Picky)}, label="op"), nn.LazyLinear(n_outputs)))
    with pytest.raises(EvaluationError, match=r"'op': 'picky'.* raised IndexError: it takes two examples\.") as said:
        fit_shared(begun(space=space), *parts, stripes, PLAN)
    assert isinstance(said.value.__cause__, IndexError)
    relaxed = Relaxed(Supernet(space, input_shape=stripes.input_shape, n_outputs=stripes.n_outputs))
    with pytest.raises(EvaluationError, match=r"the mixture of the options of .* raised IndexError"):
        relaxed(parts[0].inputs)
