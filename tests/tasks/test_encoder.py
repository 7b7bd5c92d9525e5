"""What a model is given at prediction is what it learned from."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import DataError, InvalidInput
from netwright.tasks import load, task_from

LABELS = np.arange(60) % 3


def rows_of(task):
    return np.concatenate([part.inputs for part in (task.train, task.validation, task.test)])


columns = st.one_of(
    st.lists(st.floats(-1e6, 1e6), min_size=24, max_size=24),
    st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=24, max_size=24),
    st.lists(st.one_of(st.none(), st.sampled_from(["", "a", "b", "ü", "a=b"])), min_size=24, max_size=24),
    st.lists(st.booleans(), min_size=24, max_size=24),
    st.lists(st.integers(-(2**20), 2**20), min_size=24, max_size=24),
)


@given(st.dictionaries(st.text(min_size=1, max_size=5), columns, min_size=1, max_size=5), st.randoms())
def test_any_table_gives_the_same_inputs_again_whatever_the_order_of_its_columns(given_columns, random):
    table = pd.DataFrame({"row": np.arange(24.0)} | given_columns)
    task = task_from(table, np.arange(24) % 2, kind="classification")
    encoded = task.encoder.transform(table)
    assert encoded.shape == (24, len(task.feature_names))
    assert encoded.dtype == np.float32
    assert np.isfinite(encoded).all()
    place = task.feature_names.index("row") if "row" in task.feature_names else None
    if place is not None and "row" not in given_columns:
        found = rows_of(task)
        assert (found[np.argsort(found[:, place])] == encoded).all()
    names = list(table.columns)
    random.shuffle(names)
    assert (task.encoder.transform(table[names]) == encoded).all()
    one = task.encoder.transform(table.iloc[[3]])
    assert (one == encoded[[3]]).all()


@given(
    st.lists(
        st.one_of(st.integers(-(2**40), 2**40), st.text(max_size=4), st.booleans()), min_size=2, max_size=6, unique=True
    ).filter(lambda labels: len({type(label) for label in labels}) == 1)
)
def test_labels_come_back_as_they_were(labels):
    y = np.array(labels * 5)
    task = task_from(np.arange(2.0 * len(y)).reshape(-1, 2), y, kind="classification")
    indices = task.encoder.encode_labels(y)
    decoded = task.encoder.decode(indices)
    assert decoded.tolist() == y.tolist()
    assert decoded.dtype.kind == y.dtype.kind
    assert list(task.classes) == sorted(set(y.tolist()))


@pytest.mark.parametrize("shape", [(8, 8), (1, 8, 8), (3, 8, 8), (8, 8, 3), (5, 2), (7,)])
def test_new_arrays_become_what_the_old_ones_became(shape):
    x = np.random.default_rng(0).normal(size=(60, *shape))
    task = task_from(x, LABELS)
    assert sorted(rows_of(task).reshape(60, -1).tolist()) == sorted(task.encoder.transform(x).reshape(60, -1).tolist())
    for form in (torch.tensor(x), x.tolist(), x.astype(np.float32)):
        assert task.encoder.transform(form) == pytest.approx(task.encoder.transform(x))


def test_missing_values_of_arrays_become_the_median_and_a_new_one_too():
    x = np.random.default_rng(0).normal(size=(60, 3))
    x[::5, 1] = np.nan
    task = task_from(x, LABELS)
    assert task.feature_names == ("x0", "x1", "x1 is missing", "x2")
    row = np.array([[1.0, np.nan, np.nan]])
    got = task.encoder.transform(row)[0]
    medians = [column.median for column in task.encoder.columns]
    assert got == pytest.approx([1.0, medians[1], 1.0, medians[2]])
    whole = task_from(np.nan_to_num(x), LABELS)
    assert whole.encoder.transform(row)[0, 2] == np.float32(whole.encoder.columns[2].median)
    with pytest.raises(DataError, match=r"column 1 has no value at all in the train part: drop it"):
        task_from(np.where([False, True, False], np.nan, x), LABELS)


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (np.ones((2, 4)), r"needs 3 features, shape \(n, 3\), but got an array of shape \(2, 4\)"),
        (np.ones((2, 3, 1)), r"needs 3 features"),
        (np.ones(3), r"X must have one row for each example"),
        (np.full((1, 3), np.inf), r"X has 3 infinite or too large values"),
        (pd.DataFrame(np.ones((2, 4))), r"needs 3 features, but got 4"),
    ],
)
def test_tables_of_another_width_are_refused(new, message):
    encoder = task_from(np.random.default_rng(0).normal(size=(60, 3)), LABELS).encoder
    with pytest.raises(DataError, match=message):
        encoder.transform(new)


def test_an_array_may_stand_for_a_table_and_a_table_for_an_array():
    x = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    from_array = task_from(x, LABELS).encoder
    assert (from_array.transform(pd.DataFrame(x, columns=["a", "b", "c"])) == x).all()
    from_frame = task_from(pd.DataFrame(x, columns=["a", "b", "c"]), LABELS).encoder
    assert (from_frame.transform(x) == x).all()
    text = task_from(pd.DataFrame({"a": x[:, 0], "t": ["x", "y"] * 30}), LABELS).encoder
    with pytest.raises(DataError, match=r"columns 't' hold text or dates: give a DataFrame"):
        text.transform(x[:, :2])


def test_pictures_of_another_shape_are_refused_with_a_hint():
    encoder = load("stripes").encoder
    with pytest.raises(DataError, match=r"one example must have shape \(1, 8, 8\).*add the batch axis: X\[None\]"):
        encoder.transform(np.zeros((1, 8, 8), np.uint8))
    with pytest.raises(DataError, match=r"which is 5 examples of shape \(8, 8\)"):
        encoder.transform(np.zeros((5, 8, 8), np.uint8))
    with pytest.raises(DataError, match=r"learned from arrays of shape \('n', 1, 8, 8\), but got a table"):
        encoder.transform(pd.DataFrame(np.ones((2, 64))))
    with pytest.raises(DataError, match=r"missing values \(NaN\)"):
        encoder.transform(np.full((1, 1, 8, 8), np.nan))


def test_pictures_of_another_range_are_refused():
    pixels = np.random.default_rng(0).integers(0, 256, size=(60, 8, 8), dtype=np.uint8)
    whole = task_from(pixels, LABELS).encoder
    assert whole.transform(pixels).dtype == np.uint8
    assert (whole.transform(pixels.astype(np.float64)) == pixels[:, None]).all()
    assert whole.transform(np.zeros((1, 8, 8))).dtype == np.float32  # black is black in any range
    with pytest.raises(DataError, match=r"values in 0\.\.255 \(uint8\), but these lie in 0\.\.1: multiply them by 255"):
        whole.transform(pixels / 255)
    unit = task_from(pixels / 255, LABELS).encoder
    assert unit.transform(pixels[:2] / 255).dtype == np.float32
    with pytest.raises(DataError, match=r"values up to 1, but these are uint8 with values up to \d+: prepare them"):
        unit.transform(pixels)


def test_pictures_of_zeros_and_ones_work_as_bytes_and_as_floats():
    bits = np.random.default_rng(0).integers(0, 2, size=(60, 8, 8), dtype=np.uint8)
    encoder = task_from(bits, LABELS).encoder
    assert (encoder.transform(bits.astype(float)) == encoder.transform(bits)).all()
    assert (task_from(bits.astype(float), LABELS).encoder.transform(bits) == bits[:, None]).all()


def test_decoding_refuses_what_is_no_index():
    encoder = load("blobs").encoder
    with pytest.raises(InvalidInput, match=r"class indices must be in 0\.\.2, but got -1\.\.3"):
        encoder.decode([-1, 3])
    assert encoder.decode([]).tolist() == []
    with pytest.raises(InvalidInput, match=r"this is a regression task"):
        load("diabetes").encoder.decode([0])


def test_strange_labels_are_named():
    with pytest.raises(DataError, match=r"y has labels that the train part lacks: 9 \(known: 0, 1, 2\)"):
        load("blobs").encoder.encode_labels(np.array([0, 9]))


def test_encoders_and_tasks_travel():
    task = load("stripes")
    again = pickle.loads(pickle.dumps(task))
    assert (again.train.inputs == task.train.inputs).all()
    assert again.encoder.transform(task.test.inputs).dtype == np.uint8
    assert replace(task, name="x").name == "x"
