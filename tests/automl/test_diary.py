"""What a method's preparation writes into the diary comes out of the result, with and without a folder."""

from __future__ import annotations

import pytest

import netwright
from netwright import n_outputs, nn
from netwright.core.protocols import Recipe
from netwright.evaluators import TrainingPlan
from netwright.oneshot.diary import Diary, diary_file
from netwright.strategies import Random


def _prepare(evaluator, context):
    diary = Diary(diary_file(context.checkpoints))
    diary.begin("supernet", title="a supernet", n_epochs=1)
    diary.epoch(1, losses={"train": float("nan")})
    return Recipe(Random())


@pytest.mark.parametrize("kept", [True, False])
def test_the_diary_is_part_of_the_result(tmp_path, kept):
    space = netwright.Space(
        nn.Sequential(nn.Flatten(), nn.LazyLinear(netwright.choice([4, 8])), nn.LazyLinear(n_outputs))
    )
    result = netwright.search(
        space,
        "blobs",
        method=Recipe(Random(), prepare=_prepare),
        budget="1 candidates",
        plan=TrainingPlan(epochs=1, batch_size=32),
        out=tmp_path / "run" if kept else None,
    )
    results = [result]
    if kept:
        assert (tmp_path / "run" / "oneshot.jsonl").exists()
        results.append(netwright.load_result(tmp_path / "run"))
        assert "no number from epoch 1 on" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    for found in results:
        assert found.diary.phases["supernet"].title == "a supernet"
        assert "no number from epoch 1 on" in found.summary()


def test_most_methods_have_none():
    space = netwright.Space({"x": netwright.integer(0, 9)})
    result = netwright.search(space, lambda arch: arch["x"], method="random", budget="2 candidates")
    assert result.diary is None
