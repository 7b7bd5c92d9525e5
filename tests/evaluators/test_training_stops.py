"""Stopping rules and inheritance inside the training evaluator and a whole search."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from netwright import Space, choice, n_outputs, nn
from netwright.core import Arch, Candidate, Context, Curves, Record
from netwright.core.errors import EvaluationError
from netwright.core.protocols import wants_of
from netwright.evaluators import Limited, Training, TrainingPlan
from netwright.evaluators.checkpoints import load_checkpoint
from netwright.evaluators.stopping import LastValue, MedianRule, Patience, RunningCurve, Stopping
from netwright.loop import Search
from netwright.runtime import MemoryStore, ProcessPool
from netwright.runtime.curve_log import CurveLog
from netwright.strategies import RegularizedEvolution
from netwright.testing import check_evaluator

PLAN = TrainingPlan(epochs=4, batch_size=32, optimizer="adamw", lr=0.01)
ARCH = Arch({})


@dataclass(frozen=True)
class AfterEpoch:
    """Stops after an epoch, whatever comes."""

    epoch: int = 2
    compares = False

    def __call__(self, curve: RunningCurve) -> str:
        return "enough" if curve.epoch >= self.epoch else ""


@pytest.fixture(scope="module")
def widths():
    return Space(
        nn.Sequential(nn.LazyLinear(choice([2, 4, 8, 16, 32], label="width")), nn.Tanh(), nn.LazyLinear(n_outputs)),
        name="widths",
    )


def stopped(space, task, **given):
    return Training(space, task, PLAN, **{"stop": Stopping(AfterEpoch(), checked=0.0), **given})


def test_a_stopped_candidate_is_scored_as_it_is_and_partial(dense_space, blobs):
    context = Context(seed=3)
    found = stopped(dense_space, blobs)(Candidate(0, ARCH), context)
    plain = Training(dense_space, blobs, PLAN)(Candidate(0, ARCH, 0.5), Context(seed=3))
    assert found == {**plain, "stop_epoch": 2.0, "epochs_saved": 2.0}
    assert context.partial == "stopped after 2 of 4 epochs: enough"
    assert {len(values) for values in context.curves.values()} == {2}


def test_a_checked_candidate_goes_on_to_its_end(dense_space, blobs):
    context = Context(seed=3)
    found = stopped(dense_space, blobs, stop=Stopping(AfterEpoch(), checked=1.0))(Candidate(0, ARCH), context)
    plain = Training(dense_space, blobs, PLAN)(Candidate(0, ARCH), Context(seed=3))
    assert found == {**plain, "stop_epoch": 2.0, "epochs_saved": 0.0}
    assert context.partial is None


def test_a_repeat_with_another_seed_is_not_stopped(dense_space, blobs):
    """Its value is averaged with the first one's."""
    evaluator = stopped(dense_space, blobs)
    again = evaluator(Candidate(1, ARCH, parent=0), Context(seed=3, parent=Record(0, ARCH)))
    assert (again["epochs"], again["stop_epoch"]) == (4, 0)
    promoted = evaluator(Candidate(1, ARCH, parent=0), Context(seed=3, parent=Record(0, ARCH, 0.25)))
    assert promoted["epochs_saved"] == 2


@dataclass(frozen=True)
class Says:
    """Says what it is given, whatever the curve."""

    what: object
    compares = False

    def __call__(self, curve: RunningCurve) -> object:
        return self.what


def test_a_rule_says_why_or_nothing(dense_space, blobs):
    for nothing in (None, False, ""):
        context = Context(seed=3)
        stopped(dense_space, blobs, stop=Stopping(Says(nothing), checked=0.0))(Candidate(0, ARCH), context)
        assert context.partial is None
    for nonsense in (float("nan"), True, ["stop"]):
        with pytest.raises(EvaluationError, match=r"must say why to stop, as a text, .* but Says said"):
            stopped(dense_space, blobs, stop=Says(nonsense))(Candidate(0, ARCH), Context(seed=3))


def test_a_rule_that_never_stops_changes_nothing(dense_space, blobs):
    found = Training(dense_space, blobs, PLAN, stop="median")(Candidate(0, ARCH), Context(seed=3))
    plain = Training(dense_space, blobs, PLAN)(Candidate(0, ARCH), Context(seed=3))
    assert found == {**plain, "stop_epoch": 0.0, "epochs_saved": 0.0}


def test_killed_before_it_was_recorded(dense_space, blobs, tmp_path):
    evaluator = stopped(dense_space, blobs)
    first, second = (Context(seed=3, checkpoints=tmp_path) for _ in range(2))
    assert evaluator(Candidate(0, ARCH), first) == evaluator(Candidate(0, ARCH), second)
    assert first.partial == second.partial
    assert first.curves == second.curves
    checked = stopped(dense_space, blobs, stop=Stopping(AfterEpoch(), checked=1.0))
    contexts = [Context(seed=4, checkpoints=tmp_path) for _ in range(2)]
    assert checked(Candidate(1, ARCH), contexts[0]) == checked(Candidate(1, ARCH), contexts[1])


