"""Methods that train shared weights before the search: in the flow, after a kill, with workers, in time."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

import pytest
import torch

from netwright import Space, choice, n_outputs, nn, repeat
from netwright.automl import load_result, resume, search
from netwright.core import Candidate, Context, Recipe
from netwright.core.errors import InvalidInput
from netwright.evaluators import Function, Training, TrainingPlan
from netwright.methods.enas import enas
from netwright.methods.narrowed import narrowed
from netwright.methods.spos import spos
from netwright.oneshot.preparing import OneShot, supernet_plan, training_inside
from netwright.oneshot.samplers import Uniform
from netwright.oneshot.selecting import saved_evaluator
from netwright.strategies import Random
from netwright.tasks import load

PLAN = TrainingPlan(epochs=2, batch_size=64, optimizer="adamw", lr=0.02)

SCRIPT = """
import os, signal, sys
from netwright.automl import Quiet, search
from netwright.evaluators import Training
from netwright.oneshot import shared_fitting

class Killed(Quiet):
    def record(self, record, history, elapsed, limit):
        if sys.argv[1] == f"record {record.id}":
            os.kill(os.getpid(), signal.SIGKILL)

save = shared_fitting.SharedFitting.save
def saved(self, *args, **named):
    save(self, *args, **named)
    kind, number = sys.argv[1].split()
    if kind == "epoch" and self.epochs_done >= int(number):  # the first checkpoint from then on
        os.kill(os.getpid(), signal.SIGKILL)
shared_fitting.SharedFitting.save = saved

search("mlp", "blobs", budget="4 candidates", method="spos", out=sys.argv[1], progress=Killed())
"""


@pytest.fixture(scope="module")
def layers():
    """Eight dense networks, with a choice of the training that shared weights don't tell apart."""
    return Space(
        nn.Sequential(
            nn.LazyLinear(choice([4, 8, 16, 32], label="width")),
            choice({"relu": nn.ReLU(), "silu": nn.SiLU()}, label="act"),
            nn.LazyLinear(n_outputs),
        ),
        training={"lr": choice([0.02, 0.01])},
        name="layers",
    )


def run(space, method="spos", **given):
    return search(space, "blobs", **{"method": method, "budget": "4 candidates", "plan": PLAN, **given})


METHODS = ["spos", "fairnas", "enas", "ofa", "bignas", "attentive_nas"]


@pytest.mark.parametrize("method", METHODS)
def test_each_method_from_end_to_end(method, layers, told, tmp_path):
    result = run(layers, method, out=tmp_path / "run", progress=told)
    assert told.names.index("prepare") < told.names.index("search") < told.names.index("final")
    assert len(result.history) == 4
    assert len({record.arch for record in result.history.records}) == 4
    assert {record.arch["lr"] for record in result.history.records} == {0.02}
    assert all(record.metrics["params"] > 0 for record in result.history.records)  # costs are there as always
    assert result.best.model is not None
    assert result.final["trained_on"] == "train and validation"
    assert (tmp_path / "run" / "checkpoints" / "supernet.ckpt").exists()
    assert (tmp_path / "run" / "oneshot.jsonl").exists()
    again = run(layers, method, out=tmp_path / "run", budget="6 candidates")
    assert list(again.history.records)[:4] == list(result.history.records)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs SIGKILL")
