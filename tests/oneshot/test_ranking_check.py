"""Comparing two orders of the same arches."""

from __future__ import annotations

import pytest

from netwright import Arch, Space, choice
from netwright.core import Context
from netwright.core.errors import EvaluationError, InvalidInput
from netwright.oneshot.alarms import alarms
from netwright.oneshot.diary import Diary
from netwright.oneshot.ranking_check import check_ranking, random_arches

SPACE = Space({"width": choice(list(range(1, 13)))})


def _by_width(candidate, context):
    return {"accuracy": candidate.arch["width"] / 12, "loss": -candidate.arch["width"]}


def _backwards(candidate, context):
    if candidate.arch["width"] == 3:
        raise EvaluationError("the loss is not a number.")
    return {"accuracy": -candidate.arch["width"] if candidate.arch["width"] != 4 else float("nan")}


def test_what_both_can_score_is_compared_and_told_to_the_diary():
    diary = Diary()
    found = check_ranking(SPACE.enumerate(), _by_width, _backwards, diary=diary, title="as trained")
    assert (found.n_arches, found.tau) == (10, -1.0)
    assert found.interval[1] < 0
    assert (diary.rankings[0].title, diary.rankings[0].tau) == ("as trained", -1.0)
    assert diary.rankings[0].shared == pytest.approx(found.shared)
    assert [alarm.kind for alarm in alarms(diary)] == ["ranking"]
    same = check_ranking(SPACE.enumerate(), _by_width, _by_width, metric="loss")
    assert (same.n_arches, same.tau) == (12, 1.0)


def test_nothing_is_left_behind(tmp_path):
    seen = []

    def evaluator(candidate, context):
        seen.append((context.seed, context.checkpoints))
        context.log(loss=1.0)
        return {"accuracy": 1.0}

    context = Context(seed=7, checkpoints=tmp_path)
    assert check_ranking([Arch({"width": 1})], evaluator, evaluator, context=context).tau == 0.0
    assert seen == [(7, None), (7, None)]
    assert context.curves == {}


def test_the_metric_must_be_there():
    with pytest.raises(InvalidInput, match="`metric` must be one of accuracy, loss, but is 'r2'"):
        check_ranking(SPACE.enumerate(), _by_width, _by_width, metric="r2")


def test_random_arches_differ():
    some = random_arches(SPACE, 8, seed=3)
    assert len(set(some)) == 8
    assert some == random_arches(SPACE, 8, seed=3) != random_arches(SPACE, 8, seed=4)
    assert sorted(arch["width"] for arch in random_arches(SPACE, 50)) == list(range(1, 13))
