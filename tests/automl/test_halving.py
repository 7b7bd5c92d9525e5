"""Short trainings first: the plan foresees it, `auto` does it, its checkpoints are kept, and it can be switched off."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

import netwright
from netwright import Space, integer, n_outputs, nn
from netwright.automl.keeping import may_go_on
from netwright.automl.planning import SearchPlan, plan_for_candidates, plan_for_seconds
from netwright.core import Arch, Budget, Candidate, History, Record
from netwright.evaluators import Cached, Limited, Speed, Tabular, TrainingPlan
from netwright.strategies import Deduplicated, Random, Repeated
from netwright.tasks import load

SPEED = Speed("float32", 1e-4, {"float32": 1e-4})


def planned(seconds=600.0, *, halving=True, **given):
    budget = Budget(seconds, given.pop("candidates", None))
    return plan_for_seconds(
        load("blobs"), TrainingPlan(), budget, Speed("float32", each := given.pop("each", 1e-2), {"float32": each}),
        flops=1e6, used_seconds=5.0, halving=halving, **given,
    )  # fmt: skip


def test_more_candidates_and_longer_trainings_in_the_same_time():
    full, halved = planned(halving=False), planned()
    assert (full.fidelities, halved.fidelities) == ((1.0,), (0.125, 1.0))
    assert halved.expected_candidates > 1.4 * full.expected_candidates
    assert halved.training.epochs * halved.n_train > 1.2 * full.training.epochs * full.n_train
    assert halved.training.epochs % 8 == 0
    assert (halved.search_seconds, halved.final_seconds) == (full.search_seconds, full.final_seconds)
    assert f"first for {halved.training.epochs // 8}, and the best eighth to the end" in halved.notes[1]
    assert SearchPlan.from_json(halved.to_json()) == halved


@pytest.mark.parametrize("given", [{"seconds": 60.0}, {"candidates": 30}, {"fixed": True}])
def test_where_it_does_not_pay_all_are_trained_fully(given):
    assert planned(**given).fidelities == (1.0,)
    assert planned(**given) == planned(halving=False, **given)


def test_without_a_limit_in_time_all_are_trained_fully():
    assert plan_for_candidates(load("blobs"), TrainingPlan(), 100).fidelities == (1.0,)


def test_plans_of_earlier_versions_are_read():
    data = planned(halving=False).to_json()
    del data["fidelities"]
    assert SearchPlan.from_json(data).fidelities == (1.0,)


def test_what_may_go_on_is_kept():
    history = History()
    entries = [(1, 0.25, 0.5), (2, 0.25, 0.4), (3, 0.25, None), (2, 1.0, 0.3), (4, 1.0, 0.2)]
    for number, (x, fidelity, loss) in enumerate(entries):
        losses = () if loss is None else (loss,)
        history.add(Record(number, Arch({"x": x}), fidelity, losses=losses, status="ok" if losses else "failed"))
    assert may_go_on(history) == {Arch({"x": 1}).digest}


@pytest.fixture
def halving(monkeypatch):
    """A plan that foresees it, for a budget in candidates: what happens doesn't hang on how fast this machine is."""

    def plan(task, base, n_candidates, *, fixed=False):
        usual = plan_for_candidates(task, replace(base, epochs=8), n_candidates, fixed=True)
        return replace(usual, fidelities=(0.25, 1.0))

    monkeypatch.setattr("netwright.automl.running.plan_for_candidates", plan)


@pytest.mark.usefixtures("halving")
@pytest.mark.parametrize("method", ["auto", "auto-full"])
def test_a_search(method, tmp_path):
    result = netwright.search("mlp", "blobs", method=method, budget="14 candidates", seed=1, out=tmp_path / "run")
    epochs = Counter(record.metrics["epochs"] for record in result.history.records)
    assert result.best.metrics["accuracy"] > 0.8
    assert result.best.record.fidelity == 1
    left = {file.stem for file in (tmp_path / "run" / "checkpoints").glob("*.pt")}
    if method == "auto-full":
        assert epochs == {8.0: 14}
        assert left == {result.best.arch.digest}
        return
    assert epochs[2.0] >= 10
    assert epochs[8.0] >= 2
    for record in result.history.records:
        assert len(record.curves["train_loss"]) == (6 if record.fidelity == 1 else 2)  # it went on
    assert {result.best.arch.digest} | may_go_on(result.history) == left


def test_a_named_method_gets_the_epochs_as_fidelities(tmp_path):
    space = Space(nn.Sequential(nn.LazyLinear(integer(2, 40)), nn.ReLU(), nn.LazyLinear(n_outputs)))
    plan = TrainingPlan(epochs=8, batch_size=32, optimizer="adamw", lr=0.01)
    from netwright.methods.asha import asha

    def random_asha(space, *, fidelities=None):
        return asha(space, of="random", fidelities=fidelities)

    result = netwright.search(space, "blobs", method=random_asha, plan=plan, budget="12 candidates", out=tmp_path)
    epochs = Counter(record.metrics["epochs"] for record in result.history.records)
    assert set(epochs) <= {1.0, 2.0, 8.0}
    assert epochs[1.0] >= 8
    assert epochs[2.0] >= 2


def test_an_evaluator_says_its_fidelities():
    space = Space({"x": integer(0, 9)})
    arches = list(space.enumerate())
    table = {arch: {"loss": float(arch["x"])} for arch in arches}
    tabular = Tabular(table, {0.3: table})
    for evaluator in (tabular, Cached(Limited(tabular, lambda _: {}), space)):  # wrapped, too
        result = netwright.search(space, evaluator=evaluator, method="hyperband", budget="20 candidates")
        assert {record.fidelity for record in result.history.records} == {0.3, 1.0}


def test_the_winner_is_chosen_by_means():
    losses = {0: [0.0, 0.9, 0.9], 1: [0.2, 0.2, 0.2], 2: [0.5, 0.5, 0.5]}

    class Seen:
        def __init__(self):
            self.count = Counter()

        def __call__(self, candidate: Candidate, context):
            x = candidate.arch["x"]
            self.count[x] += 1
            return {"loss": losses[x][self.count[x] - 1]}

    space = Space({"x": integer(0, 2)})
    strategy = Repeated(Deduplicated(Random()), best=2, times=3, after=3)
    result = netwright.search(space, evaluator=Seen(), method=strategy, budget="9 candidates")
    assert result.best.arch["x"] == 1
