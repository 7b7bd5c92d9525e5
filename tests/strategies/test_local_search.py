"""Local search: first and best improvement among unseen neighbours, restarts, several workers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright import Space, choice, integer
from netwright.core import Arch, Record
from netwright.core.errors import InvalidInput
from netwright.loop import Search
from netwright.runtime import MemoryStore
from netwright.strategies import Deduplicated, LocalSearch, StartingWith

LINE = Space({"x": integer(0, 99)})
VALLEY = Space({f"x{i}": integer(0, 9) for i in range(4)})


def _run(space, loss, n, *, strategy=None, seed=0, workers=1):
    search = Search(space, strategy or LocalSearch(), seed=seed)
    running = []
    while len(search.history) < n:
        while len(running) < workers:
            running.append(search.ask())
        candidate = running.pop(0)
        search.tell(candidate, loss(candidate.arch))
    return list(search.history.records)


def _square(arch):
    return float(sum((value - 4) ** 2 for value in arch.values()))


def _neighbours(one, other):
    return sum(abs(one[name] - other[name]) for name in one) == 1


@pytest.mark.parametrize("seed", range(5))
def test_every_step_is_from_the_best_of_the_climb_to_a_neighbour(seed):
    records = _run(VALLEY, _square, 60, seed=seed)
    by_id = {record.id: record for record in records}
    at, start = None, 0
    for record in records:
        if record.parent is None:
            if at is not None:  # a restart: all neighbours of the last optimum were looked at, and none is better
                around = [
                    other for other in by_id.values() if _neighbours(other.arch, at.arch) and other.id < record.id
                ]
                assert len(around) == len(list(VALLEY.neighbours(at.arch)))
                assert all(other.loss >= at.loss or other.id < start for other in around)  # or an earlier climb did
            at, start = record, record.id
        else:
            assert record.parent == at.id
            assert _neighbours(record.arch, at.arch)
            at = record if record.loss < at.loss else at
    assert min(record.loss for record in records) == 0


def test_nothing_is_evaluated_twice():
    records = _run(LINE, lambda arch: abs(arch["x"] - 50.0), 90)
    steps = [record.arch for record in records if record.parent is not None]
    assert len(set(steps)) == len(steps)


def test_the_order_of_neighbours_depends_on_the_seed():
    """Also where the start is given: else all seeds would climb alike."""
    climbs = {
        tuple(r.arch for r in _run(VALLEY, _square, 10, strategy=StartingWith(LocalSearch()), seed=seed))
        for seed in range(6)
    }
    assert len(climbs) == 6


def test_the_best_of_several_first_starts_counts():
    starts = tuple(Arch({"x": x}) for x in (90, 55, 10))
    for workers in (1, 3):
        records = _run(
            LINE, lambda arch: abs(arch["x"] - 50.0), 8, strategy=StartingWith(LocalSearch(), starts), workers=workers
        )  # fmt: skip
        assert {record.arch["x"] for record in records[-2:]} <= set(range(50, 60))


def test_a_restart_counts_even_if_it_is_worse():
    # Two valleys, a shallow one at 20 and a deep one at 80: only a start from a worse place leads down there.
    def loss(arch):
        x = arch["x"]
        return float(min(10 + abs(x - 20), 2 * abs(x - 80)))

    for seed in range(5):
        assert min(record.loss for record in _run(LINE, loss, 99, seed=seed)) == 0


def test_failed_starts_are_tried_again_elsewhere():
    records = _run(LINE, lambda arch: ValueError("no") if arch["x"] < 80 else arch["x"] - 80.0, 60)
    first = next(i for i, record in enumerate(records) if record.scored)
    assert all(record.parent is None for record in records[:first])
    assert records[first + 1].parent == records[first].id


def test_failed_neighbours_are_passed_by():
    records = _run(LINE, lambda arch: ValueError("odd") if arch["x"] % 2 else float(arch["x"]), 60)
    assert all(record.status == "failed" for record in records if record.parent is not None)


def test_networks_that_work_the_same_are_looked_at_once():
    """Two decisions whose order doesn't matter."""
    options = list(range(5))
    space = Space(
        {"a": choice(options), "b": choice(options)},
        canonical=lambda arch: Arch({"a": min(arch["a"], arch["b"]), "b": max(arch["a"], arch["b"])}),
    )
    records = _run(space, lambda arch: float((arch["a"] - 2) ** 2 + (arch["b"] - 3) ** 2), 15,
                   strategy=Deduplicated(LocalSearch()))  # fmt: skip
    assert len({space.canonical(record.arch) for record in records}) == 15
    by_id = {record.id: record for record in records}
    for record in records:  # what is a step is one: no drifting around after what is known
        if record.parent is not None:
            assert sum(record.arch[n] != by_id[record.parent].arch[n] for n in "ab") == 1


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 6), st.integers(0, 100), st.lists(st.booleans(), min_size=60, max_size=60))
def test_several_workers_find_the_valley_too(workers, seed, order):
    search = Search(VALLEY, LocalSearch(), seed=seed)
    running, turns = [], iter(order * 5)
    while len(search.history) < 120:
        while len(running) < workers:
            running.append(search.ask())
        candidate = running.pop(0 if next(turns) else -1)
        search.tell(candidate, _square(candidate.arch))
    assert search.history.best.loss <= 2


