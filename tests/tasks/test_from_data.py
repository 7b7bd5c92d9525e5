"""Tasks from whatever people have at hand: arrays, tensors, lists, datasets."""

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from netwright.core.errors import DataError, NotFound
from netwright.tasks import task_from
from netwright.tasks.fitting import image_layout

LABELS = np.arange(60) % 3


def all_inputs(task):
    return np.concatenate([part.inputs for part in (task.train, task.validation, task.test)])


@pytest.mark.parametrize(
    ("shape", "input_shape", "layout"),
    [
        ((28, 28), (1, 28, 28), "hw"),
        ((8, 12), (1, 8, 12), "hw"),
        ((1, 8, 8), (1, 8, 8), "chw"),
        ((3, 8, 6), (3, 8, 6), "chw"),
        ((8, 6, 3), (3, 8, 6), "hwc"),
        ((8, 8, 1), (1, 8, 8), "hwc"),
        ((8, 8, 4), (4, 8, 8), "hwc"),
        ((4, 32, 32), (4, 32, 32), "chw"),
    ],
)
def test_images_leave_with_channels_first_and_stay_uint8(shape, input_shape, layout):
    pixels = np.random.default_rng(0).integers(0, 256, size=(60, *shape), dtype=np.uint8)
    task = task_from(pixels, LABELS)
    assert task.modality == "image"
    assert task.input_shape == input_shape
    assert task.train.inputs.dtype == np.uint8
    assert task.train.inputs.flags.c_contiguous
    assert task.encoder.layout == layout
    assert task.input_mean.shape == task.input_std.shape == (input_shape[0],)
    # The same pixels, wherever the channels were.
    first = {"hw": pixels[:, None], "chw": pixels, "hwc": np.moveaxis(pixels, -1, 1)}[layout]
    assert sorted(all_inputs(task).reshape(60, -1).tolist()) == sorted(first.reshape(60, -1).tolist())


@pytest.mark.parametrize("shape", [(3, 3), (2, 8, 8), (5,) * 4, (3, 2, 3), (16,) * 4])
def test_other_shapes_are_arrays_as_given(shape):
    task = task_from(np.ones((30, *shape), np.float64), LABELS[:30])
    assert task.modality == "array"
    assert task.input_shape == shape
    assert task.train.inputs.dtype == np.float32
    assert task.input_mean.shape == shape
    assert any("not images" in note for note in task.notes)


def test_a_shape_that_can_be_read_both_ways_says_so():
    assert image_layout((4, 32, 3))[0] == "hwc"  # the sides are too short the other way
    layout, note = image_layout((4, 4, 4))
    assert layout == "chw"
    assert "the last axis could be the channels too" in note


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int64, np.uint16, bool])
def test_images_of_other_types_become_float32(dtype):
    task = task_from(np.ones((60, 8, 8)).astype(dtype), LABELS)
    assert task.train.inputs.dtype == np.float32
    assert (task.train.inputs == 1).all()


@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.uint8, bool])
def test_tables_become_float32(dtype):
    table = np.random.default_rng(0).integers(0, 2, size=(60, 5)).astype(dtype)
    task = task_from(table, LABELS)
    assert task.modality == "tabular"
    assert task.train.inputs.dtype == np.float32
    assert sorted(all_inputs(task).tolist()) == sorted(table.astype(np.float32).tolist())


def test_lists_and_tensors_give_the_same_task_as_arrays():
    x = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    reference = task_from(x, LABELS)
    tensor = torch.tensor(x, requires_grad=True)
    for inputs, targets in [(x.tolist(), LABELS.tolist()), (tensor, torch.tensor(LABELS)), (list(x), tuple(LABELS))]:
        task = task_from(inputs, targets)
        assert (task.train.inputs == reference.train.inputs).all()
        assert (task.test.targets == reference.test.targets).all()
        assert task.notes == reference.notes


def test_bfloat16_tensors_are_read():
    task = task_from(torch.ones(30, 4, dtype=torch.bfloat16), torch.tensor(LABELS[:30]))
    assert task.train.inputs.dtype == np.float32


