"""A search that trains networks: its records, its winner, what it tells, and that it can be repeated to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netwright import Space, choice, defer, integer, n_outputs, nn, real
from netwright.automl import search
from netwright.core import Arch
from netwright.evaluators import TrainingPlan
from netwright.tasks import load

SHORT = TrainingPlan(epochs=2, batch_size=64, optimizer="adamw", lr=0.02)


def weights(result):
    return {name: tensor.clone() for name, tensor in result.best.model.state_dict().items()}


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


# What comes out -------------------------------------------------------------------------------------------------------


def test_the_records_and_the_winner(short):
    result = short()
    assert [record.id for record in result.history.records] == [0, 1, 2]
    assert result.stopped_by == "3 candidates evaluated"
    assert not result.running
    for record in result.history.records:
        assert record.status == "ok"
        assert record.metrics.keys() == {
            "accuracy", "loss", "train_loss", "epochs", "params", "flops", "activation_mb"
        }  # fmt: skip
        width = record.arch["width"]
        assert record.metrics["params"] == 4 * width + width + 3 * width + 3
        assert record.curves.keys() == {"train_loss", "val_accuracy", "val_loss"}
    best = max(result.history.records, key=lambda record: record.metrics["accuracy"])
    assert result.best.record.metrics["accuracy"] == best.metrics["accuracy"]
    assert result.best.arch == result.best.record.arch


def test_the_first_candidate_is_the_default_arch(short, widths):
    assert short().history.records[0].arch == widths.default()


def test_the_winner_is_trained_on_train_and_validation_and_measured_on_test(short):
    result = short()
    task = result.task
    assert result.final["trained_on"] == "train and validation"
    assert result.final["epochs"] == pytest.approx(2 * 192 / 240, abs=1e-9)  # whole batches of 64 of 240, twice
    assert (result.final["n_examples"], result.final["share"]) == (len(task.test), None)
    assert result.final["warnings"] == []
    model = result.best.model
    assert not model.training
    with torch.no_grad():
        outputs = model(torch.from_numpy(task.test.inputs))  # raw inputs
    assert result.best.metrics == pytest.approx(task.metrics(outputs, task.test.targets), abs=1e-6)


def test_a_longer_training_learns(widths):
    result = search(
        widths, "blobs", budget="2 candidates", plan=TrainingPlan(epochs=20, batch_size=32, optimizer="adamw", lr=0.02)
    )
    assert result.best.metrics["accuracy"] > 0.85


def test_without_a_plan_epochs_are_chosen_by_the_size_of_the_data(widths):
    result = search(widths, "blobs", budget="1 candidates")
    assert result.history.records[0].metrics["epochs"] == 40
    assert result.facts["plan"]["final"]["epochs"] == 80
    assert result.final["epochs"] > 70
    assert result.best.metrics["accuracy"] > 0.85


def test_images(filters):
    result = search(filters, "stripes", budget="2 candidates", plan=TrainingPlan(epochs=3, batch_size=32, lr=0.05))
    assert result.best.metrics["accuracy"] > 0.8
    task = result.task
    with torch.no_grad():
        outputs = result.best.model(torch.from_numpy(task.test.inputs).float())
    assert result.best.metrics == pytest.approx(task.metrics(outputs, task.test.targets), abs=1e-5)


def test_numbers_are_predicted_in_their_own_units(widths):
    result = search(widths, "diabetes", budget="2 candidates",
                    plan=TrainingPlan(epochs=30, batch_size=32, optimizer="adamw", lr=0.02))  # fmt: skip
    assert result.best.metrics.keys() == {"r2", "rmse", "mae"}
    assert result.best.metrics["r2"] > 0.2
    task = result.task
    with torch.no_grad():
        predicted = result.best.model(torch.from_numpy(task.test.inputs)).numpy()
    error = predicted - task.test.targets
    assert np.abs(error).mean() == pytest.approx(result.best.metrics["mae"], rel=1e-4)
    assert np.sqrt((error**2).mean()) == pytest.approx(result.best.metrics["rmse"], rel=1e-4)


def test_a_task_and_the_default_plan_of_a_resnet():
    result = search("resnet", load("stripes").subset(48), budget="1 candidates", plan=TrainingPlan(epochs=1))
    assert result.best.model is not None


# What is told ---------------------------------------------------------------------------------------------------------


def test_what_is_told(short, told):
    result = short(progress=told)
    assert told.names == [
        "started", "measure", "search", "record", "record", "record", "final", "epoch", "epoch", "write", "finished",
    ]  # fmt: skip
    facts = told.of("started")[0]
    assert facts.keys() == {
        "data", "space", "size", "method", "budget", "objectives", "constraints", "notes", "folder", "seed"
    }  # fmt: skip
    assert (facts["data"], facts["space"], facts["size"], facts["budget"]) == ("blobs", "widths", 5, "3 candidates")
    assert facts["objectives"] == ["max:accuracy"]
    assert facts["notes"]
    assert [(record.id, n, limit) for record, n, _, limit in told.of("record")] == [
        (0, 1, None), (1, 2, None), (2, 3, None)
    ]  # fmt: skip
    elapsed = [elapsed for _, _, elapsed, _ in told.of("record")]
    assert elapsed == sorted(elapsed)
    assert [(done, total) for done, total, _ in told.of("epoch")] == [(1, 2), (2, 2)]
    assert all(values.keys() == {"train_loss"} for _, _, values in told.of("epoch"))
    assert told.of("finished") == [result]


def test_a_function_is_neither_measured_nor_trained_for_good(told):
    search(Space({"x": integer(0, 9)}), lambda arch: arch["x"], budget="2 candidates", progress=told)
    assert told.names == ["started", "search", "record", "record", "write", "finished"]


def test_with_a_time_the_total_is_an_estimate(widths, told):
    search(widths, "blobs", budget="3s, 2 candidates", plan=SHORT, progress=told)
    assert told.names[-1] == "finished"
    assert all(done <= total for done, total, _ in told.of("epoch"))
    assert all(limit is not None for *_, limit in told.of("record"))


# The same again -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["auto", "random", "regularized_evolution"])
def test_the_same_seed_gives_the_same_to_the_bit(short, method):
    first, again = short(method=method, budget="4 candidates"), short(method=method, budget="4 candidates")
    assert list(first.history.records) == list(again.history.records)
    assert first.best.metrics == again.best.metrics
    assert same(weights(first), weights(again))


def test_another_seed_gives_another(short):
    first, other = short(seed=0), short(seed=1)
    assert first.history.records[0].metrics["loss"] != other.history.records[0].metrics["loss"]
    assert not same(weights(first), weights(other))


def test_with_images_and_augmentation(filters):
    plan = TrainingPlan(epochs=2, batch_size=64, lr=0.05, crop=1, flip=True, cutout=2)
    first, again = (search(filters, "stripes", budget="2 candidates", plan=plan) for _ in range(2))
    assert list(first.history.records) == list(again.history.records)
    assert same(weights(first), weights(again))


def test_no_global_random_state_is_touched(short):
    before = torch.random.get_rng_state()
    short()
    assert torch.equal(torch.random.get_rng_state(), before)


# Objectives and limits ------------------------------------------------------------------------------------------------


def test_two_objectives(short):
    result = short(objectives=["accuracy", "min:params"], budget="5 candidates", method="grid")
    front = [(record.metrics["accuracy"], record.metrics["params"]) for record in result.pareto]
    every = [(record.metrics["accuracy"], record.metrics["params"]) for record in result.history.records]
    expected = {(a, p) for a, p in every if not any((b >= a and q <= p and (b, q) != (a, p)) for b, q in every)}
    assert set(front) == expected
    assert front == sorted(front, reverse=True)
    assert result.best.record.id == result.pareto[0].id  # the first objective picks the winner
    assert result.best.model is not None


def test_the_smallest_network(short):
    result = short(objectives="min:params", budget="5 candidates", method="grid")
    assert result.best.arch["width"] == 2


def test_limits_that_are_met(short):
    result = short(constraints="params<=70", budget="3 candidates", method="grid")
    statuses = {record.arch["width"]: record.status for record in result.history.records}
    assert statuses == {2: "ok", 4: "ok", 8: "ok"}  # of 19, 35 and 67
    result = short(constraints=["params<=70", "params>=30"], budget="2 candidates", method="grid")
    statuses = {record.arch["width"]: record.status for record in result.history.records}
    assert statuses == {2: "infeasible", 4: "ok", 8: "ok"}  # what breaks a limit isn't trained and doesn't count
    assert result.history.records[0].metrics.keys() == {"params", "flops", "activation_mb"}


def test_limits_that_cannot_be_met(short, tmp_path, told):
    result = short(constraints="params<=5", budget="3 candidates", out=tmp_path, progress=told)
    assert {record.status for record in result.history.records} == {"infeasible"}
    assert result.best is None
    assert result.pareto == []
    [said] = result.final["warnings"]
    assert said.startswith("there is no winner: 5 of 5 candidates break a limit (nothing new to propose")
    assert "params<=5" in result.summary()
    assert "final" not in told.names
    assert (tmp_path / "report.html").exists()
    assert not (tmp_path / "model.py").exists()


def test_limits_on_what_only_training_shows(short):
    result = short(constraints="accuracy>=1.01", budget="2 candidates")
    assert result.best is None
    assert all(record.violation > 0 for record in result.history.records)
    assert result.final["warnings"][0].startswith("there is no winner: 2 of 2 candidates break a limit")


# Failures -------------------------------------------------------------------------------------------------------------


def test_candidates_that_cannot_be_built_are_records():
    pool = choice([2, 16, 4, 12], label="pool")
    space = Space(nn.Sequential(nn.MaxPool2d(pool), nn.Flatten(), nn.LazyLinear(n_outputs)))
    result = search(space, "stripes", budget="4 candidates", method="grid", plan=SHORT)
    assert {r.arch["pool"]: r.status for r in result.history.records} == {
        2: "ok", 16: "failed", 4: "ok", 12: "failed"
    }  # fmt: skip
    assert all("MaxPool2d" in record.error for record in result.history.records if record.status == "failed")
    assert result.best.arch["pool"] in (2, 4)
    assert result.best.model is not None


def wild(options):
    return Space(
        nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(n_outputs)),
        training={"lr": choice(options, label="lr"), "optimizer": "sgd", "momentum": 0.0},
        name="wild",
    )


def test_candidates_that_diverge_are_records():
    result = search(wild([1e20, 0.1, 1e25]), "blobs", budget="3 candidates", method="grid",
                    plan=TrainingPlan(epochs=3, batch_size=32))  # fmt: skip
    assert [record.status for record in result.history.records] == ["failed", "ok", "failed"]
    assert "it diverged" in result.history.records[0].error
    assert result.best.arch["lr"] == 0.1


@pytest.mark.parametrize("budget", ["3 candidates", "4s, 3 candidates"])
def test_every_candidate_fails(budget, tmp_path):
    result = search(wild([1e20, 1e25, 1e22]), "blobs", budget=budget, method="grid", out=tmp_path,
                    plan=TrainingPlan(epochs=3, batch_size=32))  # fmt: skip
    assert [record.status for record in result.history.records] == ["failed"] * 3
    assert result.best is None
    [said] = result.final["warnings"]
    assert said.startswith("there is no winner: 3 of 3 candidates failed, ")
    assert "it diverged" in said
    assert "No candidate has a result: 3 failed" in result.summary()
    assert (tmp_path / "report.html").exists()


class Breaks(torch.nn.Module):
    """A module of a user's own that fails while it is trained."""

    def __init__(self, at):
        super().__init__()
        self.at, self.seen = at, 0

    def forward(self, inputs):
        if self.training:
            self.seen += 1
            if self.seen >= self.at:
                raise ValueError("a bug of mine")
        return inputs


