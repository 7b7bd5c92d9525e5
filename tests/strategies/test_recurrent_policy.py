"""The LSTM's gradient against finite differences, and its two ways through a text against each other."""

from __future__ import annotations

import numpy as np
import pytest

from netwright.strategies.recurrent_policy import RecurrentPolicy
from netwright.strategies.writing import Writing
from netwright.testing.strategy_contract import toy_spaces


@pytest.fixture(params=toy_spaces(), ids=lambda space: space.name)
def case(request):
    """A policy with large weights, and a few texts of different length."""
    space, rng = request.param, np.random.default_rng(1)
    writing = Writing(space)
    policy = RecurrentPolicy(writing.widths, 5, rng)
    policy.weights += rng.normal(scale=0.4, size=policy.weights.size)
    return policy, [list(writing.read(space.sample(rng))) for _ in range(4)], rng


def _chosen(policy, arrays):
    return np.take_along_axis(policy.forward(arrays).log_probs, arrays.options[..., None], -1)[..., 0]


def _gradient(policy, texts, pulls):
    """Of the log probabilities of all steps, each text with its weight."""
    arrays = policy.texts(texts)
    passed = policy.forward(arrays)
    chosen = arrays.options[..., None] == np.arange(policy.widest)
    return policy.gradient(arrays, passed, (chosen - np.exp(passed.log_probs)) * (pulls * arrays.counts)[..., None])


def test_the_gradient(case):
    policy, texts, rng = case
    pulls = rng.normal(size=len(texts))
    found = _gradient(policy, texts, pulls)
    arrays = policy.texts(texts)
    places = rng.choice(policy.weights.size, 150, replace=False)
    for i in places:
        value = policy.weights[i]
        sides = []
        for nudge in (1e-5, -1e-5):
            policy.weights[i] = value + nudge
            sides.append((_chosen(policy, arrays) * arrays.counts * pulls).sum())
        policy.weights[i] = value
        assert found[i] == pytest.approx((sides[0] - sides[1]) / 2e-5, abs=1e-7)
    assert np.abs(found[places]).max() > 0.1


def test_step_by_step_is_as_all_at_once(case):
    policy, texts, _ = case
    logs = policy.forward(policy.texts(texts)).log_probs
    for n, text in enumerate(texts):
        state = policy.begin()
        for t, step in enumerate(text):
            probabilities, output, memory = policy.step(state, step.place, step.priors)
            assert probabilities == pytest.approx(np.exp(logs[t, n, : len(step.priors)]))
            assert probabilities.sum() == pytest.approx(1)
            state = policy.token(step.place, step.option), output, memory


def test_shorter_texts_are_not_disturbed_by_longer_ones(case):
    policy, texts, _ = case
    together = _gradient(policy, texts, np.ones(len(texts)))
    alone = sum(_gradient(policy, [text], np.ones(1)) for text in texts)
    assert together == pytest.approx(alone)


def test_at_first_nothing_is_preferred():
    for space in toy_spaces():
        writing = Writing(space)
        policy = RecurrentPolicy(writing.widths, 8, np.random.default_rng(0))
        for step in writing.read(space.sample(np.random.default_rng(0))):
            probabilities, *_ = policy.step(policy.begin(), step.place, step.priors)
            assert probabilities == pytest.approx(np.exp(step.priors) / np.exp(step.priors).sum())
