"""`run`: budgets, deadlines, several workers, failures, interrupts."""

from __future__ import annotations

import math
import random

import pytest

from netwright import Record, Space, choice
from netwright.core.errors import EvaluationError, RunError, SpaceExhausted
from netwright.loop import Search
from netwright.runtime import Done, InlineExecutor, MemoryStore
from netwright.strategies import Grid, Random, RegularizedEvolution


def _loss(candidate, context):
    return {"loss": float(candidate.arch["c0"])}


# Budgets


def test_candidates(space):
    search = Search(space, Random(), _loss, budget="7 candidates")
    history = search.run()
    assert history is search.history
    assert len(history) == 7
    assert search.stopped_by == "7 candidates evaluated"


def test_seconds(space, clock):
    def evaluator(candidate, context):
        assert context.remaining() == 10 - 3 * candidate.id
        clock.now += 3
        if context.remaining() <= 0:
            context.partial = "time is up"
        return {"loss": 0.0}

    search = Search(space, Random(), evaluator, budget="10s, 100 candidates", clock=clock)
    records = search.run().records
    assert [record.status for record in records] == ["ok", "ok", "ok", "partial"]
    assert [record.elapsed_seconds for record in records] == [3, 6, 9, 12]
    assert records[3].error == "time is up"
    assert records[3].scored
    assert search.stopped_by == "time is up"


def test_time_that_was_used_before_counts(space, clock):
    search = Search(space, Random(), _loss, budget="10s, 3 candidates", clock=clock, started=clock.now - 10)
    assert len(search.run()) == 0
    assert search.stopped_by == "time is up"


@pytest.mark.parametrize(("used", "n_more"), [(9.8, 1), (9.95, 0)])
def test_no_candidate_is_begun_in_the_last_moments(space, clock, used, n_more):
    """A twentieth of a usual evaluation's time is too little for another one."""

    def evaluator(candidate, context):
        clock.now += 2
        return {"loss": 0.5}

    store = MemoryStore()
    arch = space.default()
    store.append(Record(0, arch, metrics={"loss": 0.5}, losses=(0.5,), wall_seconds=2.0, elapsed_seconds=used))
    search = Search(space, Random(), evaluator, budget="10s", clock=clock, store=store)
    assert len(search.run()) == 1 + n_more
    assert search.stopped_by == "time is up"


def test_what_is_refused_before_training_does_not_count(space, evaluate):
    search = Search(space, Grid(), evaluate, constraints="size<=5", budget="10 candidates")
    records = search.run().records
    assert len(records) == 64 + 10  # the grid begins with 64 arches that are too large
    assert [record.status for record in records[:64]] == ["infeasible"] * 64
    assert all(record.violation > 0 for record in records[:64])


def test_impossible_constraints():
    space = Space({f"c{i}": choice(list(range(9))) for i in range(6)})
    search = Search(space, Random(), lambda *_: {"size": 2.0}, constraints="size<=1", budget="10 candidates")
    assert len(search.run()) == 1000
    assert search.stopped_by == "1000 candidates in a row break the constraints (size<=1): loosen them"


def test_what_always_fails_ends():
    space = Space({f"c{i}": choice(list(range(9))) for i in range(6)})
    search = Search(space, Random(), lambda *_: {"los": 2.0}, budget="1h")
    assert len(search.run()) == 1000
    assert search.stopped_by.startswith("1000 candidates in a row failed, the last with: the metric 'loss' is missing")


def test_what_has_always_failed_can_go_on_when_it_is_mended():
    space = Space({f"c{i}": choice(list(range(9))) for i in range(6)})
    store = MemoryStore()
    Search(space, Random(), lambda *_: {"los": 2.0}, budget="1h", store=store).run()
    search = Search(space, Random(), _loss, budget="1010 candidates", store=store)
    assert [record.status for record in search.run().records[1000:]] == ["ok"] * 10


def test_a_used_up_space():
    search = Search(Space({"c0": choice([0, 1, 2])}), Grid(), _loss, budget="10 candidates")
    assert [record.arch["c0"] for record in search.run().records] == [0, 1, 2]
    assert search.stopped_by == "nothing new to propose: all points of the grid are done."


def test_a_run_can_go_on(space):
    search = Search(space, Random(), _loss, budget="3 candidates")
    search.run()
    search.run()
    assert len(search.history) == 3
    search = Search(space, Random(), _loss, budget="8 candidates", store=_store(search.history.records))
    assert len(search.run()) == 8


