"""A search that is killed and started again: the same records, no lost ones, ids without gaps."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright import Space, choice
from netwright.core import Arch, Record
from netwright.core.errors import RunError, SpaceExhausted
from netwright.loop import Search
from netwright.runtime import MemoryStore, SqliteStore
from netwright.strategies import Deduplicated, Grid, LocalSearch, Random, RegularizedEvolution, StartingWith

SPACE = Space({f"c{i}": choice(list(range(4))) for i in range(4)})
STRATEGIES = [Random(), Grid(), LocalSearch(), RegularizedEvolution(6, 2), StartingWith(Deduplicated(LocalSearch()))]


def _loss(candidate, context):
    values = [int(value) for value in candidate.arch.values()]
    if values[0] == values[1] == 3:
        raise ValueError("threes don't go together")
    return {"loss": float("nan") if values[3] == 2 else float(sum(values))}


def _killed(store, at):
    """A store that takes `at` records, then the power is cut."""

    class Cut:
        def __init__(self):
            self.left = at

        def append(self, record):
            if self.left == 0:
                raise KeyboardInterrupt
            self.left -= 1
            store.append(record)

        def __iter__(self):
            return iter(store)

    return Cut()


@pytest.mark.parametrize("strategy", STRATEGIES, ids=repr)
def test_killed_anywhere(strategy):
    whole = Search(SPACE, strategy, _loss, budget="30 candidates", seed=2).run().records
    for at in range(30):
        store = MemoryStore()
        with pytest.raises(KeyboardInterrupt):
            Search(SPACE, strategy, _loss, budget="30 candidates", seed=2, store=_killed(store, at)).run()
        resumed = Search(SPACE, strategy, _loss, budget="30 candidates", seed=2, store=store).run().records
        assert list(resumed) == list(whole)


def test_killed_again_and_again(tmp_path):
    whole = Search(SPACE, RegularizedEvolution(6, 2), _loss, budget="40 candidates").run().records
    for _ in range(20):
        store = SqliteStore(tmp_path / "records.sqlite")
        search = Search(SPACE, RegularizedEvolution(6, 2), _loss, budget="40 candidates", store=_killed(store, 3))
        try:
            search.run()
        except KeyboardInterrupt:
            continue
        finally:
            store.close()
        break
    assert list(search.history.records) == list(whole)


def test_time_goes_on_where_it_ended(clock):
    def evaluator(candidate, context):
        clock.now += 2
        return {"loss": 0.0}

    store = MemoryStore()
    options = {"budget": "3 candidates, 9s", "clock": clock, "store": store}
    Search(SPACE, Random(), evaluator, **options).run()
    clock.now += 1000  # nobody searched
    search = Search(SPACE, Random(), evaluator, **options | {"budget": "9s"})
    assert search.elapsed() == 6
    records = search.run().records
    assert [record.elapsed_seconds for record in records] == [2, 4, 6, 8, 10]
    assert search.stopped_by == "time is up"


def test_lost_candidates_come_first():
    store = MemoryStore()
    search = Search(SPACE, Random(), store=store)
    asked = [search.ask() for _ in range(8)]
    for number in (0, 3, 6):
        search.tell(asked[number], 0.5)
    resumed = Search(SPACE, Random(), store=store)
    assert resumed.history.next_id == 1
    assert [resumed.ask() for _ in range(7)] == [asked[n] for n in (1, 2, 4, 5)] + [*map(_next(asked), (7, 8, 9))]
    assert resumed.history.next_id == 10


def _next(asked):
    search = Search(SPACE, Random())
    candidates = [search.ask() for _ in range(12)]
    assert candidates[:8] == asked
    return lambda number: candidates[number]


def test_candidates_that_do_not_count_are_replayed_as_such():
    def evaluator(candidate, context):
        return {"size": 2.0} if candidate.id % 2 else {"size": 0.0, "loss": 0.0}

    store = MemoryStore()
    options = {"constraints": "size<=1", "store": store}
    Search(SPACE, Random(), evaluator, budget="5 candidates", **options).run()
    records = Search(SPACE, Random(), evaluator, budget="10 candidates", **options).run().records
    assert sum(record.status == "ok" for record in records) == 10


def test_the_store_of_another_search_is_refused():
    store = MemoryStore()
    store.append(Record(0, Arch({"width": 8}), losses=(0.5,), metrics={"loss": 0.5}))
    with pytest.raises(
        RunError, match=r"(?s)record 0 of the store is not one of this search: .*'c0' is missing.*another store"
    ):
        Search(SPACE, Random(), store=store)
    store = MemoryStore()
    Search(SPACE, Random(), _loss, budget="2 candidates", store=store).run()
    with pytest.raises(RunError, match="it has 1 losses for 2 objectives"):
        Search(SPACE, Random(), objectives="loss, min:params", store=store)


EVENTS = st.lists(
    st.one_of(
        st.just("ask"),
        st.tuples(st.just("tell"), st.integers(0, 5), st.sampled_from(["good", "fails", "infeasible", "nan"])),
        st.just("kill"),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(EVENTS, st.sampled_from(STRATEGIES))
def test_whatever_happens_in_whatever_order(events, strategy):
    """Several workers, results in any order, kills at any moment: ids without gaps, and no finished record is lost."""
    told = {
        "good": lambda c: {"loss": float(c.arch["c0"]), "size": 0.0}, "fails": lambda _: ValueError("no"),
        "infeasible": lambda _: {"size": 2.0}, "nan": lambda _: {"loss": float("nan"), "size": 0.0},
    }  # fmt: skip
    store = MemoryStore()
    search = Search(SPACE, strategy, constraints="size<=1", store=store)
    running, finished = [], []
    for event in events:
        if event == "ask":
            try:
                running.append(search.ask())
            except SpaceExhausted:
                assert isinstance(strategy, Grid)
        elif event == "kill":
            running = []
            search = Search(SPACE, strategy, constraints="size<=1", store=store)
        elif running:
            candidate = running.pop(event[1] % len(running))
            finished.append(search.tell(candidate, told[event[2]](candidate)))
        ids = [record.id for record in finished] + [candidate.id for candidate in running]
        assert len(set(ids)) == len(ids)
        assert list(search.history.records) == finished == list(store)
        assert set(search.history.pending) == {candidate.id for candidate in running}
        highest = max(ids, default=-1)
        missing = sorted(set(range(highest + 1)) - set(ids))  # were lost in a kill: proposed next
        assert search.history.next_id == (missing[0] if missing else highest + 1)