@pytest.mark.slow
@pytest.mark.parametrize("place", ["epoch 60", "record 1"])
def test_a_killed_search_goes_on_in_the_middle_of_the_supernets_training(place, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run([sys.executable, "script.py", place], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == -9, done.stderr.decode()
    assert load_result(tmp_path / place).running
    result = resume(tmp_path / place)
    whole = search("mlp", "blobs", budget="4 candidates", method="spos")
    assert list(result.history.records) == list(whole.history.records)
    assert result.best.metrics == whole.best.metrics


def test_interrupted_preparation_goes_on_exactly(layers, tmp_path, monkeypatch):
    from netwright.oneshot.shared_fitting import SharedFitting

    save, epochs = SharedFitting.save, []

    def saved(self, *args, **named):
        save(self, *args, **named)
        epochs.append(self.epochs_done)
        if epochs == [1]:
            raise KeyboardInterrupt

    monkeypatch.setattr(SharedFitting, "save", saved)
    with pytest.raises(KeyboardInterrupt):
        run(layers, out=tmp_path)
    result = run(layers, out=tmp_path)
    assert epochs[:2] == [1, 2]
    monkeypatch.undo()
    assert list(result.history.records) == list(run(layers).history.records)


def test_final_training_from_the_path(layers, monkeypatch):
    """With a learning rate of next to nothing, the winner is what the supernet had."""
    tiny = TrainingPlan(epochs=2, batch_size=64, optimizer="sgd", lr=0.1)
    from netwright.automl import running

    seen = {}
    train = running.train_winner

    def watched(*args, **named):
        seen.update(named)
        return train(*args, **named)

    monkeypatch.setattr(running, "train_winner", watched)
    result = run(layers, spos(layers, final="path", epochs=30), plan=tiny)
    assert set(seen["weights"]) == {"0.weight", "0.bias", "2.weight", "2.bias"}
    assert result.best.metrics["accuracy"] > 0.6
    run(layers, spos(layers, final="scratch"))
    assert seen["weights"] is None


def test_few_shot_splits_the_supernet(layers, tmp_path):
    result = run(layers, spos(layers, few_shot="act", epochs=4), out=tmp_path)
    assert {file.name for file in (tmp_path / "checkpoints").glob("*.ckpt")} == {
        "supernet.ckpt",
        "supernet-0.ckpt",
        "supernet-1.ckpt",
    }
    assert [phase.title for phase in result.diary.phases.values()] == [
        "supernet by Uniform()",
        "supernet by Uniform(), act = relu",
        "supernet by Uniform(), act = silu",
    ]
    assert len(run(layers, spos(layers, few_shot="auto", epochs=4), out=None).history) == 4
    _each_path_is_scored_by_its_part_afterwards(layers, result, tmp_path / "checkpoints")


def _each_path_is_scored_by_its_part_afterwards(layers, result, folder):
    task = load("blobs")
    saved = saved_evaluator(folder / "supernet.ckpt", layers, task, PLAN)
    for record in result.history.records:
        found = saved(Candidate(0, record.arch), Context())
        assert found == pytest.approx({name: record.metrics[name] for name in found})
    one = saved_evaluator(folder / "supernet-1.ckpt", layers, task, PLAN)
    silu = next(record.arch for record in result.history.records if record.arch["act"] == "silu")
    assert one(Candidate(0, silu), Context())["loss"] == saved(Candidate(0, silu), Context())["loss"]
    with pytest.raises(InvalidInput, match="there is a supernet for each of 'silu' of 'act', but the arch has 'relu'"):
        one(Candidate(0, silu.replace(act="relu")), Context())
    (folder / "supernet-1.ckpt").write_bytes((folder / "supernet-0.ckpt").read_bytes())
    with pytest.raises(InvalidInput, match=r"supernet-1\.ckpt must be the finished supernet for act = 'silu', but"):
        saved_evaluator(folder / "supernet.ckpt", layers, task)
    (folder / "supernet-1.ckpt").unlink()
    with pytest.raises(InvalidInput, match=r"was split by 'act', so supernet-1\.ckpt must lie beside it, for 'silu'"):
        saved_evaluator(folder / "supernet.ckpt", layers, task)


def test_a_time_budget_is_shared(layers, told):
    result = run(layers, budget="8s", plan=None, progress=told)
    assert result.stopped_by in ("time is up", "nothing new to propose: no unseen arch was found after 8 records.")
    assert len(result.history) >= 3
    assert result.best.model is not None


def test_a_finished_supernet_serves_another_budget(layers, tmp_path):
    first = run(layers, out=tmp_path, budget="3 candidates")
    state = torch.load(tmp_path / "checkpoints" / "supernet.ckpt", weights_only=True)
    second = run(layers, out=tmp_path, budget="20s, 4 candidates")
    again = torch.load(tmp_path / "checkpoints" / "supernet.ckpt", weights_only=True)
    assert state["steps_done"] == again["steps_done"]
    assert list(second.history.records)[:3] == list(first.history.records)


def test_limits_hold_for_paths_too(layers):
    result = run(layers, constraints="params<=100")
    assert all(record.status == "infeasible" or record.metrics["params"] <= 100 for record in result.history.records)
    assert result.best.metrics["accuracy"] > 0.4


def test_several_objectives(layers):
    front = run(layers, objectives=["accuracy", "min:params"], budget="8 candidates").history.pareto()
    assert [record.metrics["params"] for record in front] == sorted(
        (record.metrics["params"] for record in front), reverse=True
    )


@pytest.mark.slow
def test_workers_score_paths_as_this_process_does(layers):
    alone = run(layers, "fairnas", budget="6 candidates")
    together = run(layers, "fairnas", budget="6 candidates", workers=2)
    known = {record.arch: record.metrics["loss"] for record in alone.history.records}
    for record in together.history.records:
        if record.arch in known:
            assert record.metrics["loss"] == pytest.approx(known[record.arch], rel=1e-4)
    assert len(together.history) == 6


def test_a_recipe_of_ones_own_may_prepare(layers):
    calls = []

    @dataclass(frozen=True)
    class Counted:
        def __call__(self, evaluator, context):
            calls.append((training_inside(evaluator).space.name, context.deadline, context.checkpoints is not None))
            context.log(losses=1.0)
            return Recipe(Random())

    result = run(layers, Recipe(Random(), prepare=Counted()), budget="2 candidates")
    assert calls == [("layers", None, True)]
    assert len(result.history) == 2


def test_what_cannot_be_prepared_is_said(layers):
    with pytest.raises(InvalidInput, match="the method 'spos' trains what networks share, so it needs data"):
        search(layers, len, method="spos", budget="2 candidates")
    with pytest.raises(InvalidInput, match="`spos` trains one network that contains all arches"):
        search(Space({"x": choice([1, 2])}), len, method="spos", budget="2 candidates")
    with pytest.raises(InvalidInput, match="'fixed' has only one: there is no choice in its model"):
        spos(Space(nn.Sequential(nn.LazyLinear(n_outputs)), name="fixed"))
    with pytest.raises(InvalidInput, match="`narrowed` can't be put around 'enas'"):
        narrowed(layers, method="enas")
    with pytest.raises(InvalidInput, match="there must be a Training inside the evaluator"):
        spos(layers).prepare(Function(len), Context())
    with pytest.raises(InvalidInput, match=r"Uniform\(\) doesn't say how to search what it trains"):
        OneShot(Uniform(), epochs=1)(Training(layers, _blobs(), PLAN), Context())
    with pytest.raises(InvalidInput, match="`epochs` of a supernet must be at least 1"):
        spos(layers, epochs=0)
    with pytest.raises(InvalidInput, match="`final` must be 'scratch' or 'path'"):
        spos(layers, final="pretrained")
    with pytest.raises(InvalidInput, match="a supernet can be split by a decision"):
        run(layers, spos(layers, few_shot="lr"))
    with pytest.raises(
        InvalidInput, match=r"`sampler` must be an object with `begin`, such as Uniform\(\), but got <class"
    ):
        spos(layers, sampler=Uniform)


@pytest.mark.parametrize("method", ["spos", "fairnas", "enas", "ofa", "attentive-nas"])
def test_arches_that_cannot_be_built_are_not_trained(method):
    deep = repeat(nn.MaxPool2d(2), 1, 9, label="depth")  # of an image of 8x8 pixels nothing is left after three
    head = nn.LazyLinear(choice([4, 8], label="width"))
    space = Space(nn.Sequential(deep, nn.Flatten(), head, nn.LazyLinear(n_outputs)), name="deep")
    plan = TrainingPlan(epochs=1, batch_size=64)
    found = search(space, _stripes(), method=method, budget="2 candidates", plan=plan, seed=0)
    assert found.best.arch["depth"] <= 3


def _stripes():
    from netwright.tasks import load

    return load("stripes").subset(64)


def _blobs():
    from netwright.tasks import load

    return load("blobs")


def test_the_plan_of_a_supernet():
    plan = TrainingPlan(epochs=10, lr=0.1)
    assert supernet_plan(plan, None, timed=False).epochs == 30
    assert supernet_plan(plan, 7, timed=True).epochs == 7
    assert supernet_plan(TrainingPlan(clip=1.0), None, timed=True).clip == 1.0


def test_enas_goes_on_with_its_controller(layers):
    recipe = enas(layers, epochs=3).prepare(Training(layers, _blobs(), PLAN), Context())
    assert "Written" in repr(recipe.strategy)
    assert recipe.weights is None
    assert torch.get_num_threads() >= 1
