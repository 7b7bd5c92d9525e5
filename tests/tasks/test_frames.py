"""Tables with names: every kind of column that people have, and the same columns again for new rows."""

import numpy as np
import pandas as pd
import pytest

from netwright.core.errors import DataError, NotFound
from netwright.tasks import task_from

N = 60
LABELS = np.array(["no", "yes"] * (N // 2))


def frame(**columns):
    return pd.DataFrame({"base": np.arange(N, dtype=float), **columns})


def inputs_of(task, table):
    """Inputs by name."""
    return dict(zip(task.feature_names, task.encoder.transform(table).T, strict=True))


def test_numbers_booleans_and_nullable_numbers_are_one_input_each():
    table = frame(
        whole=np.arange(N),
        flag=[True, False] * (N // 2),
        nullable=pd.array([*range(N)], dtype="Int64"),
        nullable_float=pd.array([0.5] * N, dtype="Float64"),
        nullable_flag=pd.array([True, False] * (N // 2), dtype="boolean"),
        objects=np.array([1, 2.5] * (N // 2), dtype=object),
    )
    task = task_from(table, LABELS)
    assert task.feature_names == tuple(table.columns)
    got = inputs_of(task, table)
    for name in table.columns:
        assert got[name].tolist() == [float(value) for value in table[name]]


def test_missing_numbers_become_the_median_of_the_train_part_with_an_input_that_says_so():
    values = np.arange(N, dtype=float)
    values[::4] = np.nan
    for column in (values, pd.array([None if np.isnan(v) else int(v) for v in values], dtype="Int64")):
        table = frame(gappy=column)
        task = task_from(table, LABELS)
        assert task.feature_names == ("base", "gappy", "gappy is missing")
        got = inputs_of(task, table)
        assert got["gappy is missing"].tolist() == np.isnan(values).astype(float).tolist()
        train = values[task.train.inputs[:, 0].astype(int)]
        assert got["gappy"][0] == np.float32(np.nanmedian(train))
        assert got["gappy"][1] == 1
        assert any("missing values became the median" in note and "gappy" in note for note in task.notes)


@pytest.mark.parametrize("dtype", [object, "str", "category", "string"])
def test_text_becomes_an_input_for_each_value(dtype):
    table = frame(colour=pd.Series(["red", "green", None] * (N // 3), dtype=dtype))
    task = task_from(table, LABELS)
    assert task.feature_names == ("base", "colour=green", "colour=red", "colour is missing")
    got = inputs_of(task, table)
    assert got["colour=red"][:3].tolist() == [1, 0, 0]
    assert got["colour=green"][:3].tolist() == [0, 1, 0]
    assert got["colour is missing"][:3].tolist() == [0, 0, 1]


def test_categories_of_numbers_are_text():
    table = frame(size=pd.Categorical([10, 20] * (N // 2)))
    assert task_from(table, LABELS).feature_names == ("base", "size=10", "size=20")


def test_unknown_text_is_none_of_the_values():
    task = task_from(frame(colour=["red", "green"] * (N // 2)), LABELS)
    got = inputs_of(task, pd.DataFrame({"base": [1.0, 2.0], "colour": ["blue", None]}))
    assert got["colour=red"].tolist() == got["colour=green"].tolist() == [0, 0]


def test_dates_and_durations_become_days():
    days = pd.date_range("2020-01-01", periods=N, freq="D")
    table = frame(
        day=days,
        zoned=days.tz_localize("Europe/Zurich"),
        lasting=pd.to_timedelta(np.arange(N) * 12, unit="h"),
        gappy=[pd.NaT, *days[1:]],
    )
    task = task_from(table, LABELS)
    got = inputs_of(task, table)
    first = (pd.Timestamp("2020-01-01") - pd.Timestamp(0)).days
    assert got["day"].tolist() == list(range(first, first + N))
    assert got["zoned"][1] == pytest.approx(first + 1 - 1 / 24, abs=1e-3)
    assert got["lasting"].tolist() == [i / 2 for i in range(N)]
    assert got["gappy is missing"][:2].tolist() == [1, 0]
    assert any(
        note == "dates became days since 1970, durations days: day, zoned, lasting, gappy." for note in task.notes
    )
    wrong = table.assign(day=1.0, base=days)
    with pytest.raises(DataError) as caught:
        task.encoder.transform(wrong)
    assert "column 'day' must hold dates, but holds numbers." in str(caught.value)
    assert "column 'base' must hold numbers, but holds dates." in str(caught.value)


def test_text_that_differs_in_every_row_is_left_out_and_new_tables_need_not_have_it():
    n = 200
    y = np.array(["no", "yes"] * (n // 2))
    table = pd.DataFrame({
        "name": [f"person {i}" for i in range(n)],
        "age": np.arange(n) % 90,
        "empty": [None] * n,
    })  # fmt: skip  # a table reads best like this
    task = task_from(table, y)
    assert task.feature_names == ("age",)
    note = task.notes[2]
    assert (
        "left out: name (text with 128 different values in 128 rows), empty (no value at all in the train part)."
        in note
    )
    for new in (table, table[["age"]], table[["age", "name"]]):
        assert (task.encoder.transform(new) == task.encoder.transform(table)).all()
    with pytest.raises(DataError, match=r"column 'name' can't be used: text with 128 different values"):
        task_from(table[["name"]], y)


def test_of_many_texts_the_most_frequent_fifty_count():
    n = 600
    rng = np.random.default_rng(0)
    codes = np.concatenate([np.repeat(np.arange(50), 10), rng.permutation(np.arange(50, 150))])
    table = pd.DataFrame({"code": [f"c{i:03}" for i in codes], "x": np.arange(n)})
    task = task_from(table, np.arange(n) % 2, kind="classification")
    assert sum(name.startswith("code=") for name in task.feature_names) == 50
    assert {f"code=c{i:03}" for i in range(40)} <= set(task.feature_names)
    assert any("only the 50 most frequent values of code" in note for note in task.notes)


def test_columns_are_found_by_name_in_any_order():
    table = frame(colour=["red", "green"] * (N // 2), z=np.linspace(0, 1, N))
    task = task_from(table, LABELS)
    shuffled = table[["z", "colour", "base"]]
    assert (task.encoder.transform(shuffled) == task.encoder.transform(table)).all()


def test_missing_and_unknown_columns_are_all_named():
    task = task_from(frame(a=1.0, b=2.0), LABELS)
    with pytest.raises(DataError) as caught:
        task.encoder.transform(frame(c=1.0, d=2.0))
    assert "columns are missing: 'a', 'b'." in str(caught.value)
    assert "unknown columns: 'c', 'd'; drop them." in str(caught.value)


def test_columns_of_another_type_are_all_named():
    table = frame(number=1.0, text=["x", "y"] * (N // 2))
    task = task_from(table, LABELS)
    with pytest.raises(DataError) as caught:
        task.encoder.transform(table.assign(number="one", text=2.0))
    assert "column 'number' must hold numbers, but holds text." in str(caught.value)
    assert "column 'text' must hold text, but holds numbers." in str(caught.value)
    # A column without any value has no type: it is missing.
    empty = table.assign(number=None, text=np.nan)
    assert np.isfinite(task.encoder.transform(empty)).all()


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([1j] * N, r"column 'bad' holds complex numbers"),
        ([1.0] * (N - 1) + [np.inf], r"column 'bad' has 1 infinite or too large values: replace them"),
        ([["a list"]] * N, r"column 'bad' mixes types or holds objects \(list\)"),
        ([1, "one"] * (N // 2), r"column 'bad' mixes types or holds objects \(int, str\)"),
    ],
)
def test_columns_that_cannot_be_used_are_said(column, message):
    with pytest.raises(DataError, match=message):
        task_from(frame(bad=column), LABELS)


def test_the_target_may_be_a_column():
    table = frame(wanted=LABELS)
    task = task_from(table, "wanted")
    assert task.classes == ("no", "yes")
    assert task.feature_names == ("base",)
    with pytest.raises(NotFound, match=r"unknown target column 'wnted': did you mean 'wanted'"):
        task_from(table, "wnted")
    assert task.encoder.transform(table).shape == (N, 1)  # a new table may still have it
    held = task_from(table, "wanted", test=table.iloc[:10])
    assert held.test.inputs[:, 0].tolist() == list(range(10))
    with pytest.raises(DataError, match=r"y is missing: .* or the name of the target column"):
        task_from(table)


@pytest.mark.parametrize(
    ("y", "kind", "classes"),
    [
        (pd.Series(LABELS), "classification", ("no", "yes")),
        (pd.Series(LABELS, dtype="category", index=range(100, 100 + N)), "classification", ("no", "yes")),
        (pd.Series(LABELS, dtype="string"), "classification", ("no", "yes")),
        (pd.Series([30, 10] * (N // 2), dtype="category"), "classification", (10, 30)),
        (pd.Series([1, 2] * (N // 2), dtype="Int64"), "classification", (1, 2)),
        (pd.Series([True, False] * (N // 2), dtype="boolean"), "classification", (False, True)),
        (pd.DataFrame({"y": LABELS}), "classification", ("no", "yes")),
        (pd.Series(np.linspace(0, 1, N), dtype="Float64"), "regression", ()),
        (pd.DataFrame({"a": np.linspace(0, 1, N), "b": 0.5}), "regression", ()),
    ],
)
def test_targets_of_every_kind(y, kind, classes):
    task = task_from(frame(), y)
    assert task.kind == kind
    assert task.classes == classes


@pytest.mark.parametrize(
    "y",
    [
        pd.Series([1, None] * (N // 2), dtype="Int64"),
        pd.Series(["a", None] * (N // 2)),
        pd.Series(["a", None] * (N // 2), dtype="category"),
        pd.Series([True, None] * (N // 2), dtype="boolean"),
        pd.Series([0.5, None] * (N // 2)),
    ],
)
def test_missing_targets_are_refused(y):
    with pytest.raises(DataError, match=r"y has 30 missing values"):
        task_from(frame(), y)


def test_columns_of_one_name_and_empty_tables_are_refused():
    double = pd.DataFrame(np.ones((N, 2)), columns=["a", "a"])
    with pytest.raises(DataError, match=r"X has columns of the same name: 'a'"):
        task_from(double, LABELS)
    with pytest.raises(DataError, match=r"X is empty: it has shape \(0, 2\)"):
        task_from(double.iloc[:0].set_axis(["a", "b"], axis=1), [])


def test_names_that_are_numbers_work():
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(N, 3)))
    task = task_from(table, LABELS)
    assert task.feature_names == ("0", "1", "2")
    assert (task.encoder.transform(table) == table.to_numpy(np.float32)).all()
    assert task_from(table.assign(y=LABELS).set_axis([0, 1, 2, 3], axis=1), 3).classes == ("no", "yes")


def test_a_target_that_two_columns_are_named_is_refused():
    double = pd.DataFrame(np.ones((N, 3)), columns=["a", "y", "y"])
    with pytest.raises(DataError, match=r"several columns are named 'y', so the target isn't clear: rename them"):
        task_from(double, "y")


def test_tables_keep_what_they_were_given():
    table = frame(colour=["red", None] * (N // 2))
    before = table.copy(deep=True)
    task_from(table, LABELS)
    pd.testing.assert_frame_equal(table, before)
