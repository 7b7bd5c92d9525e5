"""What a surrogate learns instead of the losses."""

from __future__ import annotations

import numpy as np
import pytest

from netwright.core.errors import InvalidInput
from netwright.predictors.targets import NormalTargets, StandardTargets

LOSSES = np.array([4.0, 1.0, 3.0, 2.0, 5.0, np.inf])


@pytest.mark.parametrize("targets", [NormalTargets(), NormalTargets(cut=np.inf), StandardTargets()])
def test_scores_keep_the_order_and_have_a_common_shape(targets):
    scores = targets(LOSSES)
    assert abs(scores.mean()) < 1e-12
    assert scores.std() == pytest.approx(1)
    assert scores[1] < scores[3] < scores[2] <= scores[0] <= scores[4] <= scores[5]


def test_normal_scores_know_only_the_ranks():
    targets = NormalTargets()
    assert targets(LOSSES).tolist() == targets(np.exp(3 * LOSSES)).tolist()


def test_the_poor_end_is_cut_off():
    losses = np.arange(100.0)
    uncut, cut = NormalTargets(cut=np.inf)(losses), NormalTargets(cut=0.0)(losses)
    assert len(np.unique(uncut)) == 100
    assert len(np.unique(cut)) == 51  # the good half, and one score for all others
    assert (cut[50:] == cut[50]).all()


def test_equal_losses_have_equal_scores():
    scores = NormalTargets()(np.array([1.0, 1.0, 2.0, 2.0]))
    assert scores.tolist() == pytest.approx([-1, -1, 1, 1])


@pytest.mark.parametrize("targets", [NormalTargets(), StandardTargets()])
@pytest.mark.parametrize("losses", [[3.0], [2.0, 2.0], [np.inf, np.inf]])
def test_where_all_is_the_same_all_scores_are_zero(targets, losses):
    assert targets(np.array(losses)).tolist() == [0.0] * len(losses)


@pytest.mark.parametrize("cut", [-1.0, -3.0, float("nan")])
def test_a_cut_that_leaves_too_little(cut):
    with pytest.raises(InvalidInput, match="`cut` of NormalTargets must be a number above -1, but got"):
        NormalTargets(cut=cut)
