"""ASHA: what goes on, when, and that nobody waits; on a table with simulated workers; with real trainings."""

from __future__ import annotations

from collections import Counter

import pytest

from netwright import Arch, Space, choice, integer, n_outputs, nn
from netwright.core.errors import InvalidInput
from netwright.core.registry import benchmarks
from netwright.evaluators import Training, TrainingPlan
from netwright.loop import Search
from netwright.runtime import SimulatedCluster
from netwright.strategies import ASHA, Deduplicated, Grid, LocalSearch, Random, StartingWith
from netwright.strategies.fidelities import rungs
from netwright.tasks import load

F = (1 / 9, 1 / 3, 1.0)
SPACE = Space({"x": integer(0, 999)})


def levels(records):
    return Counter(round(9 * record.fidelity) for record in records)


def told(search, losses):
    """Ask and tell one after the other; the candidates."""
    asked = []
    for loss in losses:
        asked.append(search.ask())
        search.tell(asked[-1], {"loss": loss})
    return asked


def test_the_best_third_goes_on():
    search = Search(SPACE, ASHA(fidelities=F, eta=3.0), objectives="min:loss")
    first = told(search, [0.5, 0.3, 0.4])
    assert {one.fidelity for one in first} == {1 / 9}
    (promoted,) = told(search, [0.2])
    assert (promoted.arch, promoted.fidelity, promoted.parent) == (first[1].arch, 1 / 3, 1)
    more = told(search, [0.9, 0.1])
    assert {one.fidelity for one in more} == {1 / 9}
    (next_one,) = told(search, [0.2])  # one of five, and the best isn't the one that went on
    assert (next_one.arch, next_one.parent) == (more[1].arch, more[1].id)


LIKED = (Arch({"x": 3}),)


def outright(losses, **given):
    """A search that begins with an arch that goes on in any case."""
    strategy = ASHA(StartingWith(Deduplicated(Random()), LIKED), fidelities=F, eta=3.0, outright=LIKED, **given)
    search = Search(SPACE, strategy, objectives="min:loss")
    return search, told(search, losses)


@pytest.mark.parametrize("decision", ["promotion", "stopping"])
def test_what_goes_on_outright(decision):
    search, asked = outright([0.9, 0.9, 0.9], decision=decision)
    assert [(one.arch, one.fidelity) for one in asked] == [(LIKED[0], f) for f in F]
    assert {one.fidelity for one in told(search, [1.0])} == {F[0]}  # and nobody else


def test_it_goes_on_though_others_are_better():
    search, _ = outright([])
    first = [search.ask(), search.ask()]
    assert [one.fidelity for one in first] == [F[0], F[0]]
    search.tell(first[1], {"loss": 0.1})
    search.tell(first[0], {"loss": 0.99})
    rest = told(search, [0.5] * 4)
    assert [one.fidelity for one in rest if one.arch == LIKED[0]] == list(F[1:])


def test_nothing_goes_on_outright_that_failed():
    search, _ = outright([])
    search.tell(search.ask(), RuntimeError("broken"))
    assert {one.fidelity for one in told(search, [0.5, 0.4])} == {F[0]}


@pytest.mark.parametrize("wrong", [1, [LIKED[0]], ("x",)])
def test_only_arches_go_on_outright(wrong):
    with pytest.raises(InvalidInput, match=r"`outright` of ASHA must be a tuple of Arch"):
        ASHA(outright=wrong)


@pytest.mark.parametrize(("decision", "expected"), [("promotion", [0.5, 0.6, 0.7]), ("stopping", [0.5, 0.6])])
def test_a_promotion_may_come_later_where_stopping_decides_at_once(decision, expected):
    """0.7 is the worst of two when it comes in, and in the better half of six."""
    search = Search(SPACE, ASHA(fidelities=(0.5, 1.0), eta=2.0, decision=decision), objectives="min:loss")
    losses, below, promoted = iter([0.5, 0.7, 0.6, 0.9, 0.95, 0.99]), {}, []
    while len(below) < 6 or search.ask().fidelity == 1:
        candidate = next(iter(search.history.pending.values()), None) or search.ask()
        if candidate.fidelity == 1:
            promoted.append(below[candidate.parent])
            search.tell(candidate, {"loss": 0.1})
        else:
            below[candidate.id] = next(losses)
            search.tell(candidate, {"loss": below[candidate.id]})
    assert promoted == expected


