"""The bilevel loop: it finds what is planted, it is the same for a seed, and it goes on as if it had never stopped."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from netwright import Space, choice, nn
from netwright.core.errors import EvaluationError
from netwright.evaluators import TrainingPlan
from netwright.evaluators.examples_in_memory import in_memory
from netwright.oneshot.bilevel import bilevel
from netwright.oneshot.relaxation.perturbation import Adversarial, RandomNoise
from netwright.oneshot.relaxation.regularisers import BetaDecay, DirichletAnchor
from netwright.oneshot.relaxation.relaxation import Relaxation
from netwright.oneshot.relaxation.samplers import ConcreteSoft, DirichletSample, GumbelHard, Softmax, TwoPaths
from netwright.oneshot.relaxation.searching import RelaxedSearch
from netwright.oneshot.relaxation.stages import Stage, StagePlan
from netwright.oneshot.relaxed import Relaxed
from netwright.oneshot.stopping import TIME_IS_UP, SharpLoss, SkipCount
from netwright.oneshot.supernet import Supernet
from netwright.tasks import load, task_from

PLAN = TrainingPlan(epochs=4, batch_size=16, optimizer="sgd", lr=0.05, clip=5.0)


@pytest.fixture(scope="module")
def task():
    return load("blobs")


def space_of(n_features):
    """Two places, each for a layer or for none; dropout, so that torch's own generator matters."""
    layer = {"skip": nn.Identity(), "layer": nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Dropout(0.1))}
    places = [choice(layer, label=f"place.{i}") for i in range(2)]
    return Space(nn.Sequential(nn.Linear(n_features, 8), *places, nn.Linear(8, 3)))


def begun(task, relaxation, *, plan=PLAN, seed=0, space=None):
    supernet = Supernet(space or space_of(task.input_shape[0]), input_shape=task.input_shape, n_outputs=task.n_outputs)
    relaxed = Relaxed(
        supernet, sampler=relaxation.sampler, edges=relaxation.edges, partial=relaxation.partial, seed=seed
    )
    return RelaxedSearch.begin(relaxed, relaxation, plan, seed=seed)


def told(epoch):
    """All but the time."""
    return replace(epoch, seconds=0.0)


METHODS = [
    Relaxation(),
    Relaxation(order="exact"),
    Relaxation(order="finite"),
    Relaxation(sampler=GumbelHard()),
    Relaxation(sampler=ConcreteSoft(), levels="one"),
    Relaxation(sampler=TwoPaths(), warmup=0.3, share=0.2),
    Relaxation(sampler=DirichletSample(), stages=StagePlan((Stage(0.5), Stage(1.0, keep=0.9)), restart=True)),
    Relaxation(perturbation=RandomNoise()),
    Relaxation(perturbation=Adversarial(steps=2), regulariser=BetaDecay()),
    Relaxation(stopping=SharpLoss()),
]


@pytest.mark.parametrize("relaxation", METHODS, ids=lambda r: f"{type(r.sampler).__name__}-{r.order}-{r.levels}")
def test_a_search_that_was_cut_off_goes_on_as_if_it_had_not_been(task, relaxation, tmp_path):
    examples = in_memory(task, task.train)
    before = torch.get_rng_state()
    whole = [told(epoch) for epoch in bilevel(begun(task, relaxation), examples, task)]
    file = tmp_path / "search.ckpt"
    first = []
    for epoch in bilevel(begun(task, relaxation), examples, task, checkpoint=file):
        first.append(told(epoch))
        if len(first) == 2:
            break
    search = begun(task, relaxation)
    search.save_sometimes(tmp_path / "other.ckpt", last=True)
    rest = [told(epoch) for epoch in bilevel(search, examples, task, checkpoint=file)]
    assert first + rest[2 - len(whole) :] == whole
    assert [told(epoch) for epoch in search.epochs] == whole
    assert torch.equal(before, torch.get_rng_state())
    assert list(bilevel(search, examples, task, checkpoint=file)) == []  # nothing is left to do


