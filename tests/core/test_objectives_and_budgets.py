"""What people write about goals, limits and budgets: read right, or refused with what to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core import Budget, Constraint, Objective, constraints_from, objectives_from
from netwright.core.errors import InvalidInput
from netwright.core.quantity import count_text, parse_count, parse_seconds, seconds_text


@pytest.mark.parametrize(
    ("text", "objective"),
    [
        ("accuracy", Objective("accuracy", "max")),
        ("val_accuracy", Objective("val_accuracy", "max")),
        ("R2", Objective("R2", "max")),
        ("loss", Objective("loss", "min")),
        ("params", Objective("params", "min")),
        ("max:params", Objective("params", "max")),
        ("min : accuracy", Objective("accuracy", "min")),
        ("accuracy:min", Objective("accuracy", "min")),
    ],
)
def test_objectives(text, objective):
    assert Objective.parse(text) == objective
    assert Objective.parse(str(objective)) == objective


@given(st.floats(allow_nan=False), st.sampled_from(["min", "max"]))
def test_a_loss_is_flipped_once(value, direction):
    objective = Objective("m", direction)
    loss = objective.loss({"m": value})
    assert objective.value(loss) == value
    assert loss == (value if direction == "min" else -value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("up:accuracy", "an objective must look like accuracy, max:accuracy or min:params, but got 'up:accuracy'"),
        (
            "accuracy, accuracy",
            r"`objectives` must be one or more different metrics, but got \['accuracy', 'accuracy'\]",
        ),
        ([], "`objectives` must be one or more different metrics"),
        ("", "`metric` of an objective must be a name, but got ''"),
        ("min:", "`metric` of an objective must be a name"),
        (3, "an objective must be a text such as 'accuracy' or an Objective, but got 3"),
        (["accuracy", 3], "an objective must be a text such as 'accuracy' or an Objective, but got 3"),
        (None, "an objective must be a text such as 'accuracy' or an Objective, but got None"),
    ],
)
def test_bad_objectives(given, message):
    with pytest.raises(InvalidInput, match=message):
        objectives_from(given)
    with pytest.raises(InvalidInput, match="`direction` of an objective must be 'min' or 'max', but got 'up'"):
        Objective("accuracy", "up")


def test_several_objectives():
    one, two = Objective("accuracy", "max"), Objective("params")
    for written in ("accuracy,params", ["accuracy", "params"], [one, "min:params"], (one, two)):
        assert objectives_from(written) == (one, two)
    assert objectives_from(one) == (one,)


@pytest.mark.parametrize(
    ("text", "constraint"),
    [
        ("params<=100k", Constraint("params", 100_000)),
        (" accuracy >= 0.9 ", Constraint("accuracy", 0.9, ">=")),
        ("flops<=2.5M", Constraint("flops", 2_500_000)),
        ("loss<=-1e-3", Constraint("loss", -0.001)),
        ("cost.ms<=3", Constraint("cost.ms", 3)),
    ],
)
def test_constraints(text, constraint):
    assert Constraint.parse(text) == constraint
    assert Constraint.parse(str(constraint)) == constraint


def test_violation_is_relative():
    assert Constraint("params", 100).violation({"params": 100}) == 0
    assert Constraint("params", 100).violation({"params": 150}) == 0.5
    assert Constraint("params", -100).violation({"params": 0}) == 1.0
    assert Constraint("accuracy", 0.5, ">=").violation({"accuracy": 0.25}) == 0.5
    assert Constraint("accuracy", 0.5, ">=").violation({"accuracy": 0.75}) == 0
    assert Constraint("params", 100).violation({"params": float("nan")}) == float("inf")
    assert Constraint("params", 100, ">=").violation({"params": float("nan")}) == float("inf")
    assert Constraint("params", 0).violation({"params": 3}) == 3.0  # relative to nothing: as it is


def test_bad_constraints_are_all_named():
    with pytest.raises(InvalidInput) as caught:
        constraints_from(["params<100k", "flops<=1M", "accuracy", 5])
    for part in ("params<100k", "'accuracy'", "but got 5"):
        assert part in str(caught.value)
    assert "flops" not in str(caught.value)
    with pytest.raises(InvalidInput, match=r"a number must look like 1500, 0\.5, 100k or 2\.5M, but got 'lots'"):
        Constraint.parse("params<=lots")
    with pytest.raises(InvalidInput, match="the limit of a constraint must be a finite number, but got inf"):
        Constraint("params", float("inf"))
    with pytest.raises(InvalidInput, match="the limit of a constraint must be a finite number, but got nan"):
        Constraint("params", float("nan"))
    with pytest.raises(InvalidInput, match="`sense` of a constraint must be '<=' or '>=', but got '<'"):
        Constraint("params", 1, "<")
    with pytest.raises(InvalidInput, match="`constraints` can't be read: a constraint must look like"):
        constraints_from(5)


def test_constraints_that_exclude_each_other():
    text = "`constraints` exclude each other: accuracy>=0.9 and accuracy<=0.8 can't both hold; leave one out"
    with pytest.raises(InvalidInput, match=text):
        constraints_from("params<=1k, accuracy>=0.9, accuracy<=0.8")
    assert len(constraints_from("params<=5, params>=5, flops>=9")) == 3


def test_several_constraints():
    one, two = Constraint("params", 1000), Constraint("accuracy", 0.5, ">=")
    for written in ("params<=1k,accuracy>=0.5", ["params<=1k", two], (one, two)):
        assert constraints_from(written) == (one, two)
    assert constraints_from(one) == (one,)
    assert constraints_from(None) == ()


# Budgets


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("90s", Budget(90)),
        ("10m", Budget(600)),
        ("1h30m", Budget(5400)),
        ("1.5 h", Budget(5400)),
        ("2 minutes", Budget(120)),
        ("200 candidates", Budget(candidates=200)),
        ("1k candidates", Budget(candidates=1000)),
        ("1 candidate", Budget(candidates=1)),
        ("1h, 50 candidates", Budget(3600, 50)),
        ("50 candidates,1h", Budget(3600, 50)),
    ],
)
def test_budgets(text, budget):
    assert Budget.of(text) == budget
    assert Budget.of(budget) is budget
    assert Budget.of(str(budget)) == budget


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("soon", "a budget must look like '90s', '10m', '1h30m', '200 candidates' .*, but got 'soon'"),
        (10, "but got 10: say the unit, such as '10s' or '10 candidates'"),
        ("10", "but got '10'"),
        ("", "but got ''"),
        ("1.5 candidates", "but got '1.5 candidates'"),
        ("10m, 20m", "but got '10m, 20m'"),
        ("5 candidates, 6 candidates", "but got '5 candidates, 6 candidates'"),
        ("0s", "`seconds` of a budget must be positive, but got 0.0"),
        ("0 candidates", "`candidates` of a budget must be a whole number of at least 1, but got 0"),
        (None, "but got None"),
    ],
)
def test_bad_budgets(given, message):
    with pytest.raises(InvalidInput, match=message):
        Budget.of(given)


def test_bad_budget_objects():
    with pytest.raises(InvalidInput, match="a budget must limit seconds, candidates or both; say budget='10m'"):
        Budget()
    for seconds in (float("inf"), float("nan"), -1.0):
        with pytest.raises(InvalidInput, match="`seconds` of a budget must be positive"):
            Budget(seconds)
    with pytest.raises(
        InvalidInput, match=r"`candidates` of a budget must be a whole number of at least 1, but got 2\.5"
    ):
        Budget(candidates=2.5)


# Numbers as people write them


@given(st.integers(0, 10**7))
def test_durations_can_be_read_again(seconds):
    text = seconds_text(seconds)
    unit = 60 if "h" in text else 1
    assert abs(parse_seconds(text) - seconds) <= unit / 2 + (unit == 60) * 30


@pytest.mark.parametrize("text", ["", "10", "m", "10x", "1h30", "-5m", "5m-", "ten minutes", "1h 30", "5 mint"])
def test_bad_durations(text):
    with pytest.raises(InvalidInput, match="a time must look like 90s, 10m or 1h30m, but got"):
        parse_seconds(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1500", 1500),
        ("1_500", 1500),
        ("0.5", 0.5),
        (".5", 0.5),
        ("100k", 1e5),
        ("2.5M", 2.5e6),
        ("3G", 3e9),
        ("-2k", -2000),
    ],
)
def test_counts(text, value):
    assert parse_count(text) == value


@pytest.mark.parametrize("text", ["", "k", "1 000", "1e", "nan", "inf", "0x10", "5Q"])
def test_bad_counts(text):
    with pytest.raises(InvalidInput, match=r"a number must look like 1500, 0\.5, 100k or 2\.5M, but got"):
        parse_count(text)


@given(st.floats(-1e13, 1e13))
def test_count_texts_can_be_read_again(value):
    assert parse_count(count_text(value)) == pytest.approx(value, rel=1e-3)