def breaking(options):
    return Space(nn.Sequential(defer(Breaks, choice(options, label="at")), nn.LazyLinear(n_outputs)), name="breaking")


def test_an_error_in_a_users_module_is_a_record_with_its_place():
    result = search(breaking([2, 10_000]), "blobs", budget="2 candidates", method="grid", plan=SHORT)
    assert [record.status for record in result.history.records] == ["failed", "ok"]
    assert "ValueError: a bug of mine (in forward, test_search.py:" in result.history.records[0].error


PLAN = TrainingPlan(epochs=2, batch_size=45, optimizer="adamw", lr=0.05)  # 8 steps in the search, 10 in the final one


def test_a_final_training_that_fails_takes_the_weights_of_the_search():
    result = search(breaking([9]), "blobs", budget="1 candidates", plan=PLAN)
    assert result.history.records[0].status == "ok"
    assert result.best.note == "these are the weights of the search: it failed (a bug of mine)"
    assert result.final["trained_on"] == "train"
    assert result.best.metrics["accuracy"] > 0.3


def losing_checkpoints(telling, folder):
    """Without its checkpoint a winner has no weights to fall back on."""

    def lose(name, value):
        if (name, value) == ("stage", "final"):
            for file in folder.glob("checkpoints/*.pt"):
                file.unlink()

    return telling(lose)


