"""Normal scores and back, features on a common scale, and what predictors refuse."""

from __future__ import annotations

import numpy as np
import pytest

from netwright import Arch
from netwright.core.errors import InvalidInput
from netwright.predictors.learning import Features, NormalScores, checked_losses, left_out


def test_scores_are_those_of_a_normal():
    losses = np.random.default_rng(0).exponential(size=999)
    scores = NormalScores.of(losses).forward(losses)
    assert abs(scores.mean()) < 1e-9
    assert abs(scores.std() - 1) < 0.01
    assert (np.argsort(scores) == np.argsort(losses)).all()


def test_equal_losses_get_equal_scores():
    scores = NormalScores.of(np.array([2.0, 1.0, 2.0, 9.0]))
    assert scores.known.tolist() == [1, 2, 9]
    assert scores.forward(np.array([2.0]))[0] == pytest.approx(0.0)


def test_an_outlier_changes_little():
    losses = np.arange(10.0)
    plain = NormalScores.of(losses).forward(losses)
    losses[-1] = 1e12
    np.testing.assert_array_equal(NormalScores.of(losses).forward(losses), plain)


def test_back_gives_the_losses_that_are_known():
    losses = np.array([5.0, 1.0, 2.0, 40.0])
    scores = NormalScores.of(losses)
    mean, std = scores.back(scores.forward(losses), np.zeros(4))
    np.testing.assert_allclose(mean, losses)
    assert std.tolist() == [0, 0, 0, 0]


def test_back_goes_on_beyond_them():
    losses = np.linspace(0, 1, 101)
    scores = NormalScores.of(losses)
    beyond = np.array([scores.scores[0] - 1, scores.scores[-1] + 1])
    mean, std = scores.back(beyond, np.full(2, 0.5))
    assert -0.2 < mean[0] < 0
    assert 1 < mean[1] < 1.2
    assert (std > 0).all()


def test_equal_losses_have_no_scale():
    scores = NormalScores.of(np.full(3, 7.0))
    mean, std = scores.back(np.array([-1.0, 1.0]), np.array([0.5, 1.0]))
    assert mean.tolist() == [7, 7]
    assert std.tolist() == [0.5, 1]


def test_features_that_differ_on_a_common_scale():
    raw = np.array([[0, 1, 0, 0.0, 7], [1, 1, 9, 0.1, 7], [0, 1, 0, 0.2, 7]])
    features = Features.of(raw)
    found = features(raw)
    assert features.used.tolist() == [0, 2, 3]
    assert found[:, 0].tolist() == [0, 1, 0]  # a rare count stays small
    assert found[:, 1:].std(axis=0).tolist() == pytest.approx([1, 1])
    other = features(np.array([[2.0, 5.0, 9.0, 0.1, 0.0]]))
    assert other[0].tolist() == pytest.approx([2, *found[1, 1:]])


def test_arches_that_are_alike_have_one_feature_that_says_nothing():
    raw = np.ones((3, 4))
    assert Features.of(raw)(raw).tolist() == [[0], [0], [0]]
    assert Features.of(np.ones((3, 0)))(np.ones((2, 0))).tolist() == [[0], [0]]


def test_members_leave_out_equal_shares():
    left = left_out(103, 5, np.random.default_rng(0))
    assert sorted(np.bincount(left).tolist()) == [20, 20, 21, 21, 21]
    assert left_out(3, 5, np.random.default_rng(0)).tolist() == [-1] * 3
    assert left_out(3, 2, np.random.default_rng(0)).tolist() == [-1] * 3


@pytest.mark.parametrize(
    ("n_arches", "losses", "text"),
    [
        (
            0,
            [],
            r"at least one arch and a finite loss for each, but got 0 arches and losses of shape \(0,\): leave out",
        ),
        (2, [1.0], r"but got 2 arches and losses of shape \(1,\), 0 of them not finite"),
        (2, [1.0, float("nan")], r"losses of shape \(2,\), 1 of them not finite: leave out what failed"),
        (1, [[1.0]], r"losses of shape \(1, 1\)"),
    ],
)
def test_losses_that_cannot_be_learned_from(n_arches, losses, text):
    with pytest.raises(InvalidInput, match=text):
        checked_losses([Arch({"x": i}) for i in range(n_arches)], losses)
