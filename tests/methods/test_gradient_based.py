"""Gradient-based methods from end to end: what they derive becomes records, also after a kill and with a deadline."""

from __future__ import annotations

import time

import pytest
import torch

from netwright import Space, choice, integer, nn
from netwright.automl import search
from netwright.core import Context
from netwright.core.errors import InvalidInput, InvalidSpace
from netwright.core.registry import methods
from netwright.evaluators import Function, Training, TrainingPlan
from netwright.oneshot.diary import Diary
from netwright.oneshot.relaxation.perturbation import Adversarial
from netwright.oneshot.relaxation.preparing import GradientBased
from netwright.oneshot.relaxation.searching import RelaxedSearch
from netwright.oneshot.stopping import SharpLoss
from netwright.spaces.zoo.nb201 import nb201
from netwright.tasks import load

NAMES = ["beta_darts", "darts", "drnas", "fair_darts", "fbnet", "gdas", "p_darts", "pc_darts", "proxylessnas", "sdarts",
         "snas"]  # fmt: skip
PLAN = TrainingPlan(epochs=1, batch_size=32, lr=0.05)
CELLS = nb201(channels=4, n_cells=1, input_shape=(1, 8, 8))


@pytest.fixture(scope="module")
def stripes():
    return load("stripes").subset(64)


@pytest.mark.parametrize("name", NAMES)
def test_each_method_derives_arches(name, stripes, tmp_path):
    recipe = methods[name](CELLS, epochs=2)
    before = torch.get_rng_state()
    context = Context(checkpoints=tmp_path, seed=5)
    prepared = recipe.prepare(Training(CELLS, stripes, PLAN), context)
    assert torch.equal(torch.get_rng_state(), before)
    arches = prepared.strategy.arches
    assert 1 <= len(arches) <= 5
    for arch in arches:
        CELLS.validate(arch)
    epochs = Diary(tmp_path / "oneshot.jsonl").phases[name].epochs
    assert [epoch.number for epoch in epochs] == [1, 2]
    assert epochs[-1].arch == arches[0]
    assert set(epochs[-1].weights) >= {"cell.1<-0", "cell.3<-2"}
    assert len(context.curves[f"{name} train_loss"]) == 2


def test_what_was_searched_is_not_searched_again(stripes, tmp_path):
    found = [
        methods["gdas"](CELLS, epochs=2).prepare(Training(CELLS, stripes, PLAN), Context(checkpoints=tmp_path, seed=5))
        for _ in range(2)
    ]
    assert found[0] == found[1]


def test_options_of_methods(stripes):
    usual = Training(CELLS, stripes, PLAN)
    ended = methods["darts"](CELLS, stopping=SharpLoss(window=1), epochs=3).prepare(usual, Context())
    assert "After" in ended.reason
    methods["sdarts"](CELLS, perturbation=Adversarial(steps=1), epochs=1).prepare(usual, Context())
    methods["drnas"](CELLS, partial=1, epochs=1).prepare(usual, Context())
    methods["proxylessnas"](CELLS, cost_weight=0.01, epochs=1).prepare(usual, Context())


@pytest.mark.parametrize("name", NAMES)
def test_numbers_are_refused_when_the_method_is_made(name):
    space = Space(nn.Sequential(nn.LazyLinear(integer(4, 8, label="width"))))
    with pytest.raises(InvalidSpace, match=f"`{name}` needs every choice to be a module choice; `width` is a number"):
        methods[name](space)


def test_from_end_to_end(tmp_path):
    """With a choice of the training, which stays at its default, on data of one's own."""
    op = choice({"relu": nn.ReLU(), "none": None, "deep": nn.Sequential(nn.Linear(8, 8), nn.ReLU())}, label="op")
    space = Space(
        nn.Sequential(nn.LazyLinear(8), op, nn.LazyLinear(3)), training={"lr": choice([0.02, 0.01])}, name="rows"
    )
    plan = TrainingPlan(epochs=2, batch_size=32, optimizer="adamw", lr=0.02)
    result = search(space, "blobs", method="gdas", budget="3 candidates", plan=plan, out=tmp_path / "run")
    assert len(result.history) == 3
    assert {record.arch["lr"] for record in result.history.records} == {0.02}
    derived = Diary(tmp_path / "run" / "oneshot.jsonl").phases["gdas"].epochs[-1].arch
    assert result.history.records[0].arch == derived
    assert result.best.model is not None
    assert (tmp_path / "run" / "checkpoints" / "gdas.ckpt").exists()


def test_an_interrupted_search_gives_the_same_records(tmp_path, monkeypatch):
    op = choice({"relu": nn.ReLU(), "deep": nn.Sequential(nn.Linear(8, 8), nn.ReLU()), "none": None}, label="op")
    space = Space(nn.Sequential(nn.LazyLinear(8), nn.Dropout(0.1), op, nn.LazyLinear(3)), name="rows")
    given = {"method": "snas", "budget": "2 candidates", "seed": 3,
             "plan": TrainingPlan(epochs=1, batch_size=32, optimizer="adamw", lr=0.02)}  # fmt: skip
    whole = search(space, "blobs", **given)
    save = RelaxedSearch.save

    def interrupted(self, file):
        save(self, file)
        raise KeyboardInterrupt

    monkeypatch.setattr(RelaxedSearch, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        search(space, "blobs", out=tmp_path, **given)
    monkeypatch.undo()
    result = search(space, "blobs", out=tmp_path, **given)
    assert list(result.history.records) == list(whole.history.records)
    assert [epoch.number for epoch in Diary(tmp_path / "oneshot.jsonl").phases["snas"].epochs] == [1, 2, 3]


def test_a_deadline_is_kept(stripes, tmp_path):
    usual, start = Training(CELLS, stripes, PLAN), time.time()
    context = Context(deadline=start + 1.5, checkpoints=tmp_path)
    recipe = methods["gdas"](CELLS).prepare(usual, context)
    assert time.time() < start + 30
    assert "ended early" not in recipe.reason  # the schedule came to its end
    again = methods["gdas"](CELLS).prepare(usual, Context(deadline=time.time() + 60, checkpoints=tmp_path))
    assert again == recipe


def test_ready_made_spaces_are_chosen_by_the_method():
    from netwright.automl.given import space_from

    digits = load("digits")
    assert space_from("auto", digits, method="darts")[1] == "nb201_small"
    assert space_from("auto", digits, method="spos")[1] == "resnet"
    assert space_from("auto", digits)[1] == "resnet"
    assert space_from("auto", load("blobs"), method="darts")[1] == "mlp"  # which it refuses, and says why


def test_what_they_can_not_do_without():
    with pytest.raises(InvalidInput, match="there must be a Training inside the evaluator"):
        methods["darts"](CELLS).prepare(Function(lambda _: 0.0), Context())
    with pytest.raises(InvalidInput, match="`epochs` of a search must be at least 1"):
        methods["darts"](CELLS, epochs=0)
    assert GradientBased("darts", methods["darts"](CELLS).prepare.relaxation).samples == 0