def test_another_candidate_may_go_on_where_one_was_stopped(dense_space, blobs, tmp_path):
    stopped(dense_space, blobs)(Candidate(0, ARCH), Context(seed=3, checkpoints=tmp_path))
    found = Training(dense_space, blobs, PLAN)(Candidate(1, ARCH), Context(seed=9, checkpoints=tmp_path))
    assert found == Training(dense_space, blobs, PLAN)(Candidate(1, ARCH), Context(seed=3))


def test_the_rule_sees_the_whole_curve_after_a_promotion(dense_space, blobs, tmp_path):
    """Also the part that a lower fidelity trained."""
    seen = []

    @dataclass(frozen=True)
    class Watching:
        compares = True

        def __call__(self, curve):
            seen.append((curve.epoch, curve.until, len(curve.train_losses), len(curve.earlier_losses)))
            return ""

    evaluator = Training(dense_space, blobs, PLAN, stop=Stopping(Watching()))
    evaluator(Candidate(0, ARCH, 0.5), Context(seed=3, checkpoints=tmp_path))
    earlier = Curves({"val_accuracy": np.full((5, 4), 0.5), "train_loss": np.ones((5, 4))}, np.full(5, 4))
    evaluator(Candidate(1, ARCH, parent=0), Context(seed=9, checkpoints=tmp_path, earlier=earlier))
    assert seen == [(1, 2, 1, 0), (2, 4, 2, 5), (3, 4, 3, 5)]


def test_accuracies_come_as_losses(dense_space, blobs):
    seen = []

    @dataclass(frozen=True)
    class Watching:
        compares = True

        def __call__(self, curve):
            seen.append(float(curve.losses[-1]))
            return ""

    context = Context()
    Training(dense_space, blobs, PLAN, stop=Watching())(Candidate(0, ARCH), context)
    assert seen == [-value for value in context.curves["val_accuracy"][:3]]
    seen.clear()
    Training(dense_space, blobs, PLAN, stop=Stopping(Watching(), metric="loss"))(Candidate(0, ARCH), context)
    assert seen == context.curves["val_loss"][-4:-1]


@pytest.mark.parametrize("given", [{"stop": "median"}, {"stop": AfterEpoch()}, {"inherit": True}])
def test_it_keeps_the_contract_of_evaluators(widths, blobs, given):
    check_evaluator(Training(widths, blobs, replace(PLAN, epochs=2), **given), widths, n_arches=2)


# In a search ----------------------------------------------------------------------------------------------------------


def test_what_an_evaluator_wants(widths, blobs):
    plain, both = Training(widths, blobs), Training(widths, blobs, stop="median", inherit=True)
    assert wants_of(plain) == frozenset()
    assert wants_of(Training(widths, blobs, stop=Patience())) == {"parent"}
    assert wants_of(Training(widths, blobs, inherit=True)) == {"parent"}
    assert wants_of(Limited(both, dict)) == {"curves", "parent"}


def search_with(evaluator, space, tmp_path, *, candidates=12, store=None, **given):
    search = Search(
        space,
        RegularizedEvolution(population=4, tournament=2),
        evaluator,
        objectives="accuracy",
        budget=f"{candidates} candidates",
        checkpoints=tmp_path,
        store=MemoryStore() if store is None else store,
        **given,
    )
    search.run()
    return search.history


def test_a_search_stops_some_and_finds_a_whole_winner(widths, blobs, tmp_path):
    evaluator = Limited(Training(widths, blobs, PLAN, stop=Stopping(MedianRule(start=3), checked=0.0)), dict)
    history = search_with(evaluator, widths, tmp_path)
    told = [record for record in history.records if record.status == "partial"]
    assert 0 < len(told) < 12
    for record in told:
        assert "stopped after" in record.error
        assert record.metrics["epochs"] + record.metrics["epochs_saved"] == 4
    assert all(record.scored for record in history.records)
    assert history.best.loss == min(record.loss for record in history.records)


@pytest.mark.parametrize("at", [5, 8])
def test_resumed_it_gives_the_same(widths, blobs, tmp_path, at):
    evaluator = Training(widths, blobs, PLAN, stop=Stopping(MedianRule(start=3)), inherit=True)
    straight = search_with(evaluator, widths, tmp_path / "a") if not (tmp_path / "a").mkdir() else None
    store = MemoryStore()
    (tmp_path / "b").mkdir()
    search_with(evaluator, widths, tmp_path / "b", candidates=at, store=store)
    resumed = search_with(evaluator, widths, tmp_path / "b", store=store)
    assert list(resumed.records) == list(straight.records)
    assert {record.metrics["inherited"] > 0 for record in resumed.records} == {False, True}


