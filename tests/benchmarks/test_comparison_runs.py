"""One run, and the journal that keeps runs."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from netwright.benchmarks import Journal, Run
from netwright.core.errors import RunError

RUN = Run(
    "toy", "random", 3, 6, 1, "abc",
    at=(2, 5), seconds=(20.0, 70.0), values=(0.5, 0.75), tests=(0.4, math.nan), n_queries=6, total_seconds=90.0,
)  # fmt: skip  # as one row


def same(first, second):
    """Equal, where NaN equals NaN."""
    return json.dumps(first.to_plain(), sort_keys=True) == json.dumps(second.to_plain(), sort_keys=True)


def test_steps_become_a_value_for_each_query_and_moment():
    assert np.array_equal(RUN.by_query(), [np.nan, 0.5, 0.5, 0.5, 0.75, 0.75], equal_nan=True)
    assert np.array_equal(RUN.by_query(test=True), [np.nan, 0.4, 0.4, 0.4, np.nan, np.nan], equal_nan=True)
    moments = np.array([0.0, 19.9, 20.0, 69.0, 70.0, 1e9])
    assert np.array_equal(RUN.by_time(moments), [np.nan, np.nan, 0.5, 0.5, 0.75, 0.75], equal_nan=True)
    assert np.isnan(Run("toy", "random", 0, 3, 1).by_query()).all()


def test_plain_and_back():
    assert same(Run.from_plain(json.loads(json.dumps(RUN.to_plain(), allow_nan=False))), RUN)


def test_real_time_makes_no_run_different():
    assert Run("toy", "m", 0, 1, 1, wall_seconds=1.0) == Run("toy", "m", 0, 1, 1, wall_seconds=2.0)
    assert Run("toy", "m", 0, 1, 1, digest="a") != Run("toy", "m", 0, 1, 1, digest="b")


def test_the_journal_keeps_runs(tmp_path):
    journal = Journal(tmp_path / "new" / "runs.jsonl", version="1")
    assert list(journal) == []
    other = Run("toy", "grid", 0, 6, 1)
    for run in (RUN, other):
        journal.append(run)
    assert all(map(same, Journal(journal.path, version="1"), (RUN, other)))
    assert list(Journal(journal.path, version="2")) == [], "another version may do something else"


@pytest.mark.parametrize("cut", [1, 5, 9, 60, -2])
def test_a_line_that_was_cut_off_is_passed_over_and_the_next_one_whole(tmp_path, cut):
    journal = Journal(tmp_path / "runs.jsonl", version="1")
    journal.append(RUN)
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole + whole[:cut])
    assert len(list(journal)) == 1
    journal.append(Run("toy", "grid", 0, 6, 1))
    assert [run.method for run in journal] == ["random", "grid"]


def test_another_file_is_not_taken_for_a_journal(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("what I wanted to do\n", encoding="utf-8")
    with pytest.raises(RunError, match=r"line 1 of .*notes\.txt is no run of a comparison .* choose another folder"):
        list(Journal(path, version="1"))
    with pytest.raises(RunError, match="can't be read"):
        list(Journal(tmp_path, version="1"))
    with pytest.raises(RunError, match=r"can't be written to .* Choose another folder"):
        Journal(path / "runs.jsonl", version="1").append(RUN)
