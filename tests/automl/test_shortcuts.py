"""`stop` and `inherit` of a search: what is refused, what is kept, that it can go on."""

from __future__ import annotations

import json

import pytest

import netwright
from netwright.automl.shortcuts import may_be_parents, shortcuts_from
from netwright.core import Arch, Candidate, History, Objective, Recipe, Record
from netwright.core.errors import InvalidInput, NotFound, RunError
from netwright.evaluators import Function, TrainingPlan
from netwright.evaluators.stopping import MedianRule, Patience, Stopping
from netwright.strategies import Random

ACCURACY = (Objective("accuracy", "max"),)
MEASURED = ("accuracy", "loss")
PLAN = TrainingPlan(epochs=4, batch_size=32, optimizer="adamw", lr=0.01)


def asked(stop=None, inherit=False, *, objectives=ACCURACY, measured=MEASURED):
    return shortcuts_from(stop, inherit, objectives=objectives, measured=measured)


def test_a_rule_goes_by_the_first_objective():
    assert asked("median").stop == Stopping(MedianRule(), metric="accuracy")
    assert asked(Patience(), objectives=(Objective("loss"), *ACCURACY)).stop == Stopping(Patience(), metric="loss")
    assert asked(Stopping(MedianRule(), metric="loss")).stop.metric == "loss"


def test_what_the_header_holds():
    assert asked().facts is None
    assert asked("median").facts["stop"] == "median"
    assert asked(MedianRule(start=9)).facts["stop"] is None
    assert "start=9" in asked(MedianRule(start=9)).facts["text"]


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"stop": "medien"}, NotFound, "unknown stopping rule 'medien': did you mean 'median'"),
        ({"inherit": 1}, InvalidInput, "`inherit` must be True or False, but got 1"),
        ({"stop": "median", "measured": None}, InvalidInput, "`stop` and `inherit` are about training candidates"),
        ({"inherit": True, "measured": None}, InvalidInput, "leave them out, or give them to Training"),
        (
            {"stop": "median", "objectives": (*ACCURACY, Objective("params"))},
            InvalidInput,
            "MedianRule compares candidates by one metric, but there are 2 objectives",
        ),
        (
            {"stop": "median", "objectives": (Objective("params"),)},
            InvalidInput,
            r"needs a metric that is measured after each epoch \(accuracy, loss\), but the objective is params",
        ),
    ],
)
def test_what_is_refused(given, error, said):
    with pytest.raises(error, match=said):
        asked(**given)


def test_which_checkpoints_children_may_want():
    history = History(ACCURACY)
    for number in range(200):
        loss = -1.0 if number == 5 else float(number)
        history.add(Record(number, Arch({"x": number}), losses=(loss,)))
    found = may_be_parents(history, [Candidate(200, Arch({"x": 999}), parent=77)])
    assert Arch({"x": 5}).digest in found  # the best
    assert Arch({"x": 77}).digest in found  # a parent of what is running
    assert {Arch({"x": number}).digest for number in range(136, 200)} <= found  # the newest
    assert len(found) == 64 + 16 + 1


def searched(tmp_path, n, **given):
    return netwright.search(
        "mlp", "blobs", method="random", budget=f"{n} candidates", plan=PLAN, seed=1, out=tmp_path, **given
    )


def test_parents_are_kept_and_the_header_says_so(tmp_path):
    result = netwright.search(
        "mlp", "blobs", method="local-search", budget="6 candidates", plan=PLAN, seed=1, inherit=True, out=tmp_path
    )
    records = result.history.records
    children = [record for record in records if record.parent is not None]
    assert children
    assert all(record.metrics["inherited"] > 0 for record in children)
    digests = {record.arch.digest for record in records}
    assert {file.stem for file in (tmp_path / "checkpoints").glob("*.pt")} == digests
    assert json.loads((tmp_path / "run.json").read_text())["shortcuts"]["inherit"] is True
    assert not any("no candidate has a parent" in warning for warning in result.final["warnings"])
    assert "Inherited weights" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_without_parents_nothing_is_inherited_and_that_is_said(tmp_path):
    found = searched(tmp_path / "random", 2, inherit=True)
    assert any("no candidate has a parent" in warning for warning in found.final["warnings"])
    assert "no candidate has a parent" in (tmp_path / "random" / "report.html").read_text(encoding="utf-8")
    usual = searched(tmp_path / "usual", 2)
    assert not any("parent" in warning for warning in usual.final["warnings"])


def test_another_rule_is_another_search(tmp_path):
    searched(tmp_path, 1, stop="median")
    with pytest.raises(RunError, match="shortcuts: there it is stop=Stopping"):
        searched(tmp_path, 2)
    with pytest.raises(RunError, match="was started from Python objects"):
        netwright.resume(tmp_path)  # because of the plan


def test_candidates_that_are_not_trained_cannot_be_stopped(caplog):
    untrained = Recipe(Random(), evaluator=lambda _: Function(lambda _: 0.5, "accuracy"))
    for prepared, told in ((untrained, True), (Recipe(Random()), False)):
        caplog.clear()
        method = Recipe(Random(), prepare=lambda *_, found=prepared: found)
        netwright.search("mlp", "blobs", method=method, budget="1 candidate", plan=PLAN, seed=1, stop="median")
        assert ("they do nothing here" in caplog.text) == told


def test_resumed_by_name(tmp_path):
    first = netwright.search("mlp", "blobs", method="random", budget="1 candidate", stop="median", out=tmp_path)
    again = netwright.resume(tmp_path)
    assert again.facts["shortcuts"] == first.facts["shortcuts"]
    assert again.facts["shortcuts"]["stop"] == "median"
