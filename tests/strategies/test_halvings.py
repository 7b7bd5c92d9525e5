"""Successive halving and Hyperband: rounds, brackets, several workers; BOHB's share of chance."""

from __future__ import annotations

from collections import Counter

import pytest

from netwright import Space, choice, integer
from netwright.core.errors import InvalidInput
from netwright.loop import Search
from netwright.strategies import Deduplicated, Grid, Hyperband, LocalSearch, Mixed, Random, SuccessiveHalving

SPACE = Space({"x": integer(0, 9999)})
F = (1 / 9, 1 / 3, 1.0)


def loss(candidate, context):
    return {"loss": float(candidate.arch["x"])}


def levels(records):
    return [round(9 * record.fidelity) for record in records]


def test_a_halving_and_the_next():
    records = Search(SPACE, SuccessiveHalving(fidelities=F, eta=3.0), loss, budget="26 candidates").run().records
    assert levels(records) == 2 * (9 * [1] + 3 * [3] + [9])
    first = sorted(records[:9], key=lambda record: record.loss)
    assert [record.arch for record in records[9:12]] == [record.arch for record in first[:3]]
    assert [record.parent for record in records[9:12]] == [record.id for record in first[:3]]
    assert (records[12].arch, records[12].parent) == (first[0].arch, 9)


def test_numbers_of_arches_and_eta():
    assert SuccessiveHalving(n_arches=20).sizes == (20, 5, 1)
    assert SuccessiveHalving(fidelities=(0.25, 0.5, 1.0), eta=2.0, n_arches=20).sizes == (20, 10, 5)
    assert SuccessiveHalving(n_arches=1).sizes == (1, 1, 1)
    assert SuccessiveHalving(fidelities=(1.0,)).sizes == (1,)


def test_brackets_take_turns():
    strategy = Hyperband(fidelities=F, eta=3.0)
    assert strategy.sizes == ((9, 3, 1), (0, 5, 1), (0, 0, 3))
    records = Search(SPACE, strategy, loss, budget="44 candidates").run().records
    assert levels(records) == 2 * (9 * [1] + 3 * [3] + [9] + 5 * [3] + [9] + 3 * [9])


@pytest.mark.parametrize("workers", [2, 7, 30])
@pytest.mark.parametrize(
    "strategy", [Hyperband(fidelities=F, eta=3.0), SuccessiveHalving(Deduplicated(LocalSearch()), F, 3.0)]
)
def test_with_several_workers_nobody_waits_and_all_brackets_are_finished(strategy, workers):
    search = Search(SPACE, strategy, objectives="min:loss")
    running = []
    while len(search.history) < 300:
        while len(running) < workers:
            running.append(search.ask())
        done = running.pop(len(search.history) % len(running))
        search.tell(done, loss(done, None))
    counted = Counter(levels(search.history.records))
    assert counted[9] >= 300 / 13 - 8  # a bracket has 13 candidates at most, and some aren't finished yet
    by_id = {record.id: record for record in search.history.records}
    gone_on = [r for r in search.history.records if r.parent is not None and r.arch == by_id[r.parent].arch]
    assert len({(record.arch, record.fidelity) for record in gone_on}) == len(gone_on)
    for record in gone_on:
        assert levels([record])[0] == 3 * levels([by_id[record.parent]])[0]


def test_where_fewer_are_good_fewer_go_on():
    search = Search(SPACE, SuccessiveHalving(fidelities=F, eta=3.0), objectives="min:loss")
    for number in range(9):
        candidate = search.ask()
        search.tell(candidate, {"loss": 0.5} if number in (3, 7) else ValueError("no"))
    promoted = [search.ask(), search.ask()]
    assert [one.parent for one in promoted] == [3, 7]
    assert search.ask().fidelity == 1 / 9  # the next halving
    for one in promoted:
        search.tell(one, {"loss": 0.4 + one.parent})
    assert (search.ask().fidelity, search.history.records[-2].parent) == (1.0, 3)


def test_where_none_is_good_the_next_halving_begins():
    search = Search(SPACE, Hyperband(fidelities=F, eta=3.0), objectives="min:loss")
    for _ in range(40):
        candidate = search.ask()
        search.tell(candidate, ValueError("no"))
    # Nine, five and three in turn: no promotion at all.
    assert Counter(levels(search.history.records)) == {1: 24, 3: 10, 9: 6}


def test_a_space_that_is_used_up_is_trained_fully():
    space = Space({"x": choice([3, 1, 2, 0, 5])})
    records = Search(space, SuccessiveHalving(Grid(), F, 3.0), loss, budget="50 candidates").run().records
    assert Counter(levels(records)) == {1: 5, 3: 5, 9: 5}


def test_some_of_the_arches_are_random():
    strategy = Mixed(Grid(), Random(), share=0.25)
    xs = [record.arch["x"] for record in Search(SPACE, strategy, loss, budget="200 candidates").run().records]
    assert 30 <= sum(x > 200 for x in xs) <= 70


def test_where_one_has_nothing_new_the_other_is_asked():
    space = Space({"x": choice([0, 1])})
    records = Search(space, Mixed(Grid(), Deduplicated(Random()), share=0.5), loss, budget="9 candidates").run().records
    assert len({record.arch for record in records}) == 2


def test_what_is_refused():
    with pytest.raises(InvalidInput, match=r"`share` of Mixed must be between 0 and 1, but got 1\.5"):
        Mixed(Grid(), Random(), share=1.5)
    with pytest.raises(InvalidInput, match="`n_arches` of SuccessiveHalving must be at least 1 or None, but got 0"):
        SuccessiveHalving(n_arches=0)
