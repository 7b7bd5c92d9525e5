"""The method that ranks arches by proxies before anything is trained."""

from __future__ import annotations

from typing import ClassVar

import pytest

from netwright import Space, choice, integer, n_outputs, nn, search
from netwright.core import Constraint, Context
from netwright.core.errors import InvalidInput
from netwright.core.registry import methods
from netwright.evaluators import Function, Limited, ModelCost, Training, TrainingPlan
from netwright.strategies import StartingWith
from netwright.tasks import load

SPACE = Space(
    nn.Sequential(
        nn.LazyLinear(integer(2, 64, label="width")),
        choice({"relu": nn.ReLU(), "tanh": nn.Tanh()}, label="act"),
        nn.LazyLinear(n_outputs),
    )
)
PLAN = TrainingPlan(epochs=1, batch_size=32, optimizer="adamw", lr=0.01)


def usual(*limits):
    task = load("blobs")
    return Limited(Training(SPACE, task, PLAN), ModelCost(SPACE, task.input_shape, task.n_outputs), limits)


def test_the_best_by_proxies_come_first(tmp_path):
    recipe = methods["training-free"](SPACE, n_arches=30, n_examples=16, n_best=5)
    prepared = recipe.prepare(usual(), Context(seed=1, checkpoints=tmp_path))
    assert isinstance(prepared.strategy, StartingWith)
    assert prepared.prepare is None
    best = prepared.strategy.arches
    assert len(best) == 5
    assert min(arch["width"] for arch in best) > 20
    assert prepared.reason == "30 arches were ranked by params, jacov, epe_nas: 30 arches were scored."
    assert recipe.prepare(usual(), Context(seed=1, checkpoints=tmp_path)) == prepared
    assert recipe.prepare(usual(), Context(seed=1)) == prepared


def test_limits_hold():
    recipe = methods["training-free"](SPACE, n_arches=20, n_examples=16)
    prepared = recipe.prepare(usual(Constraint("params", 100)), Context(seed=1))
    assert all(arch["width"] <= 12 for arch in prepared.strategy.arches)


def test_a_whole_search():
    method = methods["training-free"](SPACE, n_arches=20, n_examples=16, n_best=2)
    result = search(SPACE, "blobs", method=method, budget="3 candidates", plan=PLAN, seed=2)
    assert len(result.history) == 3
    assert result.best.metrics["accuracy"] > 0.3
    assert result.history.records[0].arch["width"] > 20


def test_what_it_refuses():
    with pytest.raises(InvalidInput, match="`training_free` compares untrained networks, so it needs"):
        methods["training-free"](Space({"x": integer(0, 3)}))
    with pytest.raises(InvalidInput, match="`n_examples` of training_free must be at least 2, but got 1"):
        methods["training-free"](SPACE, n_examples=1)
    recipe = methods["training-free"](SPACE)
    with pytest.raises(InvalidInput):
        recipe.prepare(Function(len), Context())


def test_what_the_user_is_told():
    class Told:
        stages: ClassVar[list[str]] = []

        def __getattr__(self, name):
            return lambda *given: self.stages.append(given[1]) if name == "stage" else None

    method = methods["training-free"](SPACE, n_arches=4, n_examples=16, n_best=1)
    search(SPACE, "blobs", method=method, budget="1 candidates", plan=PLAN, progress=Told())
    assert any(stage.endswith(": scoring untrained networks") for stage in Told.stages)
