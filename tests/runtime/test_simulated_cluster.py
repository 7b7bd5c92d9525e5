"""Workers on a virtual clock."""

from __future__ import annotations

import dataclasses
import math

import pytest

from netwright import Budget, Space, choice
from netwright.core.errors import EvaluationError, InvalidInput
from netwright.evaluators import Function
from netwright.loop import Outcome, Search
from netwright.runtime import MemoryStore, SimulatedCluster
from netwright.strategies import Deduplicated, Grid, Random, RegularizedEvolution
from netwright.testing import check_executor


def _took(seconds):
    """An evaluation that took so long."""
    return Outcome({"seconds": seconds})


def _cluster(workers=2, **options):
    return SimulatedCluster(workers, seconds="seconds", **options)


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_it_is_an_executor(workers):
    check_executor(lambda: _cluster(workers))


def test_calls_end_by_their_time_and_ties_by_submission():
    cluster = _cluster(4)
    calls = [cluster.submit(_took, seconds) for seconds in (5.0, 2.0, 9.0, 2.0)]
    assert not any(call.done() for call in calls)
    assert cluster.wait(calls) == [calls[1], calls[3]]
    assert cluster.clock() == 2
    assert cluster.wait([calls[0], calls[2]]) == [calls[0]]
    assert cluster.clock() == 5


def test_calls_wait_for_a_free_worker():
    cluster = _cluster(2)
    calls = [cluster.submit(_took, seconds) for seconds in (4.0, 1.0, 1.0, 1.0)]
    assert [call.end for call in calls] == [4, 1, 2, 3]


def test_a_wait_that_is_too_short_moves_the_clock_only():
    cluster = _cluster()
    call = cluster.submit(_took, 10.0)
    assert cluster.wait([call], 4.0) == []
    assert (cluster.clock(), call.done()) == (4, False)
    assert cluster.wait({call}, 6.0) == [call]
    assert cluster.clock() == 10
    assert cluster.wait([call], 0.0) == [call]  # asked for again: it is done


def test_a_wait_for_some_of_the_calls():
    cluster = _cluster(3)
    first, second, third = (cluster.submit(_took, seconds) for seconds in (1.0, 2.0, 3.0))
    assert cluster.wait([third]) == [third]
    assert cluster.clock() == 3
    fourth = cluster.submit(_took, 1.0)
    # As many as run, but not the same ones: the next to end isn't asked for.
    assert cluster.wait([third, fourth, second]) == [second, third]
    assert cluster.wait([first, fourth]) == [first]
    assert cluster.wait([fourth]) == [fourth]
    assert cluster.clock() == 4


def test_a_result_that_is_fetched_early_moves_the_clock():
    cluster = _cluster()
    call = cluster.submit(_took, 3.0)
    with pytest.raises(TimeoutError, match="the call goes on for 2 more simulated seconds"):
        call.result(1.0)
    assert call.result().metrics == {"seconds": 3.0}
    assert cluster.clock() == 3


def test_an_outcome_takes_its_simulated_time():
    call = _cluster().submit(_took, 7.5)
    assert call.result().wall_seconds == 7.5


@pytest.mark.parametrize("seconds", [math.nan, math.inf, 0.0, -1.0])
def test_a_time_that_is_none_takes_the_other(seconds):
    cluster = _cluster(otherwise=8.0)
    assert cluster.submit(_took, seconds).end == 8


def test_a_metric_that_isnt_there_is_told_once(caplog):
    cluster = SimulatedCluster(1, seconds="secnds")
    for _ in range(2):
        assert cluster.submit(_took, 4.0).end % 60 == 0
    assert [record.getMessage() for record in caplog.records] == [
        "no metric 'secnds' says how long an evaluation took; there are: seconds. It counts as 60 simulated seconds."
    ]


def test_what_failed_takes_the_other_time():
    cluster = _cluster(otherwise=8.0)

    def fails():
        raise ValueError("no")

    call = cluster.submit(fails)
    assert call.end == 8
    with pytest.raises(ValueError, match="no"):
        call.result()
    assert cluster.submit(Outcome, {}, "it failed").end == 16  # a second worker, from the moment of the first's end
    assert cluster.submit(dataclasses.replace, Outcome({"loss": 1.0})).end == 16  # no such metric