def test_seeds_matter(task):
    examples = in_memory(task, task.train)
    found = [
        [told(epoch) for epoch in bilevel(begun(task, Relaxation(), seed=seed), examples, task)] for seed in (0, 0, 1)
    ]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("sampler", [Softmax(), GumbelHard(), ConcreteSoft(), TwoPaths(), DirichletSample()], ids=repr)
def test_it_finds_what_is_planted(sampler):
    """Data that only one of three options can tell apart: the distance from the origin."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(900, 2)).astype(np.float32)
    y = (np.hypot(x[:, 0], x[:, 1]) > 1.2).astype(int)
    task = task_from(x, y, seed=0)
    wide = nn.Sequential(nn.Linear(8, 8), nn.ReLU())
    options = {"skip": nn.Identity(), "linear": nn.Linear(8, 8), "curved": wide}
    space = Space(nn.Sequential(nn.Linear(2, 8), choice(options, label="op"), nn.Linear(8, 2)))
    relaxation = Relaxation(sampler=sampler, arch_lr=0.02, usual_steps=1)
    plan = replace(PLAN, epochs=12, optimizer="adamw", lr=0.02)
    *_, last = bilevel(begun(task, relaxation, plan=plan, space=space), in_memory(task, task.train), task)
    assert last.arch["op"] == "curved", last.weights


def test_it_ends_when_the_time_is_up(task):
    examples = in_memory(task, task.train)
    search = begun(task, Relaxation(), plan=replace(PLAN, epochs=10_000))
    ticks = itertools.count()  # a clock that goes on by 10 ms whenever somebody looks
    *_, last = bilevel(search, examples, task, allotted=1.0, clock=lambda: 0.01 * next(ticks))
    assert last.stopped == TIME_IS_UP
    assert last.progress == 1.0
    assert 60 < search.steps < 100
    assert search.seconds == pytest.approx(1.0, abs=0.05)
    assert search.weights.param_groups[0]["lr"] < 0.01 * PLAN.lr  # the schedule came to its end
    assert list(bilevel(search, examples, task)) == []


def test_it_ends_when_the_rule_says_so(task):
    examples = in_memory(task, task.train)
    relaxation = Relaxation(stopping=SkipCount(most=0, after=0.2))
    search = begun(task, relaxation)
    search.relaxed.alphas.set_weights({f"place.{i}": {"skip": 0.9, "layer": 0.1} for i in range(2)})
    epochs = list(bilevel(search, examples, task))
    assert len(epochs) == 1
    assert epochs[-1].stopped == "a cell has 2 skip connections"


def test_what_is_told(task):
    examples = in_memory(task, task.train)
    relaxation = Relaxation(sampler=ConcreteSoft(1.0, 0.25), stopping=SharpLoss())
    epochs = list(bilevel(begun(task, relaxation), examples, task))
    assert [epoch.number for epoch in epochs] == list(range(1, len(epochs) + 1))
    assert set(epochs[0].losses) == {"train", "val"}
    assert epochs[1].values["temperature"] == pytest.approx(0.5)
    assert np.isfinite(epochs[0].values["hessian_eigenvalue"])
    assert sum(epochs[0].weights["place.0"].values()) == pytest.approx(1)


def test_a_loss_that_is_no_number_ends_it(task):
    with pytest.raises(EvaluationError, match=r"train nan.*: it diverged\. Give a `plan` with a smaller `lr`"):
        list(
            bilevel(begun(task, Relaxation(), plan=replace(PLAN, lr=1e12, clip=0.0)), in_memory(task, task.train), task)
        )


def test_architecture_parameters_that_are_no_numbers_end_it(task):
    search = begun(task, Relaxation(sampler=DirichletSample(), regulariser=DirichletAnchor(1.0)))
    with torch.no_grad():
        for parameter in search.relaxed.arch_parameters():
            parameter.fill_(float("nan"))
    with pytest.raises(
        EvaluationError, match=r"parameters are no numbers .*: it diverged\. Give a `plan` with a"
    ) as said:
        list(bilevel(search, in_memory(task, task.train), task))
    assert isinstance(said.value.__cause__, ValueError)
