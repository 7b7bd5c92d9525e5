"""What a run folder holds, who may go on in it, and what can be read from it at any time."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from netwright import Space, choice, integer, n_outputs, nn
from netwright.automl import load_result, resume, search
from netwright.automl.request import _lasting_repr
from netwright.core import Recipe
from netwright.core.errors import InvalidInput, RunError
from netwright.evaluators import Tabular, TrainingPlan
from netwright.runtime import RunFolder
from netwright.strategies import Random, RegularizedEvolution

SHORT = TrainingPlan(epochs=2, batch_size=64, optimizer="adamw", lr=0.02)
NUMBERS = Space({"x": integer(0, 9)})


def squared(arch):
    return float((arch["x"] - 3) ** 2)


@pytest.fixture
def kept(finished, tmp_path):
    """A copy of a finished run."""
    return shutil.copytree(finished.folder, tmp_path / "kept")


def content(folder):
    """What may not change when a folder is only looked at."""
    return {
        file.name: file.read_bytes() for file in folder.iterdir() if file.suffix in (".json", ".py", ".pt", ".html")
    }


# What it holds --------------------------------------------------------------------------------------------------------


def test_the_files(finished):
    names = {path.name for path in finished.folder.iterdir() if not path.name.startswith("records.sqlite-")}
    assert names == {
        "run.json", "final.json", "records.sqlite", "lock", "checkpoints", "model.py", "model.pt", "report.html"
    }  # fmt: skip
    assert [file.name for file in (finished.folder / "checkpoints").iterdir()] == [f"{finished.best.arch.digest}.pt"]


def test_run_json(finished):
    header = json.loads((finished.folder / "run.json").read_text())
    assert header == finished.facts
    assert header["data"]["given"] == {"data": "blobs", "target": None, "kind": None}
    assert header["data"]["sizes"] == {"train": 192, "validation": 48, "test": 60}
    assert header["space"]["size"] == 5
    assert header["budget_exact"] == [None, 3]
    assert header["plan"]["training"]["epochs"] == 2
    assert header["objectives"] == ["max:accuracy"]
    assert header["function"] is None


def test_final_json(finished):
    final = json.loads((finished.folder / "final.json").read_text())
    assert final == finished.final
    assert final["metrics"] == finished.best.metrics
    assert final["record"] == finished.best.record.id
    assert final["n_records"] == 3
    assert final["stopped_by"] == "3 candidates evaluated"
    assert final["files"] == ["model.py", "model.pt", "report.html"]


def test_a_space_of_more_arches_than_a_real_number_can_count(tmp_path):
    space = Space({f"x{i}": choice([0, 1, 2, 3]) for i in range(600)})
    result = search(space, lambda arch: arch["x0"], budget="2 candidates", method="random", out=tmp_path)
    assert load_result(tmp_path).facts["space"]["size"] == 4**600
    assert result.best is not None


# Read -----------------------------------------------------------------------------------------------------------------


def test_a_finished_run_is_read(finished):
    before = content(finished.folder)
    found = load_result(finished.folder)
    assert list(found.history.records) == list(finished.history.records)
    assert (found.best.arch, found.best.metrics, found.best.record) == (
        finished.best.arch, finished.best.metrics, finished.best.record
    )  # fmt: skip
    assert (found.stopped_by, found.running, found.final) == (finished.stopped_by, False, finished.final)
    assert 0 < found.seconds <= finished.seconds  # the report is written after the folder says so
    inputs = torch.rand(5, 4)
    with torch.no_grad():
        assert torch.allclose(found.best.model(inputs), finished.best.model(inputs), atol=1e-6)
    assert found.summary() == finished.summary()
    assert content(finished.folder) == before


def test_a_run_that_is_only_read_has_no_data(finished):
    with pytest.raises(RunError, match=r"this run was loaded without its data, .*: use `best.model`"):
        load_result(finished.folder).predict(np.zeros((1, 4)))


def test_a_run_is_read_while_it_goes_on(widths, tmp_path, telling):
    seen = []

    def look(name, value):
        if name in ("record", "stage"):
            seen.append(load_result(tmp_path) if (tmp_path / "run.json").exists() else None)

    search(widths, "blobs", budget="3 candidates", plan=SHORT, out=tmp_path, progress=telling(look))
    running = [found for found in seen if found is not None]
    assert [len(found.history) for found in running] == [0, 1, 2, 3, 3, 3]
    assert all(found.running and found.best is not None for found in running[1:])
    assert all(found.best.model is None for found in running[1:])
    assert running[2].report(tmp_path / "meanwhile.html").exists()
    assert not load_result(tmp_path).running


def test_where_there_is_no_run(tmp_path):
    for function in (load_result, resume):
        with pytest.raises(RunError, match=r"there is no run in .*: its run.json is missing"):
            function(tmp_path / "nowhere")


def test_a_model_that_was_lost_is_said(kept):
    (kept / "model.pt").unlink()
    found = load_result(kept)
    assert found.best.model is None
    with pytest.raises(
        RunError, match=r"there is no trained model: there is no trained model in .*model.pt is missing"
    ):
        found.export(kept / "copy.py")


def test_a_damaged_model_is_said(kept):
    (kept / "model.py").write_text("this is no Python")
    assert "can't be loaded: SyntaxError" in load_result(kept).best.note


# Called again ---------------------------------------------------------------------------------------------------------


def test_a_finished_run_is_returned_at_once(kept, widths, finished, told):
    before = content(kept)
    result = search(widths, "blobs", budget="3 candidates", plan=SHORT, out=kept, progress=told)
    assert told.names == ["finished"]
    assert list(result.history.records) == list(finished.history.records)
    assert result.best.metrics == finished.best.metrics
    assert content(kept) == before
    inputs = result.task.test.inputs
    assert np.array_equal(result.predict(inputs), finished.predict(inputs))


def test_a_run_whose_model_was_lost_trains_it_again(kept, widths, finished, told):
    (kept / "model.pt").unlink()
    result = search(widths, "blobs", budget="3 candidates", plan=SHORT, out=kept, progress=told)
    assert told.of("record") == []
    assert result.best.metrics == finished.best.metrics
    assert (kept / "model.pt").exists()


def test_a_larger_budget_goes_on_as_if_it_had_been_that_large(kept, widths, finished, told):
    result = search(widths, "blobs", budget="5 candidates", plan=SHORT, out=kept, progress=told)
    assert [record.id for record, *_ in told.of("record")] == [3, 4]
    assert list(result.history.records)[:3] == list(finished.history.records)
    whole = search(widths, "blobs", budget="5 candidates", plan=SHORT)
    assert list(result.history.records) == list(whole.history.records)
    assert result.best.metrics == whole.best.metrics
    assert load_result(kept).facts["budget"] == "5 candidates"


def test_a_larger_budget_that_is_broken_off_at_once_is_not_finished(kept, widths, telling):
    def stop(name, value):
        if (name, value) == ("stage", "search"):
            raise KeyboardInterrupt

    def go_on(**given):
        return search(widths, "blobs", budget="5 candidates", plan=SHORT, out=kept, **given)

    with pytest.raises(KeyboardInterrupt):
        go_on(progress=telling(stop))
    assert load_result(kept).running
    assert len(go_on().history) == 5


def test_what_a_killed_search_was_writing_is_removed(kept, widths):
    part = kept / "checkpoints" / "abc.pt.123.part"
    part.touch()
    search(widths, "blobs", budget="4 candidates", plan=SHORT, out=kept)
    assert not part.exists()


def test_a_smaller_budget_searches_no_more(kept, widths, finished, told):
    result = search(widths, "blobs", budget="2 candidates", plan=SHORT, out=kept, progress=told)
    assert told.of("record") == []
    assert result.best.metrics == finished.best.metrics


def test_a_time_after_candidates_and_candidates_after_a_time(kept, widths, told):
    result = search(widths, "blobs", budget="60s", plan=SHORT, out=kept, progress=told)
    assert len(result.history) == 5  # all there are
    assert result.facts["plan"]["final_seconds"] > 0
    result = search(widths, "blobs", budget="5 candidates", plan=SHORT, out=kept)
    assert result.facts["plan"]["final_seconds"] is None
    assert result.stopped_by == "5 candidates evaluated"


def test_workers_and_names_of_spaces_may_differ(kept, finished):
    same = Space(
        nn.Sequential(
            nn.LazyLinear(choice([2, 4, 8, 16, 32], label="width", default=8)),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.LazyLinear(n_outputs),
        ),
        name="widths",
    )
    result = search(same, "blobs", budget="3 candidates", plan=SHORT, out=kept, workers=2)  # finished: none is started
    assert list(result.history.records) == list(finished.history.records)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"seed": 1}, ["data: there it is blobs, here blobs of other contents.", "seed: there it is 0, here 1."]),
        ({"task": "wine"}, ["data: there it is blobs, here wine."]),
        ({"space": "mlp"}, ["space: there it is widths, here mlp."]),
        ({"method": "random"}, ["method: there it is auto, here random."]),
        ({"method": Random()}, ["method: there it is auto, here Random."]),
        ({"objectives": "loss"}, ["objectives: there it is ['max:accuracy'], here ['min:loss']."]),
        ({"constraints": "params<=9"}, ["constraints: there it is [], here ['params<=9']."]),
        ({"plan": replace(SHORT, lr=0.5)}, ["training plan: there it is TrainingPlan(epochs=2"]),
        ({"plan": None}, ["training plan: there it is TrainingPlan(epochs=2", "here auto."]),
        (
            {"method": "random", "constraints": "params<=9"},
            ["choose another folder:\n", "  - method: there", "  - constraints: there"],
        ),
    ],
)
def test_another_search_is_refused_with_what_differs(finished, widths, given, said, told):
    before = content(finished.folder)
    usual = {"space": widths, "task": "blobs", "budget": "3 candidates", "plan": SHORT}
    with pytest.raises(RunError, match="holds another search, so it can't go on: choose another folder") as raised:
        search(**{**usual, **given}, out=finished.folder, progress=told)
    assert all(text in str(raised.value) for text in said), str(raised.value)
    assert told.calls == []
    assert content(finished.folder) == before


def test_a_space_with_other_layers_is_another_one(finished):
    other = Space(
        nn.Sequential(
            nn.LazyLinear(choice([2, 4, 8, 16, 32], label="width", default=8)), nn.Tanh(), nn.LazyLinear(n_outputs)
        ),
        name="widths",
    )
    with pytest.raises(RunError, match=r"space: there it is widths, here widths of other contents"):
        search(other, "blobs", budget="3 candidates", plan=SHORT, out=finished.folder)


def test_other_settings_of_the_same_method_are_another_search(tmp_path):
    search(NUMBERS, squared, method=RegularizedEvolution(10, 3), budget="3 candidates", out=tmp_path)
    with pytest.raises(RunError, match="method: there it is RegularizedEvolution, here RegularizedEvolution of other"):
        search(NUMBERS, squared, method=RegularizedEvolution(10, 2), budget="3 candidates", out=tmp_path)


def test_another_function_is_another_search(tmp_path):
    search(NUMBERS, squared, budget="3 candidates", out=tmp_path)
    with pytest.raises(RunError, match="function: there it is squared, here test_another_function_is_another_search"):
        search(NUMBERS, lambda arch: arch["x"], budget="3 candidates", out=tmp_path)
    table = Tabular({arch: {"loss": squared(arch)} for arch in NUMBERS.enumerate()})
    with pytest.raises(RunError, match="function: there it is squared, here Tabular"):
        search(NUMBERS, evaluator=table, budget="3 candidates", out=tmp_path)


def test_a_folder_that_is_in_use_is_refused(kept, widths):
    with RunFolder(kept), pytest.raises(RunError, match="another search is using the run in"):
        search(widths, "blobs", budget="3 candidates", plan=SHORT, out=kept)


class Plain:
    """A strategy that doesn't say what it is."""

    def propose(self, space, history, rng):
        return history.candidate(space.sample(rng))