def test_what_exceeds_its_timeout_is_ended():
    cluster = _cluster()
    call = cluster.submit(_took, 10.0, timeout=4.0)
    assert call.end == 4
    with pytest.raises(EvaluationError, match="it took longer than 4 simulated seconds and was ended"):
        call.result()


def test_closing_frees_the_workers():
    cluster = _cluster(1)
    lost = cluster.submit(_took, 10.0)
    cluster.close()
    call = cluster.submit(_took, 2.0)
    assert call.end == 2
    assert cluster.wait([call]) == [call]
    assert not lost.done()


@pytest.mark.parametrize(
    ("workers", "options", "said"),
    [
        (0, {}, "`workers` of a simulated cluster must be at least 1, but got 0"),
        (2.0, {}, "`workers` of a simulated cluster must be at least 1, but got 2.0"),
        (True, {}, "`workers` of a simulated cluster must be at least 1, but got True"),
        (1, {"seconds": 3}, "`seconds` .* must be the name of a metric or a function of the metrics, but got 3"),
        (1, {"otherwise": 0.0}, "`otherwise` of a simulated cluster must be positive, but got 0.0"),
    ],
)
def test_wrong_arguments(workers, options, said):
    with pytest.raises(InvalidInput, match=said):
        SimulatedCluster(workers, **{"seconds": "seconds", **options})


SPACE = Space({f"x{i}": choice(list(range(4))) for i in range(4)})


def _sum(arch):
    total = sum(arch.values())
    if total == 2:
        raise RuntimeError("two doesn't work")
    return {"loss": math.nan if total == 3 else float(total), "seconds": 10.0 + total}


def _search(workers, *, budget, strategy=None, store=None, seed=0):
    cluster = _cluster(workers)
    strategy = strategy or Random()
    evaluator = Function(_sum)
    search = Search(
        SPACE, strategy, evaluator, budget=budget, executor=cluster, clock=cluster.clock, store=store, seed=seed
    )
    return search, search.run()


def test_a_search_on_the_virtual_clock():
    search, history = _search(3, budget=Budget(candidates=60))
    assert len(history) == 60
    times = [record.elapsed_seconds for record in history.records]
    assert times == sorted(times)
    assert {record.status for record in history.records} == {"ok", "failed"}
    for record in history.records:
        failed_at_once = record.error is not None and "two" in record.error
        assert record.wall_seconds == (60.0 if failed_at_once else 10.0 + sum(record.arch.values()))
    assert search.elapsed() == times[-1]


def test_more_workers_need_less_simulated_time():
    elapsed = [_search(workers, budget=Budget(candidates=60))[0].elapsed() for workers in (1, 4, 16)]
    assert elapsed[0] > 3 * elapsed[1] > 6 * elapsed[2]


def test_a_budget_of_simulated_seconds():
    search, history = _search(5, budget="200s")
    assert search.stopped_by == "time is up"
    assert 40 < len(history) < 100
    assert search.elapsed() <= 203  # what runs is ended three seconds after the end
    assert any("longer than" in (record.error or "") for record in history.records[-5:])


def test_the_same_search_gives_the_same_records_and_times():
    strategy = Deduplicated(RegularizedEvolution(population=10, tournament=3))
    (_, first), (_, second) = (_search(7, budget="120 candidates", strategy=strategy) for _ in range(2))
    assert list(first.records) == list(second.records)
    assert [r.elapsed_seconds for r in first.records] == [r.elapsed_seconds for r in second.records]


def test_a_search_goes_on_with_its_simulated_time():
    store = MemoryStore()
    _search(1, budget="10 candidates", strategy=Grid(), store=store)
    search, history = _search(1, budget="20 candidates", strategy=Grid(), store=store)
    _, whole = _search(1, budget="20 candidates", strategy=Grid())
    assert list(history.records) == list(whole.records)
    assert [r.elapsed_seconds for r in history.records] == [r.elapsed_seconds for r in whole.records]
    assert search.elapsed() == whole.records[-1].elapsed_seconds
