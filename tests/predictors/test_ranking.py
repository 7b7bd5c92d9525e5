"""How well scores agree: against scipy, and intervals that hold what they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau

from netwright.core.errors import InvalidInput
from netwright.predictors.ranking import agreement, kendall_tau, top_overlap


@pytest.mark.parametrize("seed", range(5))
def test_tau_is_scipys_with_ties_too(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 8, 40), rng.integers(0, 8, 40)
    assert kendall_tau(a, b) == pytest.approx(kendalltau(a, b).statistic, abs=1e-12)


def test_scores_that_are_no_numbers_are_left_out():
    assert agreement([1.0, np.nan, 2.0, np.inf], [1.0, 2.0, 3.0, 4.0]).n == 2
    assert kendall_tau([1, 1, 1], [1, 2, 3]) == 0.0


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng, inside = np.random.default_rng(0), 0
    true = 2 / np.pi * np.arcsin(0.7)  # tau of a normal pair with correlation 0.7
    for seed in range(100):
        a = rng.normal(size=40)
        b = 0.7 * a + np.sqrt(1 - 0.49) * rng.normal(size=40)
        low, high = agreement(a, b, resamples=300, seed=seed).interval
        inside += low <= true <= high
    assert 88 <= inside <= 100


def test_few_or_equal_arches_say_nothing():
    found = agreement([1] * 9, range(9))
    assert (found.tau, found.interval) == (0.0, (-1.0, 1.0))
    found = agreement([1, 2, 3, 4], [1, 2, 3, 4])
    assert (found.tau, found.interval, found.overlap_interval) == (1.0, (-1.0, 1.0), (0.0, 1.0))


def test_the_best_in_common():
    assert top_overlap([1, 2, 3, 4], [1, 4, 3, 2], 2) == 0.5
    found = agreement(range(20), range(20))
    assert (found.k, found.overlap) == (4, 1.0)
    assert agreement(range(20), [*range(10, 20), *range(10)], k=30).overlap == 1.0


def test_what_is_refused():
    with pytest.raises(InvalidInput, match=r"equally many, but got \(2,\) and \(3,\)"):
        kendall_tau([1, 2], [1, 2, 3])
    with pytest.raises(InvalidInput, match="`k` of an agreement must be at least 1, but got 0"):
        agreement([1, 2], [1, 2], k=0)