def test_where_the_winner_cannot_be_trained_the_next_one_is(tmp_path, telling):
    result = search(breaking([9, 10_000]), "blobs", budget="2 candidates", method="grid", plan=PLAN, out=tmp_path,
                    objectives="min:train_loss", progress=losing_checkpoints(telling, tmp_path))  # fmt: skip
    first = min(result.history.records, key=lambda record: record.loss)
    assert result.best.arch["at"] == 10_000
    assert result.best.model is not None
    assert result.final["warnings"] == (
        ["candidate 0 could not be trained for good: a bug of mine"] if first.id == 0 else []
    )


def test_where_no_winner_can_be_trained_it_is_said(tmp_path, telling):
    result = search(breaking([9, 10]), "blobs", budget="2 candidates", method="grid", plan=PLAN, out=tmp_path,
                    progress=losing_checkpoints(telling, tmp_path))  # fmt: skip
    assert [record.status for record in result.history.records] == ["ok", "ok"]
    assert result.best.model is None
    assert len(result.final["warnings"]) == 2
    assert all("could not be trained for good: a bug of mine" in text for text in result.final["warnings"])
    assert result.best.note in result.final["warnings"]
    assert (tmp_path / "report.html").exists()


# Training choices in the space ----------------------------------------------------------------------------------------


def test_training_choices_count_in_the_search_and_in_the_final_training():
    space = Space(
        nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(n_outputs)),
        training={
            "optimizer": choice(["sgd", "adamw", "rmsprop"], label="optimizer"),
            "lr": real(1e-4, 1e-1, log=True, label="lr"),
            "weight_decay": choice([0.0, 0.01], label="decay"),
            "batch_size": choice([16, 64], label="batch"),
            "epochs": choice([1, 3], label="epochs"),
        },
    )
    result = search(space, "blobs", budget="6 candidates", method="random", plan=SHORT)
    assert all(record.metrics["epochs"] == record.arch["epochs"] for record in result.history.records)
    assert len({record.arch["optimizer"] for record in result.history.records}) > 1
    arch = result.best.arch
    assert result.final["epochs"] == pytest.approx(arch["epochs"] * (240 // arch["batch"]) * arch["batch"] / 240)


def test_arches_that_differ_in_training_only_are_different_candidates():
    result = search(wild([0.01, 0.05, 0.1]), "blobs", budget="3 candidates", method="grid", plan=SHORT)
    assert len({record.metrics["loss"] for record in result.history.records}) == 3
    assert result.history.seen(Arch({"lr": 0.05}))