class Pairs(Dataset):
    """Items as torchvision's data sets give them."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


def test_a_torch_dataset_is_read_once():
    x, y = torch.rand(60, 3, 8, 8), torch.tensor(LABELS)
    task = task_from(TensorDataset(x, y))
    direct = task_from(x, y)
    assert task.modality == "image"
    assert (task.train.inputs == direct.train.inputs).all()
    assert task.classes == (0, 1, 2)


def test_items_may_be_plain_numbers_text_and_pictures():
    from PIL import Image

    items = [(Image.new("RGB", (6, 8), (i, 0, 0)), "cat" if i % 2 else "dog") for i in range(20)]
    task = task_from(Pairs(items))
    assert task.input_shape == (3, 8, 6)
    assert task.train.inputs.dtype == np.uint8
    assert task.classes == ("cat", "dog")
    numbers = task_from(Pairs([(np.array([float(i), 0.0]), i / 7) for i in range(20)]))
    assert numbers.kind == "regression"


def test_a_fixed_test_part_stays_as_it_is_in_every_form():
    x = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    held = x[:10] + 1
    given = (held, LABELS[:10])
    for test in (given, list(given), TensorDataset(torch.tensor(held), torch.tensor(LABELS[:10]))):
        task = task_from(x, LABELS, test=test)
        assert (task.test.inputs == held).all()
        assert (task.test.targets == LABELS[:10]).all()
        assert len(task.train) + len(task.validation) == 60


def test_problems_of_the_test_part_are_said_to_be_its():
    x = np.ones((60, 4))
    with pytest.raises(DataError, match=r"(?s)test: X has 3 examples, but y has 2.*|test: X has 3"):
        task_from(x, LABELS, test=(x[:3], LABELS[:2]))
    with pytest.raises(DataError, match=r"one example must have|needs 4 features"):
        task_from(x, LABELS, test=(x[:3, :2], LABELS[:3]))
    with pytest.raises(DataError, match=r"the test part has labels that the train part lacks: 7 \(known: 0, 1, 2\)"):
        task_from(x, LABELS, test=(x[:2], [7, 1]))
    with pytest.raises(DataError, match=r"`test` must be a pair \(X, y\) or a dataset, but it has 3 items"):
        task_from(x, LABELS, test=(1, 2, 3))
    with pytest.raises(DataError, match=r"test must have 1 targets for each example, but has 2"):
        task_from(x, np.linspace(0, 1, 60), test=(x[:3], np.ones((3, 2))))


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.ones(6), LABELS[:6], r"X must have one row for each example, but its shape is \(6,\): X.reshape\(-1, 1\)"),
        (np.ones((0, 4)), [], r"X is empty: it has shape \(0, 4\)"),
        ([[1.0], [2.0, 3.0]], [0, 1], r"X has rows of different length"),
        (np.array([["a"], ["b"]]), [0, 1], r"X is an array of text: give a DataFrame"),
        (np.array([[None], [1]], dtype=object), [0, 1], r"X is an array of objects: give numbers"),
        (np.ones((2, 1), complex), [0, 1], r"X holds complex numbers"),
        (np.array([["2020-01-01"]], dtype="datetime64[D]"), [0], r"X must hold numbers, but its type is datetime64"),
        (np.ones((60, 4)), None, r"y is missing: give one target for each example, or a dataset"),
        (np.ones((60, 4)), "price", r"y='price' names a column, but X is not a DataFrame"),
        (np.ones((60, 4)), LABELS[:59], r"X has 60 examples, but y has 59"),
        (np.ones((60, 4)), LABELS.reshape(3, 4, 5), r"y must have shape \(n,\) or \(n, n_outputs\)"),
        (np.ones((60, 4)), [0.5] * 59 + [np.nan], r"y has 1 missing values \(NaN\): drop those rows"),
        (np.ones((60, 4)), [0.5] * 59 + [np.inf], r"y has 1 infinite or too large values"),
        (np.ones((60, 4)), [0.5] * 59 + [1e300], r"y has 1 infinite or too large values"),
        (np.ones((60, 4)), 3, r"y=3 names a column, but X is not a DataFrame"),
        (3, LABELS, r"X must have one row for each example"),
        (np.ones((60, 4)), np.array(["a", None] * 30, dtype=object), r"y has 30 missing values"),
        (np.ones((60, 4)), np.array(["a", 1] * 30, dtype=object), r"y must hold labels of one type.* int, str"),
        (np.ones((60, 4)), ["same"] * 60, r"all examples have one class, 'same': nothing can be learned"),
        (np.ones((60, 4)), np.ones(60, complex), r"y holds complex numbers"),
        (np.ones((60, 4)), np.arange(60).astype("datetime64[D]"), r"y holds dates"),
        (np.ones((60, 4)), np.eye(3)[LABELS], r"y looks like one-hot labels .*y.argmax\(axis=1\)"),
        (np.full((60, 8, 8), np.nan), LABELS, r"X has 3840 missing values \(NaN\); only tables may have them"),
        (np.full((60, 4), np.inf), LABELS, r"X has 240 infinite or too large values"),
        (np.full((60, 4), 1e300), LABELS, r"infinite or too large"),
    ],
)
def test_what_cannot_be_learned_from_is_said(x, y, message):
    with pytest.raises(DataError, match=message):
        task_from(x, y)


def test_all_problems_are_listed_at_once():
    with pytest.raises(DataError) as caught:
        task_from(np.ones((3, 2), complex), [1.0, np.nan], test=(np.ones(3), [1, 2, 3]))
    for part in ("X holds complex", "y has 1 missing", "X has 3 examples, but y has 2", "test: X must have one row"):
        assert part in str(caught.value)


def test_sparse_data_are_refused_with_a_way_out():
    from scipy import sparse

    for x in (sparse.csr_matrix(np.eye(60)), torch.eye(60).to_sparse()):
        with pytest.raises(DataError, match=r"X is sparse: give a dense array \(X.toarray\(\)\)"):
            task_from(x, LABELS)


def test_classification_of_several_columns_and_regression_of_text_are_refused():
    x = np.ones((60, 4))
    with pytest.raises(DataError, match=r"classification needs one label for each example, but y has 2 columns"):
        task_from(x, np.ones((60, 2)), kind="classification")
    with pytest.raises(DataError, match=r"regression needs numbers, but y holds text"):
        task_from(x, ["a", "b"] * 30, kind="regression")
    with pytest.raises(NotFound, match=r"unknown kind of task 'classify': did you mean 'classification'"):
        task_from(x, LABELS, kind="classify")


def test_bad_datasets_are_refused():
    class Endless(IterableDataset):
        def __iter__(self):
            yield 1, 2

    with pytest.raises(DataError, match=r"the dataset must have a length and be indexed by number, but Endless"):
        task_from(Endless())
    with pytest.raises(DataError, match=r"each item .* must be a pair \(input, target\), but item 0 is int"):
        task_from(Pairs([1, 2]))
    with pytest.raises(
        DataError, match=r"all inputs of the dataset must have one shape, but there are \[\(2,\), \(3,\)"
    ):
        task_from(Pairs([(np.ones(2), 0), (np.ones(3), 1)]))
    with pytest.raises(DataError, match=r"all targets of the dataset must have one shape"):
        task_from(Pairs([(np.ones(2), 0), (np.ones(2), [1, 2])]))
    with pytest.raises(DataError, match=r"X is empty"):
        task_from(Pairs([]))


def test_several_numbers_to_predict():
    y = np.random.default_rng(0).normal(size=(60, 3)) * [1, 10, 100]
    task = task_from(np.ones((60, 2)), y)
    assert task.n_outputs == 3
    assert task.metric == "r2"
    assert task.train.targets.dtype == np.float32
    assert task.target_mean == pytest.approx(task.train.targets.mean(axis=0), abs=1e-4)
    assert task.target_std == pytest.approx(task.train.targets.std(axis=0), rel=1e-4)


def test_labels_of_any_type_come_back():
    x = np.arange(120.0).reshape(60, 2)
    for labels in (["b", "a", "c"], [5, -1, 7], [True, False, True], [0.5, 1.5, 2.5]):
        y = np.array(labels * 20)
        task = task_from(x, y, kind="classification")
        assert task.classes == tuple(sorted(set(labels)))
        assert task.encoder.decode(task.encoder.encode_labels(y)).tolist() == y.tolist()


def test_two_thousand_pictures_of_ten_megabytes_are_not_blown_up():
    import tracemalloc

    pixels = np.zeros((2000, 3, 40, 40), np.uint8)
    labels = np.arange(2000) % 2
    tracemalloc.start()
    task_from(pixels, labels)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * pixels.nbytes
