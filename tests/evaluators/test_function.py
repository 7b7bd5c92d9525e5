"""Any function of an arch as an evaluator."""

from __future__ import annotations

import math
import pickle
import re

import numpy as np
import pytest
import torch

from netwright import Space, choice, integer
from netwright.core import Arch, Candidate, Context
from netwright.core.errors import InvalidInput
from netwright.evaluators import Function
from netwright.loop import Search
from netwright.strategies import Random

ASKED = Candidate(0, Arch({"x": 3}))


@pytest.mark.parametrize("value", [9, 9.0, np.float32(9), torch.tensor(9.0), np.array(9), True + 8])
def test_one_number_is_the_loss(value):
    assert Function(lambda _: value)(ASKED, Context()) == {"loss": 9.0}


def test_one_number_by_another_name():
    assert Function(lambda arch: arch["x"], "accuracy")(ASKED, Context()) == {"accuracy": 3.0}


def test_numbers_by_name_are_passed_on():
    assert Function(lambda arch: {"a": arch["x"], "b": 2})(ASKED, Context()) == {"a": 3, "b": 2}


def test_what_is_raised_passes_through():
    with pytest.raises(ZeroDivisionError):
        Function(lambda _: 1 / 0)(ASKED, Context())


@pytest.mark.parametrize("function", [None, 3, "f"])
def test_what_is_no_function(function):
    said = f"`function` must be callable with an arch, but got a {type(function).__name__}."
    with pytest.raises(InvalidInput, match=re.escape(said)):
        Function(function)


def test_it_can_be_pickled_with_its_function():
    assert pickle.loads(pickle.dumps(Function(len)))(ASKED, Context()) == {"loss": 1.0}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (math.nan, "loss is nan"),
        (math.inf, "loss is inf"),
        (None, "must return a number, or numbers by name, but gave None (a NoneType)"),
        ("many", "must return a number, or numbers by name, but gave 'many' (a str)"),
        ({"loss": "x"}, "metrics must be numbers"),
        ({"other": 1.0}, "the metric 'loss' is missing; there are: other"),
    ],
)
def test_what_is_no_result_is_a_failed_record(value, said):
    search = Search(Space({"x": integer(0, 9)}), Random(), Function(lambda _: value), budget="3 candidates")
    records = search.run().records
    assert [record.status for record in records] == ["failed"] * 3
    assert all(said in record.error for record in records)


def test_a_function_that_fails_for_some_arches_ends_nothing():
    space = Space({"x": choice([1, 2, 3, 4, 5, 6])})

    def half(arch):
        if arch["x"] % 2:
            raise ValueError("odd")
        return arch["x"]

    history = Search(space, Random(), Function(half), budget="20 candidates").run()
    assert {record.status for record in history.records} == {"ok", "failed"}
    assert history.best.arch["x"] == 2
    assert any(
        "ValueError: odd (in half, test_function.py" in record.error for record in history.records if record.error
    )
