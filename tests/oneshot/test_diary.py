"""The diary: what is told is kept, a kill costs at most the line that was being written."""

from __future__ import annotations

import json
import math

import pytest

from netwright import Arch, Space, choice, integer, repeat, subset
from netwright import nn as deferred
from netwright.core.errors import InvalidInput, RunError
from netwright.oneshot.diary import Diary, diary_at, diary_file

ARCH = Arch({"op": "skip_connect", "edges": ("a", "b"), "width": 8, "none": None})


def _told(diary: Diary) -> str:
    """All that a diary tells, to compare."""
    return repr([list(diary.phases.values()), diary.rankings, diary.notes])


def _write(diary: Diary, epochs) -> None:
    for number in epochs:
        diary.count(ARCH, times=number)
        diary.epoch(
            number,
            losses={"train": 1 / number, "val": math.nan},
            values={"lr": math.inf},
            weights={"op": {"skip_connect": 0.25, "conv": 0.75}},
            arch=ARCH,
            seconds=1.5 * number,
        )


def test_what_is_told_is_read_again(tmp_path):
    file = tmp_path / "runs" / "oneshot.jsonl"
    diary = Diary(file)
    assert not diary
    diary.begin("darts", title="DARTS", n_epochs=3)
    _write(diary, (1, 2, 3))
    diary.ranking("plain", [1, 2, math.nan], [3, 4, 5])
    diary.note("stopped early")
    diary.note("stopped early")
    again = Diary(file, read_only=True)
    assert _told(again) == _told(diary)
    assert again.notes == ["stopped early"]
    epoch = again.phases["darts"].epochs[1]
    assert (epoch.number, epoch.losses["train"], epoch.values["lr"], epoch.n_skips) == (2, 0.5, math.inf, 1)
    assert math.isnan(epoch.losses["val"])
    assert epoch.arch == ARCH
    assert epoch.counts == {
        "op": {"skip_connect": 2},
        "edges": {"a": 2, "b": 2},
        "width": {"8": 2},
        "none": {"None": 2},
    }
    assert again.n_paths == 6
    assert again.totals()["edges"] == {"a": 6, "b": 6}
    for line in file.read_text().splitlines():  # strict JSON
        json.loads(line, parse_constant=pytest.fail)


def test_a_killed_writer_leaves_whole_lines(tmp_path):
    file = tmp_path / "oneshot.jsonl"
    diary = Diary(file)
    diary.begin("a")
    _write(diary, (1, 2))
    whole = file.read_bytes()
    for cut in (1, 7, len(whole) - len(whole.splitlines()[0]) - 2):
        file.write_bytes(whole[:-cut])
        looked = Diary(file, read_only=True)
        assert file.read_bytes() == whole[:-cut]  # the writer may still be at it
        continued = Diary(file)
        assert _told(continued) == _told(looked)
        _write(continued, range(len(continued.phases["a"].epochs) + 1, 3))
        assert file.read_bytes() == whole


def test_a_training_that_goes_on_from_a_checkpoint_replaces_what_came_after_it(tmp_path):
    plain, killed = Diary(), Diary(tmp_path / "oneshot.jsonl")
    for diary in (plain, killed):
        diary.begin("a")
    _write(plain, (1, 2, 3, 4))
    _write(killed, (1, 2, 3))
    resumed = Diary(tmp_path / "oneshot.jsonl")
    resumed.begin("a")
    _write(resumed, (2, 3, 4))
    assert _told(resumed) == _told(plain)
    resumed.ranking("r", [1], [2])
    resumed.ranking("r", [3], [4])
    assert [found.shared for found in Diary(tmp_path / "oneshot.jsonl").rankings] == [(3.0,)]


def test_options_of_a_space():
    space = Space(
        deferred.Sequential(
            choice(
                {"skip": deferred.Identity(), "linear": deferred.LazyLinear(choice([4, 8], label="width"))}, label="op"
            ),
            repeat(deferred.ReLU(), 1, 3, label="depth"),
        ),
        training={
            "lr": choice([0.1, 0.2]),
            "epochs": integer(1, 1000),
            "some": subset(["a", "b", "c"], 2),
        },
    )
    diary = Diary()
    diary.begin(space=space)
    options = diary.phases["training"].options
    assert options["op"] == ("skip", "linear")
    assert options["depth"] == ("1", "2", "3")
    assert set(options["some"]) == {"a", "b", "c"}
    assert not any("epochs" in name for name in options)  # too many to list
    diary.count(Arch({"op": "skip", "depth": 2}))
    diary.epoch(1)
    assert diary.totals()["op"] == {"skip": 1, "linear": 0}
    assert diary.totals()["width"] == {"4": 0, "8": 0}


def test_counts_belong_to_one_epoch():
    diary = Diary()
    diary.count(Arch({"op": "a"}))
    diary.epoch(1)
    diary.epoch(2)
    diary.epoch(3, counts={"op": {"b": 5}}, n_skips=4)
    assert [epoch.counts for epoch in diary] == [{"op": {"a": 1}}, {}, {"op": {"b": 5}}]
    assert [epoch.n_skips for epoch in diary] == [None, None, 4]


def test_phases_keep_their_own_epochs():
    diary = Diary()
    for phase in ("large", "small"):
        diary.begin(phase)
        diary.epoch(1, losses={"train": 1.0})
    assert [(name, len(phase.epochs)) for name, phase in diary.phases.items()] == [("large", 1), ("small", 1)]


def test_entropy_is_one_for_a_draw_and_nought_for_a_decision():
    diary = Diary()
    diary.epoch(
        1, weights={"a": {1: 0.2, 2: 0.2, 3: 0.2}, "b": {1: 1, 2: 0}, "c": {1: 1}, "d": {1: 0, 2: 0}, "e": {1: 3, 2: 1}}
    )
    entropies = next(iter(diary)).entropies
    assert [entropies[name] for name in "abcd"] == pytest.approx([1.0, 0.0, 0.0, 0.0])
    assert entropies["e"] == pytest.approx(0.8113, abs=1e-4)


def test_where_it_is_kept(tmp_path):
    checkpoints = tmp_path / "checkpoints"
    assert diary_file(checkpoints) == checkpoints / "oneshot.jsonl"
    (tmp_path / "run.json").write_text("{}")
    assert diary_file(checkpoints) == tmp_path / "oneshot.jsonl"
    assert diary_file(tmp_path / "elsewhere") == tmp_path / "elsewhere" / "oneshot.jsonl"
    assert diary_at(diary_file(checkpoints)) is None
    Diary(diary_file(checkpoints)).note("here")
    assert diary_at(diary_file(checkpoints)).notes == ["here"]


def test_what_is_refused(tmp_path):
    file = tmp_path / "oneshot.jsonl"
    Diary(file).note("x")
    with pytest.raises(RunError, match="was opened for reading only"):
        Diary(file, read_only=True).note("y")
    with pytest.raises(InvalidInput, match="epochs count from 1, but got epoch 0"):
        Diary().epoch(0)
    with pytest.raises(InvalidInput, match="two scores for each arch, but got 2 by shared weights and 1 after"):
        Diary().ranking("", [1, 2], [3])
    for wrong in ("nonsense\n", '{"kind": "epoch"}\n', '{"kind": "other"}\n', "[]\n"):
        file.write_text('{"kind":"note","text":"x"}\n' + wrong)
        with pytest.raises(RunError, match=r"line 2 of .*oneshot.jsonl is no entry of a diary .*: delete the file"):
            Diary(file)