def test_in_a_worker_process_it_is_the_same(widths, blobs, tmp_path):
    evaluator = Training(widths, blobs, PLAN, stop=Stopping(LastValue(start=2), checked=0.0), inherit=True)
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    here = search_with(evaluator, widths, tmp_path / "here", candidates=8, threads=1)
    there = search_with(evaluator, widths, tmp_path / "there", candidates=8, executor=ProcessPool(1, threads=1))
    assert list(there.records) == list(here.records)
    assert any(record.status == "partial" for record in there.records)
    assert any(record.metrics["inherited"] > 0 for record in there.records)


# Curves of records ----------------------------------------------------------------------------------------------------


def record(number, arch, curve, **given):
    return Record(number, arch, losses=(0.5,), curves={"val_loss": tuple(curve)}, **given)


def test_curves_grow_and_what_was_given_stays():
    log = CurveLog()
    for number in range(40):
        log.add(record(number, Arch({"x": number}), np.arange(1.0 + number % 20)))
        if number == 2:
            early = log.curves()
    late = log.curves()
    assert early.of("val_loss").shape == (3, 3)
    assert late.of("val_loss").shape == (40, 20)
    assert np.isnan(early.of("val_loss")).sum() == np.isnan(late.of("val_loss")[:3, :3]).sum() == 3
    assert late.n_epochs.tolist() == [1 + number % 20 for number in range(40)]
    assert np.isnan(late.of("nothing")).all()


def test_a_promotion_has_its_whole_curve():
    log = CurveLog()
    log.add(record(0, Arch({"x": 0}), (0.9, 0.8), fidelity=0.5, metrics={"epochs": 2.0}))
    log.add(record(1, Arch({"x": 1}), (0.7,), fidelity=0.25, metrics={"epochs": 1.0}))
    log.add(record(2, Arch({"x": 0}), (0.6, 0.5), parent=0, metrics={"epochs": 4.0}))
    log.add(record(3, Arch({"x": 2}), (0.6, 0.5), metrics={"epochs": 4.0}))  # its beginning is nowhere
    log.add(Record(4, Arch({"x": 3}), status="failed", error="it diverged", curves={"val_loss": (3.0,)}))
    curves = log.curves()
    assert curves.n_epochs.tolist() == [2, 1, 4]
    assert curves.of("val_loss")[2].tolist() == [0.9, 0.8, 0.6, 0.5]


# Inheritance ----------------------------------------------------------------------------------------------------------


def test_a_child_begins_with_its_parents_weights(widths, blobs, tmp_path):
    parent, child = Arch({"width": 32}), Arch({"width": 16})
    evaluator = Training(widths, blobs, PLAN, inherit=True)
    first = evaluator(Candidate(0, parent), Context(seed=1, checkpoints=tmp_path))
    known = Record(0, parent, metrics=first)
    found = evaluator(Candidate(1, child, parent=0), Context(seed=2, checkpoints=tmp_path, parent=known))
    fresh = evaluator(Candidate(1, child), Context(seed=2))
    assert (first["inherited"], fresh["inherited"], found["inherited"]) == (0, 0, 1)
    assert found["train_loss"] < fresh["train_loss"]
    again = evaluator(Candidate(1, child, parent=0), Context(seed=2, checkpoints=tmp_path, parent=known))
    assert again == found  # from its own checkpoint


def test_without_the_parents_checkpoint_it_begins_afresh(widths, blobs, tmp_path):
    parent, child = Record(0, Arch({"width": 32})), Arch({"width": 16})
    evaluator = Training(widths, blobs, PLAN, inherit=True)
    fresh = evaluator(Candidate(1, child), Context(seed=2))
    context = Context(seed=2, checkpoints=tmp_path, parent=parent)
    assert evaluator(Candidate(1, child, parent=0), context) == fresh
    (tmp_path / f"{parent.arch.digest}.pt").write_bytes(b"damaged")
    (tmp_path / f"{child.digest}.pt").unlink()
    assert evaluator(Candidate(1, child, parent=0), context) == fresh


def test_the_parent_of_other_data_is_none(widths, blobs, tmp_path):
    parent, child = Arch({"width": 32}), Arch({"width": 16})
    Training(widths, blobs.subset(90), PLAN, inherit=True)(Candidate(0, parent), Context(checkpoints=tmp_path))
    context = Context(seed=2, checkpoints=tmp_path, parent=Record(0, parent))
    found = Training(widths, blobs, PLAN, inherit=True)(Candidate(1, child, parent=0), context)
    assert found["inherited"] == 0


def test_an_inheriting_training_is_another_than_a_plain_one(widths, blobs, tmp_path):
    arch = Arch({"width": 32})
    Training(widths, blobs, PLAN, inherit=True)(Candidate(0, arch, 0.5), Context(checkpoints=tmp_path))
    plain = Training(widths, blobs, PLAN)(Candidate(0, arch), Context(seed=7, checkpoints=tmp_path))
    assert plain == Training(widths, blobs, PLAN)(Candidate(0, arch), Context(seed=7))
    assert load_checkpoint(tmp_path / f"{arch.digest}.pt")["epochs_done"] == 4