def test_what_fails_or_breaks_a_limit_never_goes_on_and_what_is_refused_does_not_count():
    search = Search(SPACE, ASHA(fidelities=F, eta=3.0), objectives="min:loss", constraints="size<=1")
    for outcome in ({"size": 9.0}, {"loss": 0.1, "size": 9.0}, RuntimeError("no"), {"size": 9.0}):
        search.tell(search.ask(), outcome)
    candidate = search.ask()  # a failure and a broken limit are there: this one is one of three
    search.tell(candidate, {"loss": 0.5, "size": 0.0})
    assert (candidate.fidelity, search.ask().parent) == (1 / 9, candidate.id)


def test_several_workers_never_wait_nor_promote_twice():
    search = Search(SPACE, ASHA(fidelities=F, eta=3.0), objectives="min:loss")
    running = [search.ask() for _ in range(6)]
    for candidate in running:
        search.tell(candidate, {"loss": float(candidate.arch["x"])})
    best = sorted(running, key=lambda one: one.arch["x"])[:2]
    asked = [search.ask() for _ in range(4)]
    assert [one.arch for one in asked[:2]] == [one.arch for one in best]
    assert [one.fidelity for one in asked] == [1 / 3, 1 / 3, 1 / 9, 1 / 9]


def test_a_space_that_is_used_up_is_trained_fully_best_first():
    space = Space({"x": choice([3, 1, 2, 0])})

    def loss(candidate, context):
        return {"loss": float(candidate.arch["x"])}

    history = Search(space, ASHA(Grid(), F, 3.0), loss, budget="50 candidates").run()
    assert levels(history.records) == {1: 4, 3: 4, 9: 4}
    full = [record.arch["x"] for record in history.records if record.fidelity == 1]
    assert full == sorted(full)


def test_fewer_go_on_where_the_next_rung_is_far_away():
    def loss(candidate, context):
        return {"loss": float(candidate.arch["x"])}

    for fidelities, least, most in (((0.25, 1.0), 1 / 4, 1 / 3), ((0.05, 1.0), 1 / 20, 1 / 10)):
        records = Search(SPACE, ASHA(fidelities=fidelities), loss, budget="300 candidates").run().records
        n_full = sum(record.fidelity == 1 for record in records)
        assert least <= n_full / (300 - n_full) <= most


@pytest.mark.parametrize("workers", [1, 10])
def test_on_a_table_with_a_simulated_clock(workers):
    table = benchmarks["digits-cnn"]()
    times = {}
    for name, strategy in (("full", Deduplicated(Random())), ("asha", ASHA(fidelities=rungs(table.fidelities)))):
        cluster = SimulatedCluster(workers, seconds=table.seconds_metric)
        history = Search(
            table.space, strategy, table.evaluator, objectives=table.objective, budget="150 candidates",
            executor=cluster, clock=cluster.clock,
        ).run()  # fmt: skip
        times[name] = history.records[-1].elapsed_seconds
        assert all(record.status == "ok" for record in history.records)
        busy = sum(record.wall_seconds for record in history.records)
        assert busy > (0.99 if workers == 1 else 0.8) * workers * times[name]
    assert times["asha"] < 0.45 * times["full"]


def test_a_promotion_goes_on_with_the_training(tmp_path):
    space = Space(nn.Sequential(nn.LazyLinear(integer(2, 40)), nn.ReLU(), nn.LazyLinear(n_outputs)))
    training = Training(space, load("blobs"), TrainingPlan(epochs=9, batch_size=32, optimizer="adamw", lr=0.01))
    strategy = ASHA(Deduplicated(LocalSearch()), F, 3.0)
    history = Search(
        space, strategy, training, objectives="accuracy", budget="14 candidates", checkpoints=tmp_path
    ).run()
    assert levels(history.records) == {1: 10, 3: 3, 9: 1}
    for record in history.records:
        begun = 0 if record.parent is None or record.fidelity == 1 / 9 else history.records[record.parent].fidelity
        trained = record.curves["train_loss"]
        assert len(trained) == round(9 * (record.fidelity - begun))
        assert record.metrics["epochs"] == round(9 * record.fidelity)


def test_what_is_refused():
    with pytest.raises(InvalidInput, match="`decision` of ASHA must be 'promotion' or 'stopping', but got 'maybe'"):
        ASHA(decision="maybe")
    with pytest.raises(InvalidInput, match="must ascend"):
        ASHA(fidelities=(1.0, 0.5))
    with pytest.raises(InvalidInput, match="`eta` must be above 1"):
        ASHA(eta=0.5)