def test_a_late_neighbour_that_is_better_is_taken():
    """Its climb may have ended meanwhile: the better arch is worth more than the plan."""
    store = MemoryStore()
    for record in (
        Record(0, Arch({"x": 50}), losses=(50.0,), metrics={"loss": 50.0}),
        Record(1, Arch({"x": 51}), parent=0, losses=(51.0,), metrics={"loss": 51.0}),
        Record(3, Arch({"x": 90}), losses=(90.0,), metrics={"loss": 90.0}),  # a new start
        Record(2, Arch({"x": 49}), parent=0, losses=(49.0,), metrics={"loss": 49.0}),
    ):
        store.append(record)
    candidate = Search(LINE, LocalSearch(), store=store).ask()
    assert candidate.parent == 2
    assert candidate.arch["x"] == 48


# Best improvement


@pytest.mark.parametrize("seed", range(5))
def test_best_improvement_is_the_papers(seed):
    """White et al. 2021, algorithm 1: evaluate all neighbours, move to the best of them, until none is better."""
    records = _run(VALLEY, _square, 120, strategy=LocalSearch("best"), seed=seed)
    known, queue = {}, list(records)
    while queue:
        at = queue.pop(0)
        assert at.parent is None  # a start at random
        known[at.arch] = at.loss
        while queue:
            around = {arch for arch in VALLEY.neighbours(at.arch) if arch not in known}
            looked_at = [queue.pop(0) for _ in range(min(len(around), len(queue)))]
            assert {record.arch for record in looked_at} <= around
            assert {record.parent for record in looked_at} <= {at.id}
            known |= {record.arch: record.loss for record in looked_at}
            best = min(looked_at, key=lambda record: record.loss, default=at)
            if best.loss >= at.loss or len(looked_at) < len(around):
                break
            at = best
            if all(arch in known for arch in VALLEY.neighbours(at.arch)):
                break
    assert min(known.values()) == 0


def test_best_improvement_needs_more_candidates():
    n_needed = {}
    for improvement in ("first", "best"):
        runs = [_run(VALLEY, _square, 60, strategy=LocalSearch(improvement), seed=seed) for seed in range(30)]
        n_needed[improvement] = sum(min(len(run), *(r.id for r in run if r.loss == 0), 60) for run in runs)
    assert n_needed["first"] < n_needed["best"]


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 6), st.integers(0, 100), st.lists(st.booleans(), min_size=60, max_size=60))
def test_best_improvement_with_several_workers(workers, seed, order):
    search = Search(VALLEY, LocalSearch("best"), seed=seed)
    running, turns = [], iter(order * 5)
    while len(search.history) < 200:
        while len(running) < workers:
            running.append(search.ask())
        candidate = running.pop(0 if next(turns) else -1)
        search.tell(candidate, _square(candidate.arch))
    assert search.history.best.loss <= 2


def test_while_the_last_neighbours_are_evaluated_others_go_on_with_the_best():
    search = Search(LINE, LocalSearch("best"))
    search.tell(search.ask(), 10.0)
    low, high = search.ask(), search.ask()
    search.tell(low, 9.0)
    ahead = search.ask()
    assert ahead.parent == low.id
    search.tell(high, 5.0)  # late, and better: now it is the best
    search.tell(ahead, 8.0)
    following = search.ask()
    assert following.parent == high.id
    search.tell(following, 4.0)
    assert search.ask().parent == following.id


def test_an_unknown_improvement():
    with pytest.raises(
        InvalidInput, match="`improvement` of LocalSearch must be 'first' or 'best', but got 'steepest'"
    ):
        LocalSearch("steepest")