def _store(records):
    store = MemoryStore()
    for record in records:
        store.append(record)
    return store


# What an evaluation is given


def test_context(space, tmp_path, clock):
    given = []

    def evaluator(candidate, context):
        given.append(context)
        context.log(loss=1.0, accuracy=0.5)
        context.log(loss=0.5)
        return {"loss": 0.0}

    search = Search(
        space, Random(), evaluator, budget="5 candidates", seed=4,
        device="meta", threads=3, checkpoints=tmp_path, clock=clock,
    )  # fmt: skip
    record = search.run().records[0]
    assert record.curves == {"loss": (1.0, 0.5), "accuracy": (0.5,)}
    context = given[0]
    assert (context.device, context.threads, context.checkpoints, context.clock) == ("meta", 3, tmp_path, clock)
    assert context.deadline is None
    assert context.remaining() == math.inf
    assert len({context.seed for context in given}) == 5
    again = Search(space, Random(), evaluator, budget="5 candidates", seed=4)
    again.run()
    assert [context.seed for context in given[:5]] == [context.seed for context in given[5:]]
    assert all(0 <= context.seed < 2**31 for context in given)


def test_failures_are_records(space, evaluate):
    search = Search(space, Random(), evaluate, constraints="size<=5", budget="200 candidates", seed=1)
    records = search.run().records
    assert {record.status for record in records} == {"ok", "failed", "infeasible"}
    assert {record.error for record in records if record.status == "failed"} >= {"loss is nan."}
    raised = [record for record in records if record.error and record.error.startswith("ValueError")]
    assert raised
    assert all("threes don't go together (in evaluator, conftest.py:" in record.error for record in raised)
    assert all(record.metrics == {} for record in raised)


def test_curves_of_a_failed_evaluation_are_kept(space):
    def evaluator(candidate, context):
        context.log(loss=1.0)
        raise EvaluationError("the loss became NaN")

    record = Search(space, Random(), evaluator, budget="1 candidates").run().records[0]
    assert record.error == "the loss became NaN"
    assert record.curves == {"loss": (1.0,)}


@pytest.mark.parametrize("curve", [3, ["small"], None])
def test_bad_curves_are_a_failure(space, curve):
    def evaluator(candidate, context):
        context.curves["loss"] = curve
        return {"loss": 0.0}

    record = Search(space, Random(), evaluator, budget="1 candidates").run().records[0]
    assert record.status == "failed"
    assert record.error.startswith("`context.curves` must hold lists of numbers: ")


@pytest.mark.parametrize("returned", [None, 0.5, [("loss", 0.5)], "loss"])
def test_what_is_no_mapping_is_a_failure(space, returned):
    record = Search(space, Random(), lambda *_: returned, budget="1 candidates").run().records[0]
    kind = type(returned).__name__
    assert record.error == f"an evaluation must give a mapping of metrics, but gave a {kind}."


# Interrupts


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit, MemoryError])
def test_an_interrupt_passes_and_the_search_goes_on_as_if_it_had_not_been(space, evaluate, signal):
    whole = Search(space, RegularizedEvolution(8, 3), evaluate, constraints="size<=5", budget="60 candidates")
    whole.run()
    moments = {0, 7, 8, 23, 40}

    def interrupted(candidate, context):
        if candidate.id in moments:
            moments.remove(candidate.id)
            raise signal
        return evaluate(candidate, context)

    search = Search(space, RegularizedEvolution(8, 3), interrupted, constraints="size<=5", budget="60 candidates")
    if signal is MemoryError:  # an exception like any other
        search.run()
        assert [record.error for record in search.history.records if record.id in {0, 7, 8, 23, 40}] == [
            record.error for record in search.history.records if (record.error or "").startswith("MemoryError")
        ]
        return
    for _ in range(5):
        with pytest.raises(signal):
            search.run()
        assert not search.history.pending
        assert search.stopped_by.startswith(f"broken off: {signal.__name__}")
    assert search.run().records == whole.history.records


def test_an_error_while_records_are_told_loses_nothing(space):
    """The disk is full: the record that wasn't written is not in the history either."""

    class Full(MemoryStore):
        def append(self, record):
            if record.id == 3 and not hasattr(self, "room"):
                raise OSError("no space left on device")
            super().append(record)

    store = Full()
    search = Search(space, Random(), _loss, budget="6 candidates", store=store)
    with pytest.raises(OSError, match="no space left"):
        search.run()
    assert [record.id for record in search.history.records] == [0, 1, 2]
    store.room = True
    assert [record.id for record in search.run().records] == [0, 1, 2, 3, 4, 5]
    assert list(store) == list(search.history.records)


