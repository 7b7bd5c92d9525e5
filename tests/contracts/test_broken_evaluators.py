"""The evaluator contract finds what it is for: each way to break it, with the text that it gives."""

from __future__ import annotations

import itertools
import random
import time
from dataclasses import dataclass

import pytest

from netwright import Space, choice
from netwright.core.errors import EvaluationError
from netwright.testing import check_evaluator

SPACE = Space({"width": choice([8, 16, 32]), "depth": choice([1, 2])})


@dataclass(frozen=True)
class Evaluator:
    """Scores in one of the ways below."""

    way: str

    def __call__(self, candidate, context):
        return globals()[self.way](candidate, context)


def good(candidate, context):
    context.log(loss=candidate.arch["width"])
    return {"loss": candidate.arch["width"] / 7, "seconds": time.perf_counter()}


NUMBERS = itertools.count()


def returns_a_number(candidate, context):
    return 0.5


def returns_nothing(candidate, context):
    return {}


def returns_texts(candidate, context):
    return {"loss": "small"}


def names_by_number(candidate, context):
    return {0: 0.5}


def draws(candidate, context):
    return {"loss": random.random()}


def differs(candidate, context):
    return {"loss": float(next(NUMBERS))}


def changes_its_names(candidate, context):
    return {f"loss_{candidate.id}": 0.5}


def fails_sometimes(candidate, context):
    if candidate.id == 2:
        raise ValueError("two is too much")
    return {"loss": 0.5}


def moves_the_deadline(candidate, context):
    context.deadline = 10.0
    return {"loss": 0.5}


def logs_texts(candidate, context):
    context.curves["loss"] = ["small"]
    return {"loss": 0.5}


def crashes_at_the_deadline(candidate, context):
    return {"loss": 1 / max(0.0, min(1.0, context.remaining()))}


def gives_up_at_the_deadline(candidate, context):
    if context.remaining() <= 0:
        raise EvaluationError("no time")
    return {"loss": 0.5}


BROKEN = {
    returns_a_number: r"must return metrics by name, but returned 0\.5",
    returns_nothing: r"must return metrics by name, but returned \{\}",
    returns_texts: "must return numbers, but 'loss' is 'small'",
    names_by_number: "must name its metrics with texts, but has 0",
    draws: "changed the global random state of random",
    differs: r"must give the same loss for the same candidate and seed, but gave .* \(name it in `measured`",
    changes_its_names: r"must give the same metrics for all arches, but gave \['loss_1'\] after \['loss_0'\]",
    fails_sometimes: r"must evaluate every arch of the space, but raised ValueError for Arch.*two is too much",
    moves_the_deadline: "must only read the context's settings, but changed them",
    logs_texts: r"must log numbers \(context\.log\), but the curve 'loss' has others",
    crashes_at_the_deadline: "must return what it has at its deadline, .* but raised ZeroDivisionError",
}


@pytest.mark.parametrize("way", BROKEN, ids=lambda way: way.__name__)
def test_evaluators(way):
    with pytest.raises(AssertionError, match=f"Evaluator {BROKEN[way]}"):
        check_evaluator(Evaluator(way.__name__), SPACE)


def test_what_cannot_be_pickled():
    with pytest.raises(AssertionError, match="must be picklable, to be sent to workers"):
        check_evaluator(lambda *_: {"loss": 0.5}, SPACE)


def test_good_ones():
    check_evaluator(Evaluator("good"), SPACE, measured=["seconds"])
    check_evaluator(Evaluator("gives_up_at_the_deadline"), SPACE)
