"""Splits keep the shares of the classes, lose no row, and depend on the seed alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core.errors import DataError, InvalidInput
from netwright.tasks import load, task_from
from netwright.tasks.splitting import pick, room, shares

counts_lists = st.lists(st.integers(0, 60), min_size=1, max_size=12).filter(lambda counts: sum(counts) > 0)


@st.composite
def counts_and_n(draw):
    counts = np.array(draw(counts_lists))
    keep = draw(st.integers(0, 3))
    return counts, draw(st.integers(0, room(counts, keep=keep))), keep


@given(counts_and_n())
def test_shares_add_up_and_leave_what_is_to_be_kept(case):
    counts, n, keep = case
    taken = shares(counts, n, keep=keep)
    assert taken.sum() == n
    assert (taken >= 0).all()
    assert (counts - taken >= np.minimum(counts, keep)).all()
    can_give = counts > keep
    if n >= can_give.sum():
        assert (taken[can_give] >= 1).all()


@given(st.lists(st.integers(20, 500), min_size=1, max_size=8), st.floats(0.1, 0.9))
def test_shares_are_within_one_of_exact_where_nothing_is_scarce(counts, share):
    counts = np.array(counts)
    n = round(counts.sum() * share)
    assert (np.abs(shares(counts, n) - counts * n / counts.sum()) < 1).all()


def test_more_than_there_is_cannot_be_taken():
    with pytest.raises(InvalidInput, match=r"`n` must be in 0\.\.5, but got 6"):
        shares(np.array([3, 4]), 6, keep=1)


@given(counts_and_n(), st.integers(0, 2**32))
def test_picked_rows_are_distinct_sorted_and_the_same_for_the_same_seed(case, seed):
    counts, n, keep = case
    strata = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    rows = pick(len(strata), n, strata, np.random.default_rng(seed), keep=keep)
    assert len(rows) == n
    assert (np.diff(rows) > 0).all()
    assert (rows == pick(len(strata), n, strata, np.random.default_rng(seed), keep=keep)).all()
    found = np.bincount(strata[rows], minlength=len(counts))
    assert (found == shares(counts[counts > 0], n, keep=keep)).all() if (counts > 0).all() else True


def parts_of(task):
    return task.train, task.validation, task.test


@given(
    st.lists(st.integers(3, 25), min_size=2, max_size=6),
    st.floats(0.05, 0.6),
    st.floats(0.05, 0.6),
    st.integers(0, 1000),
)
def test_parts_share_no_row_lose_none_and_each_has_every_class(counts, validation_share, test_share, seed):
    labels = np.repeat(np.arange(len(counts)), counts)
    rows = np.arange(len(labels), dtype=float)
    task = task_from(
        np.column_stack([rows, rows]),
        labels,
        kind="classification",
        seed=seed,
        validation_share=validation_share,
        test_share=test_share,
    )
    numbers = np.concatenate([part.inputs[:, 0] for part in parts_of(task)])
    assert sorted(numbers) == list(rows)
    for part in parts_of(task):
        assert set(part.targets) == set(range(len(counts)))
        assert (labels[part.inputs[:, 0].astype(int)] == part.targets).all()


@given(st.integers(3, 80), st.integers(0, 100))
def test_numbers_are_split_by_the_stated_shares(n, seed):
    task = task_from(np.arange(2.0 * n).reshape(n, 2), np.linspace(0.0, 1.0, n), kind="regression", seed=seed)
    sizes = [len(part) for part in parts_of(task)]
    assert sum(sizes) == n
    assert min(sizes) >= 1
    assert sizes[2] == max(1, round(0.2 * n))


def test_shares_of_classes_are_the_same_in_all_parts():
    labels = np.repeat(["a", "b", "c"], [700, 200, 100])
    task = task_from(np.arange(2000.0).reshape(1000, 2), labels)
    assert [len(part) for part in parts_of(task)] == [640, 160, 200]
    for part in parts_of(task):
        assert np.bincount(part.targets) / len(part) == pytest.approx([0.7, 0.2, 0.1], abs=0.01)


def test_the_seed_alone_decides():
    x, y = np.arange(400.0).reshape(200, 2), np.arange(200) % 4
    first, again, other = (task_from(x, y, seed=seed) for seed in (3, 3, 4))
    assert (first.test.inputs == again.test.inputs).all()
    assert (first.train.inputs == again.train.inputs).all()
    assert (first.test.inputs != other.test.inputs).any()


def test_no_global_random_state_is_touched():
    np.random.seed(5)  # noqa: NPY002 - this is what must stay as it is
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    load("blobs")
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_rare_classes_stay_in_the_train_part_and_the_notes_name_them():
    labels = np.array(["common"] * 30 + ["usual"] * 20 + ["often"] * 10 + ["once"] + ["twice"] * 2)
    x = np.arange(2.0 * len(labels)).reshape(-1, 2)
    task = task_from(x, labels)
    names = [set(task.encoder.decode(part.targets)) for part in parts_of(task)]
    assert names[0] == {"common", "usual", "often", "once", "twice"}
    assert names[1] == names[2] == {"common", "usual", "often"}
    assert sum(len(part) for part in parts_of(task)) == len(labels)
    assert "classes with fewer than 3 examples are in the train part only: 'once' (1), 'twice' (2)." in task.notes
    # With a fixed test part, two examples are enough to be in both of the others.
    fixed = task_from(x, labels, test=(x[:4], labels[:4]))
    assert "classes with fewer than 2 examples are in the train part only: 'once' (1)." in fixed.notes
    assert "twice" in fixed.encoder.decode(fixed.validation.targets)


def test_mostly_rare_classes_are_refused_with_a_hint():
    x = np.arange(40.0).reshape(20, 2)
    with pytest.raises(DataError, match=r"need at least 3 examples.*too few of 0 \(1\), 1 \(1\).*kind='regression'"):
        task_from(x, np.arange(20), kind="classification")
    with pytest.raises(DataError, match=r"too few of 'b' \(1\)\.$"):  # two classes that can be split are needed
        task_from(x, ["a"] * 19 + ["b"])


def test_too_few_numbers_are_refused():
    with pytest.raises(DataError, match=r"too few examples to be split: 2"):
        task_from([[1.0], [2.0]], [0.5, 0.25], kind="regression")


def test_at_most_ten_thousand_validate():
    task = task_from(np.zeros((60_000, 1), np.float32), np.arange(60_000) % 2, test_share=0.01)
    assert len(task.validation) == 10_000


@pytest.mark.parametrize("option", ["validation_share", "test_share"])
@pytest.mark.parametrize("share", [0.0, 1.0, -0.1])
def test_shares_must_be_shares(option, share):
    with pytest.raises(InvalidInput, match=rf"`{option}` must be between 0 and 1, but got {share}"):
        task_from([[1.0]] * 9, [0, 1, 2] * 3, **{option: share})


def test_subsets_are_stratified_and_keep_the_other_parts_and_the_statistics():
    task = load("blobs")
    small = task.subset(30)
    assert np.bincount(small.train.targets).tolist() == [10, 10, 10]
    assert small.test is task.test
    assert small.validation is task.validation
    assert (small.input_mean == task.input_mean).all()
    assert (small.train.inputs == task.subset(30).train.inputs).all()
    assert (small.train.inputs != task.subset(30, seed=1).train.inputs).any()
    assert len(task.subset(len(task.train)).train) == len(task.train)
    for n in (2, len(task.train) + 1):
        with pytest.raises(InvalidInput, match=rf"`n_train` must be in 3\.\.192 .*'blobs'.*but got {n}"):
            task.subset(n)
