"""Acquisitions against what they are the expectation of."""

from __future__ import annotations

import numpy as np
import pytest

from netwright.core.errors import InvalidInput, NotFound
from netwright.strategies.acquisition import (
    AmongBest,
    AugmentedExpectedImprovement,
    EpsilonGreedy,
    ExpectedImprovement,
    Thompson,
    UpperConfidenceBound,
    acquisition_from,
)

RNG = np.random.default_rng


@pytest.mark.parametrize("margin", [0.0, 0.4])
def test_expected_improvement_is_the_mean_over_draws(margin):
    mean, std, best = np.array([-0.5, 0.0, 0.7, 2.0]), np.array([0.3, 1.0, 0.5, 1.5]), 0.2
    draws = mean + std * RNG(0).standard_normal((400_000, 4))
    expected = np.maximum(best - margin - draws, 0).mean(axis=0)
    found = np.exp(ExpectedImprovement(margin)(mean, std, best, RNG(0)))
    assert found == pytest.approx(expected, rel=0.03)


def test_expected_improvement_tells_hopeless_arches_apart():
    mean = np.concatenate([np.linspace(-3, 60, 500), 10.0 ** np.arange(2, 9)])
    found = ExpectedImprovement()(mean, np.ones_like(mean), 0.0, RNG(0))
    assert np.isfinite(found).all()
    assert (np.diff(found) < 0).all()


def test_expected_improvement_without_doubt_is_the_improvement():
    found = np.exp(ExpectedImprovement()(np.array([-2.0, 1.0]), np.zeros(2), 1.0, RNG(0)))
    assert found == pytest.approx([3.0, 0.0], abs=1e-9)


def test_where_hardly_any_improvement_is_expected_the_mean_decides():
    mean, std = np.array([0.5, 1.0, 3.0]), np.array([0.1, 1.0, 0.1])
    promise = ExpectedImprovement(least=0.05)
    assert promise(mean, std, 1.0, RNG(0)).argmax() == 0  # an improvement of a half
    assert promise(mean, std, 0.4, RNG(0)).argmax() == 1  # what is little known may still be better
    assert promise(mean, std, -1.5, RNG(0)).tolist() == [-0.5, -1.0, -3.0]
    assert ExpectedImprovement()(mean, std, -1.5, RNG(0)).argmax() == 1


def test_what_is_known_as_well_as_a_record_promises_little():
    mean, std = np.array([0.0, 0.0, 0.3]), np.array([1e-9, 0.2, 1.0])
    plain, told = (
        ExpectedImprovement()(mean, std, 0.0, RNG(0)),
        AugmentedExpectedImprovement(0.2)(mean, std, 0.0, RNG(0)),
    )
    share = np.exp(told - plain)
    assert share == pytest.approx([0.0, 1 - 0.5**0.5, 1 - 0.2 / 1.04**0.5], abs=1e-12)
    assert np.isfinite(told).all()
    assert AugmentedExpectedImprovement(0.0)(mean, std, 0.0, RNG(0)) == pytest.approx(plain)
    with pytest.raises(InvalidInput, match=r"`doubt` of .* must be at least 0, but got -1\.0"):
        AugmentedExpectedImprovement(-1.0)


def test_among_the_best_all_are_alike_and_greed_takes_the_first():
    mean = np.arange(100.0)[::-1].copy()
    rng = RNG(0)
    picks = [int(AmongBest(share=0.1)(mean, np.ones(100), 0.0, rng).argmax()) for _ in range(300)]
    assert set(picks) == set(range(90, 100))
    greedy = [int(AmongBest(share=0.1, greedy=0.5)(mean, np.ones(100), 0.0, rng).argmax()) for _ in range(300)]
    assert 0.45 < np.mean(np.array(greedy) == 99) < 0.65
    ordered = AmongBest(share=0.02)(mean, np.ones(100), 0.0, rng)  # when the two best are known: the next one
    assert np.argsort(-ordered)[2] == 97


def test_upper_confidence_bound_prefers_the_less_known():
    promise = UpperConfidenceBound(width=2.0)(np.array([1.0, 1.0, 0.0]), np.array([1.0, 2.0, 0.1]), 0.0, RNG(0))
    assert promise.tolist() == [1.0, 3.0, 0.2]


def test_thompson_picks_each_arch_as_often_as_it_is_the_best():
    mean, std = np.array([0.0, 0.5]), np.array([1.0, 1.0])
    rng = RNG(0)
    first = sum(Thompson()(mean, std, 0.0, rng).argmax() == 0 for _ in range(4000)) / 4000
    assert first == pytest.approx(0.638, abs=0.03)  # Φ(0.5 / √2)


def test_by_name():
    assert acquisition_from("expected_improvement") == ExpectedImprovement()
    assert acquisition_from("upper_confidence_bound") == UpperConfidenceBound()
    assert acquisition_from("thompson") == Thompson()
    own = ExpectedImprovement(0.1)
    assert acquisition_from(own) is own


def test_what_is_no_acquisition():
    with pytest.raises(
        NotFound, match="unknown acquisition 'expected_improvment': did you mean 'expected_improvement'"
    ):
        acquisition_from("expected_improvment")
    with pytest.raises(InvalidInput, match=r"`acquisition` must be one of epsilon_greedy, .* but got 3"):
        acquisition_from(3)
    with pytest.raises(InvalidInput, match="`acquisition` must be one of"):
        acquisition_from(Thompson)
    with pytest.raises(InvalidInput, match=r"`share` of AmongBest must be in \(0, 1\] .* got share=0"):
        AmongBest(share=0)
    with pytest.raises(
        InvalidInput, match="`margin` and `least` of ExpectedImprovement must be at least 0, but got margin=-1"
    ):
        ExpectedImprovement(-1)
    with pytest.raises(InvalidInput, match="`width` of UpperConfidenceBound must be at least 0, but got -1"):
        UpperConfidenceBound(-1)


def test_epsilon_greedy_asks_another_acquisition_now_and_then():
    mean, std = np.array([0.0, 0.3]), np.array([0.1, 5.0])  # the likely best, and the unknown
    rng = RNG(0)
    chosen = [EpsilonGreedy(epsilon=0.25, width=0.0)(mean, std, 0.0, rng).argmax() for _ in range(2000)]
    assert np.mean(chosen) == pytest.approx(0.25, abs=0.03)
    assert EpsilonGreedy(epsilon=1.0)(mean, std, 0.0, rng).argmax() == 1
    with pytest.raises(InvalidInput, match=r"`epsilon` of EpsilonGreedy must be in \[0, 1\] and `width` at least 0"):
        EpsilonGreedy(epsilon=1.5)