def test_candidates_that_others_asked_for_stay_theirs(space):
    search = Search(space, Random(), _loss, budget="4 candidates")
    mine = search.ask()
    search.run()
    assert [record.id for record in search.history.records] == [1, 2, 3, 4]
    search.tell(mine, 0.5)
    assert [record.id for record in search.history.records] == [1, 2, 3, 4, 0]


# Several workers


def test_workers_are_kept_busy(space, simulated, clock):
    executor = simulated(4, lambda candidate: 1.0 + candidate.id % 3)
    search = Search(space, Random(), _loss, budget="24 candidates", executor=executor, clock=clock)
    records = search.run().records
    assert sorted(record.id for record in records) == list(range(24))
    assert [record.id for record in records] != list(range(24))
    assert search.elapsed() <= 24 * 2 / 4 + 3  # mean duration × candidates / workers, and a tail
    assert executor.closed == 1
    inline = Search(space, Random(), _loss, budget="24 candidates").run().records
    assert sorted(records, key=lambda record: record.id) == list(inline)


def test_a_budget_of_candidates_is_met_exactly_though_some_do_not_count(space, evaluate, simulated, clock):
    """Those that run when the budget seems full may turn out infeasible: then others take their place."""
    for workers in (1, 2, 3, 7):
        search = Search(
            space, Random(), evaluate, constraints="size<=5", budget="40 candidates", seed=5, clock=clock,
            executor=simulated(workers, lambda candidate: 1.0 + candidate.id % 2),
        )  # fmt: skip
        records = search.run().records
        assert sum(record.status != "infeasible" for record in records) == 40
        assert search.stopped_by == "40 candidates evaluated"


def test_a_strategy_may_wait_for_records(space, simulated, clock):
    """Nothing to propose now isn't nothing for good, while others are running."""

    class ByFour:
        def propose(self, space, history, rng):
            if len(history) // 4 < history.next_id // 4:
                raise SpaceExhausted("the next four come when these are done")
            return history.candidate(space.sample(rng))

    search = Search(
        space, ByFour(), _loss, budget="16 candidates", executor=simulated(3, lambda c: 1.0 + c.id % 3), clock=clock
    )  # fmt: skip
    assert len(search.run()) == 16
    assert search.stopped_by == "16 candidates evaluated"


def test_the_deadline_of_workers(space, simulated, clock):
    """An evaluation that doesn't mind its deadline is ended by the executor, three seconds later."""
    executor = simulated(2, lambda candidate: 100.0 if candidate.id == 3 else 4.0)
    search = Search(space, Random(), _loss, budget="10s", executor=executor, clock=clock)
    records = search.run().records
    assert search.stopped_by == "time is up"
    assert search.elapsed() == 13
    assert records[-1].id == 3
    assert records[-1].status == "failed"
    assert records[-1].error.startswith("TimeoutError: ended from outside")
    assert records[-1].wall_seconds == 9


def test_an_executor_that_cannot_end_calls_does_not_hold_the_search_up(space, simulated, clock):
    executor = simulated(2, lambda candidate: math.inf if candidate.id == 3 else 4.0, ends_calls=False)
    search = Search(space, Random(), _loss, budget="10s", executor=executor, clock=clock)
    records = search.run().records
    assert search.elapsed() == 16
    assert records[-1].error == "given up: it went on after the time was up"
    assert records[-1].wall_seconds == 12
    assert executor.closed == 1


def test_workers_that_are_of_no_use_end_the_search(space):
    class Broken(InlineExecutor):
        def submit(self, fn, /, *args, timeout=None):
            return Done(error=RunError("no worker can be started"))

    search = Search(space, Random(), _loss, budget="10 candidates", executor=Broken())
    with pytest.raises(RunError, match="no worker can be started"):
        search.run()
    assert len(search.history) == 0
    assert not search.history.pending


def test_nothing_touches_the_global_random_state(space, evaluate):
    before = random.getstate()
    Search(space, RegularizedEvolution(8, 3), evaluate, constraints="size<=5", budget="30 candidates").run()
    assert random.getstate() == before
