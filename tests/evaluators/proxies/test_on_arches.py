"""Proxies of arches: as an evaluator, a filter, features, and a search."""

from __future__ import annotations

import json

import numpy as np
import pytest

from netwright import Arch, Space, choice, integer, n_outputs, nn
from netwright.core import Candidate, Constraint, Context
from netwright.core.errors import EvaluationError, InvalidInput
from netwright.evaluators import Limited, Training, TrainingPlan
from netwright.evaluators.proxies import Aggregate, ProxyScores, best_by_proxies
from netwright.loop import Search
from netwright.predictors import Extra, Joined, OneHot, Ridge
from netwright.strategies import Random
from netwright.testing import check_evaluator

SPACE = Space(
    nn.Sequential(
        nn.LazyLinear(integer(2, 40, label="width")),
        choice({"relu": nn.ReLU(), "tanh": nn.Tanh(), "none": nn.Identity()}, label="act"),
        nn.LazyLinear(n_outputs),
    )
)


def arch(width, act="relu"):
    return Arch({"width": width, "act": act})


def test_as_an_evaluator(blobs):
    evaluator = ProxyScores(SPACE, blobs, "synflow,params", n_examples=16)
    check_evaluator(evaluator, SPACE)
    history = Search(SPACE, Random(), evaluator, objectives="max:params", budget="12 candidates", seed=1).run()
    assert history.best.metrics["params"] == max(record.metrics["params"] for record in history.records)
    assert set(history.best.metrics) == {"synflow", "params"}


def test_scores_depend_on_the_arch_and_the_seed_alone(blobs):
    one = ProxyScores(SPACE, blobs, "snip", n_examples=16)
    assert one(Candidate(0, arch(8)), Context(seed=1)) == one(Candidate(5, arch(8)), Context(seed=2))
    assert one.of(arch(8)) != ProxyScores(SPACE, blobs, "snip", n_examples=16, seed=1).of(arch(8))


def test_what_fails_is_a_failed_record(blobs):
    evaluator = ProxyScores(SPACE, blobs, "nwot,params", n_examples=16)
    with pytest.raises(EvaluationError, match="nwot: Nwot looks at activation functions"):
        evaluator.of(arch(8, "none"))
    assert set(evaluator.scores(arch(8, "none")).values) == {"params"}


def test_as_a_filter_before_training(blobs):
    plan = TrainingPlan(epochs=1, batch_size=32, optimizer="adamw", lr=0.01)
    scores = ProxyScores(SPACE, blobs, "synflow", n_examples=16)
    few, many = (scores.of(arch(width))["synflow"] for width in (2, 40))
    limit = Constraint("synflow", (few + many) / 2, ">=")
    evaluator = Limited(Training(SPACE, blobs, plan), scores.of, (limit,))
    assert set(evaluator(Candidate(0, arch(2)), Context())) == {"synflow"}
    assert "accuracy" in evaluator(Candidate(1, arch(40)), Context())


def test_as_features_of_a_predictor(blobs):
    scores = ProxyScores(SPACE, blobs, "params,synflow", n_examples=16)
    arches = [arch(width) for width in range(2, 22)]
    fitted = Ridge(Joined((OneHot(), Extra(scores.row)))).fit(
        SPACE, arches, np.log([one["width"] for one in arches]), np.random.default_rng(0)
    )
    mean, _ = fitted.predict([arch(5), arch(30)])
    assert mean[0] < mean[1]


def test_regression_and_images(diabetes, stripes):
    assert np.isfinite(ProxyScores(SPACE, diabetes, "jacov,epe_nas,grasp").row(arch(8))).all()
    images = Space(nn.Sequential(nn.LazyConv2d(4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(n_outputs)))
    assert set(ProxyScores(images, stripes).of(Arch({}))) == set(ProxyScores(images, stripes).names)


def test_the_search_finds_wide_networks(blobs):
    ranked = best_by_proxies(ProxyScores(SPACE, blobs, n_examples=16), Aggregate((("params",),)), n_arches=60)
    assert ranked.proxies == ("params",)
    assert len(ranked.arches) == len(set(ranked.arches)) == 60
    assert ranked.arches[0]["width"] >= 38
    assert ranked.ended == "60 arches were scored"


def test_the_search_ends_where_the_space_or_the_time_does(blobs):
    scores = ProxyScores(SPACE, blobs, n_examples=16)
    small = ProxyScores(
        Space(nn.Sequential(nn.LazyLinear(choice([8, 16])), nn.ReLU(), nn.LazyLinear(n_outputs))), blobs
    )
    assert best_by_proxies(small).ended == "no other arch was found"
    times = iter(range(100))
    ranked = best_by_proxies(scores, deadline=5, clock=lambda: next(times))
    assert ranked.ended == "the time was up"
    assert 1 <= len(ranked.arches) <= 6
    limited = best_by_proxies(scores, n_arches=20, allowed=lambda one: one["width"] <= 4)
    assert all(one["width"] <= 4 for one in limited.arches)


def test_the_search_goes_on_from_its_file(blobs, tmp_path):
    scores = ProxyScores(SPACE, blobs, n_examples=16)
    whole = best_by_proxies(scores, n_arches=25, seed=3)
    file = tmp_path / "proxies.jsonl"
    best_by_proxies(scores, n_arches=12, seed=3, file=file)
    with file.open("a") as lines:
        lines.write('{"of": "cut o')
    lines = file.read_text().splitlines()
    assert json.loads(lines[0])["scores"]
    file.write_text("\n".join(lines) + "\n")
    again = best_by_proxies(scores, n_arches=25, seed=3, file=file)
    assert again == whole


def test_arches_that_fail_come_last_or_not_at_all(blobs):
    broken = Space(nn.Sequential(nn.Linear(choice([4, 9], label="inputs"), 8), nn.ReLU(), nn.LazyLinear(n_outputs)))
    ranked = best_by_proxies(ProxyScores(broken, blobs))
    assert ranked.arches == (Arch({"inputs": 4}),)
    assert ranked.n_failed == 1
    with pytest.raises(EvaluationError, match="no proxy works on the arches"):
        best_by_proxies(ProxyScores(Space(nn.Sequential(nn.Linear(9, 3))), blobs))


def test_errors(blobs):
    with pytest.raises(InvalidInput, match="at least 2, but got 1"):
        ProxyScores(SPACE, blobs, n_examples=1)