@dataclass(frozen=True)
class Telling:
    number: int


def of_mine(space):
    return Recipe(Random())


def test_what_tells_methods_apart_is_the_same_in_every_process():
    assert _lasting_repr(Plain()) == _lasting_repr(Plain())
    assert " at 0x" not in _lasting_repr(Plain())
    assert _lasting_repr(of_mine).endswith("test_run_folder.of_mine")
    assert _lasting_repr(Telling(1)) != _lasting_repr(Telling(2))
    assert _lasting_repr("auto") == "'auto'"


def test_a_function_search_goes_on(tmp_path):
    asked = []

    def count(arch):
        asked.append(arch["x"])
        return squared(arch)

    search(NUMBERS, count, budget="4 candidates", out=tmp_path)
    again = search(NUMBERS, count, budget="4 candidates", out=tmp_path)  # it is finished
    assert (len(asked), len(again.history)) == (4, 4)
    assert again.best.record == again.history.best
    result = search(NUMBERS, count, budget="9 candidates", out=tmp_path)
    assert len(asked) == 9
    assert list(result.history.records) == list(search(NUMBERS, squared, budget="9 candidates").history.records)


# `resume` -------------------------------------------------------------------------------------------------------------


def test_resume_goes_on_by_names_alone(tmp_path, monkeypatch):
    (tmp_path / "spaces_of_mine.py").write_text(
        "from netwright import Space, choice, n_outputs, nn\n"
        "small = Space(nn.Sequential(nn.LazyLinear(choice([2, 4, 8], label='w')), nn.LazyLinear(n_outputs)))\n"
    )
    rows = [f"{i % 7},{i % 5},{'ab'[i % 7 > 3]}" for i in range(80)]
    (tmp_path / "mine.csv").write_text("\n".join(["u,v,kind", *rows]) + "\n")
    monkeypatch.chdir(tmp_path)
    first = search(
        "spaces_of_mine.py:small", "mine.csv", target="kind", method="random", budget="1 candidates", seed=4,
        objectives=["accuracy", "min:params"], constraints="params<=60", out="run",
    )  # fmt: skip
    monkeypatch.chdir("/")
    again = resume(tmp_path / "run")
    assert again.best.metrics == first.best.metrics
    result = resume(tmp_path / "run", budget="3 candidates")
    assert len(result.history) == 3
    assert list(result.history.records)[:1] == list(first.history.records)
    assert (result.facts["seed"], result.facts["objectives"]) == (4, ["max:accuracy", "min:params"])


@pytest.mark.parametrize("given", [{"space": NUMBERS, "task": squared}, {"method": Random()}, {"plan": SHORT}])
def test_what_a_folder_cannot_hold_is_to_be_given_again(tmp_path, given):
    usual = {"space": "mlp", "task": "blobs", "budget": "1 candidates"}
    search(**{**usual, **given}, out=tmp_path)
    said = re.escape(f"netwright.search again with the same arguments and out={str(tmp_path)!r}; it goes on where")
    with pytest.raises(RunError, match=f"was started from Python objects, which a folder can't hold: call {said}"):
        resume(tmp_path)


def test_resume_with_a_budget_that_cannot_be(finished):
    with pytest.raises(RunError, match="was started from Python objects"):  # said first: it needs another call anyway
        resume(finished.folder, budget="3")


def test_resume_checks_its_budget(tmp_path):
    search("mlp", "blobs", budget="1 candidates", out=tmp_path)
    with pytest.raises(InvalidInput, match="a budget must look like"):
        resume(tmp_path, budget="3")
