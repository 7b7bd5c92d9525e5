"""What is typed, as what is meant."""

from __future__ import annotations

import re

import pytest

from netwright.cli.given import input_shape, kind_of_task, whole_number
from netwright.core.errors import InvalidInput


@pytest.mark.parametrize(("text", "number"), [("1", 1), (" 20 ", 20), ("1_000", 1000), ("+3", 3)])
def test_whole_numbers(text, number):
    assert whole_number("--workers", text, least=1) == number


@pytest.mark.parametrize("text", ["0", "-1", "2.5", "two", "", "1e3", "٣", "9" * 30])
def test_what_is_no_whole_number(text):
    said = f"`--workers` must be a whole number of at least 1, but got {text!r}."
    with pytest.raises(InvalidInput, match=re.escape(said)):
        whole_number("--workers", text, least=1)


@pytest.mark.parametrize(
    ("text", "shape"), [("1,28,28", (1, 28, 28)), ("3x32x32", (3, 32, 32)), ("16", (16,)), (" 1, 2 ", (1, 2))]
)
def test_shapes(text, shape):
    assert input_shape("--input-shape", text) == shape


@pytest.mark.parametrize("text", ["", "1,,2", "0,3", "-1", "a,b", "1.5"])
def test_what_is_no_shape(text):
    with pytest.raises(InvalidInput, match=r"`--input-shape` must look like 1,28,28 .*but got"):
        input_shape("--input-shape", text)


def test_kinds():
    assert kind_of_task("regression") == "regression"
    assert kind_of_task(None) is None
    with pytest.raises(InvalidInput, match="`--kind` must be classification or regression, but got 'clustering'"):
        kind_of_task("clustering")
