"""Quartiles, ranks and tests, against numpy's and scipy's own and by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.stats

from netwright.benchmarks.statistics import holm, quartiles, ranks, signed_rank


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 100])
def test_quartiles_are_numpys(size):
    values = np.random.default_rng(size).normal(size=(size, 3))
    assert quartiles(values) == pytest.approx(np.quantile(values, [0.25, 0.5, 0.75], axis=0))
    assert quartiles(values.T, axis=1) == pytest.approx(np.quantile(values, [0.25, 0.5, 0.75], axis=0))


def test_what_was_not_found_is_worse_than_anything():
    assert quartiles(np.array([np.inf, 1.0])).tolist() == [np.inf, np.inf, np.inf]
    assert quartiles(np.array([np.inf, np.inf, 1.0])).tolist() == [np.inf, np.inf, np.inf]
    assert quartiles(np.array([np.inf, 2.0, 1.0])).tolist() == [1.5, 2.0, np.inf]
    assert quartiles(np.full(4, np.inf)).tolist() == [np.inf] * 3
    assert ranks(np.array([[np.inf], [3.0], [np.inf]])).tolist() == [[2.5], [1.0], [2.5]]


def test_ranks_are_scipys():
    losses = np.random.default_rng(0).integers(0, 5, size=(6, 40, 7)).astype(float)
    assert np.array_equal(ranks(losses), scipy.stats.rankdata(losses, axis=0))


@pytest.mark.parametrize("size", [1, 2, 5, 30, 80])
def test_signed_rank_is_scipys_where_there_are_no_ties(size):
    first, second = np.random.default_rng(size).normal([[0.0], [0.3]], size=(2, size))
    assert signed_rank(first, second) == pytest.approx(scipy.stats.wilcoxon(first, second, method="exact").pvalue)
    assert signed_rank(first, second) == signed_rank(second, first)


def test_signed_rank_of_many_is_scipys_approximation():
    first, second = np.random.default_rng(1).integers([[0], [1]], [[9], [10]], size=(2, 300)).astype(float)
    expected = scipy.stats.wilcoxon(first, second, zero_method="wilcox", correction=False, method="approx").pvalue
    assert signed_rank(first, second) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(6))
def test_signed_rank_with_ties_is_what_all_signs_give(seed):
    rng = np.random.default_rng(seed)
    differences = rng.integers(1, 4, size=9) * rng.choice([-1, 1], size=9, p=[0.2, 0.8])
    places = scipy.stats.rankdata(np.abs(differences))
    sums = [places[np.array(signs)].sum() for signs in itertools.product([False, True], repeat=9)]
    found = places[differences > 0].sum()
    expected = min(1.0, 2 * min(np.mean(np.array(sums) <= found), np.mean(np.array(sums) >= found)))
    assert signed_rank(differences.astype(float), np.zeros(9)) == pytest.approx(expected)


def test_exact_and_approximate_agree_where_they_meet():
    differences = np.random.default_rng(3).normal(0.15, size=100).round(1)
    exact = signed_rank(differences, np.zeros(100))
    assert exact == pytest.approx(scipy.stats.wilcoxon(differences, method="approx").pvalue, rel=0.1)


def test_signed_rank_where_there_is_nothing_to_tell():
    same = np.array([1.0, 2.0, np.inf])
    assert signed_rank(same, same) == 1.0
    assert signed_rank(np.array([1.0]), np.array([2.0])) == 1.0, "one pair is no evidence"


def test_signed_rank_with_runs_that_found_nothing():
    found = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert signed_rank(found, np.full(6, np.inf)) < 0.05
    assert signed_rank(np.full(6, np.inf), found) < 0.05
    mixed = np.array([1.5, np.inf, 3.25, np.inf, 5.125, np.inf])
    assert 0 < signed_rank(found, mixed) <= 1


def test_a_twentieth_of_pure_chance_is_called_more_than_chance():
    rng = np.random.default_rng(2)
    p_values = np.array([signed_rank(*rng.normal(size=(2, 20))) for _ in range(400)])
    assert 0.02 < (p_values < 0.05).mean() < 0.09


def test_holm():
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.5, 0.9])).tolist() == [1.0, 1.0]
    assert holm(np.array([])).tolist() == []
