"""Strategies around strategies: nothing twice, and given arches first."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright import Space, choice, integer, real
from netwright.core import Arch, History, Record
from netwright.core.errors import InvalidInput, InvalidSpace, SpaceExhausted
from netwright.core.streams import Streams
from netwright.loop import Search
from netwright.strategies import (
    ASHA,
    Bandit,
    Constrained,
    Deduplicated,
    Grid,
    Hyperband,
    LocalSearch,
    Mixed,
    Narrowed,
    Random,
    RegularizedEvolution,
    Repeated,
    Staged,
    StartingWith,
    SuccessiveHalving,
    WarmStarted,
)

SPACE = Space({f"c{i}": choice(list(range(4))) for i in range(4)})


def _arches(space, strategy, n, **options):
    search = Search(
        space, strategy, lambda c, _: {"loss": float(len(str(c.arch)))}, budget=f"{n} candidates", **options
    )
    records = search.run().records
    return [record.arch for record in records], search.stopped_by


@dataclass(frozen=True)
class Stubborn:
    """Always the same arch."""

    fidelity: float = 1.0

    def propose(self, space, history, rng):
        parent = history.records[0].id if len(history) else None
        return history.candidate(space.default(), fidelity=self.fidelity, parent=parent)


# Nothing twice


@pytest.mark.parametrize("strategy", [Random(), Stubborn(), RegularizedEvolution(10, 3), LocalSearch()], ids=repr)
def test_every_arch_once_until_all_are_known(strategy):
    arches, stopped_by = _arches(SPACE, Deduplicated(strategy), 1000)
    assert len(arches) == 256
    assert set(arches) == set(SPACE.enumerate())
    assert stopped_by == "nothing new to propose: no unseen arch was found after 256 records."


def test_what_is_pending_is_not_proposed_either():
    search = Search(SPACE, Deduplicated(Random()))
    assert len({search.ask().arch for _ in range(256)}) == 256
    with pytest.raises(SpaceExhausted):
        search.ask()


def test_what_works_the_same_is_one_arch():
    space = Space(
        {"a": choice(list(range(6))), "b": choice(list(range(6)))},
        canonical=lambda arch: Arch({"a": min(arch.values()), "b": max(arch.values())}),
    )
    arches, _ = _arches(space, Deduplicated(Random()), 100)
    assert len(arches) == 21
    assert len({space.canonical(arch) for arch in arches}) == 21


def test_the_inner_strategy_has_its_way_where_it_can():
    assert _arches(SPACE, Deduplicated(Grid()), 50) == _arches(SPACE, Grid(), 50)


def test_a_replacement_says_where_it_comes_from():
    history = History()
    history.add(Record(0, SPACE.default()))
    near = Deduplicated(Stubborn()).propose(SPACE, history, Streams(0)(1))
    assert near.parent == 0
    assert near.arch != SPACE.default()
    # With all neighbours known the way leads further; a random arch has no parent.
    two = Space(
        {"x": choice([0, 1]), "y": integer(0, 999)}, constraints=[lambda arch: arch["x"] == 1 or arch["y"] == 0]
    )
    for number, arch in enumerate([two.default(), *two.neighbours(two.default())], start=1):
        history.add(Record(number, arch))
    assert all(
        Deduplicated(Stubborn(), tries=1).propose(two, history, Streams(0)(n)).parent in (0, None) for n in range(20)
    )


def test_a_higher_fidelity_of_a_known_arch_is_new():
    history = History()
    history.add(Record(0, SPACE.default(), fidelity=0.25))
    promoted = Deduplicated(Stubborn(fidelity=1.0)).propose(SPACE, history, Streams(0)(1))
    assert (promoted.arch, promoted.fidelity) == (SPACE.default(), 1.0)
    for fidelity in (0.25, 0.1):
        other = Deduplicated(Stubborn(fidelity=fidelity)).propose(SPACE, history, Streams(0)(1))
        assert (other.arch != SPACE.default(), other.fidelity) == (True, fidelity)


def test_a_space_that_is_too_large_to_be_looked_through():
    space = Space({"x": real(0, 1)}, canonical=lambda _: Arch({}))
    arches, stopped_by = _arches(space, Deduplicated(Random()), 10)
    assert len(arches) == 1
    assert "no unseen arch was found after 1 records" in stopped_by


def test_an_arch_without_mutations():
    assert len(_arches(Space({"x": choice([1])}), Deduplicated(Random()), 10)[0]) == 1
    first, second = integer(0, 3), integer(0, 3)
    diagonal = Space({"a": first, "b": second}, constraints=[first <= second, second <= first])
    assert len(_arches(diagonal, Deduplicated(RegularizedEvolution(2, 1)), 10)[0]) == 4


def test_the_strategy_is_asked_so_many_times_and_its_last_answer_counts():
    history = History()
    known = [arch for arch in SPACE.enumerate() if arch["c0"] < 3]
    for number, arch in enumerate(known):
        history.add(Record(number, arch))
    streams = [Streams(0)(n) for n in range(200)]
    first = [Random().propose(SPACE, history, rng).arch for rng in streams]
    second = [Random().propose(SPACE, history, rng).arch for rng in streams]
    found = [Deduplicated(Random(), tries=2).propose(SPACE, history, Streams(0)(n)).arch for n in range(200)]
    by_second = [n for n in range(200) if first[n]["c0"] < 3 and second[n]["c0"] == 3]
    assert len(by_second) > 20
    assert [found[n] for n in by_second] == [second[n] for n in by_second]


def test_bad_tries():
    with pytest.raises(InvalidInput, match="`tries` of Deduplicated must be at least 1, but got 0"):
        Deduplicated(Random(), tries=0)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(2, 4), min_size=1, max_size=4), st.integers(0, 1000), st.integers(1, 6))
def test_any_space_is_gone_through_by_any_number_of_workers(counts, seed, workers):
    space = Space({f"c{i}": choice(list(range(count))) for i, count in enumerate(counts)})
    search = Search(space, Deduplicated(RegularizedEvolution(4, 2)), seed=seed)
    running, arches = [], []
    while True:
        try:
            while len(running) < workers:
                running.append(search.ask())
        except SpaceExhausted:
            if not running:
                break
        candidate = running.pop(0)
        arches.append(candidate.arch)
        search.tell(candidate, float(sum(candidate.arch.values())))
    assert len(arches) == space.size()
    assert set(arches) == set(space.enumerate())


# Given arches first


def test_given_arches_come_first():
    given = (Arch({"c0": 1, "c1": 2, "c2": 3, "c3": 0}), Arch({"c0": 3, "c1": 3, "c2": 3, "c3": 3}))
    arches, _ = _arches(SPACE, StartingWith(Random(), given), 6)
    assert tuple(arches[:2]) == given
    assert arches[2:] == _arches(SPACE, Random(), 6)[0][2:]


def test_the_default_comes_first_where_none_are_given():
    arches, _ = _arches(SPACE, StartingWith(Random()), 3)
    assert arches[0] == SPACE.default()
    start = Arch({"c0": 1, "c1": 2, "c2": 3, "c3": 0})
    assert _arches(SPACE.starting_at(start), StartingWith(Random()), 3)[0][0] == start


def test_lost_starts_are_given_again():
    given = tuple(Arch({"c0": n, "c1": 0, "c2": 0, "c3": 0}) for n in range(3))
    search = Search(SPACE, StartingWith(Random(), given))
    asked = [search.ask() for _ in range(4)]
    search._give_back({1})
    assert search.ask() == asked[1]


def test_given_arches_are_arches_of_the_space():
    with pytest.raises(
        InvalidInput, match=r"`arches` of StartingWith must be a tuple of Arch, .* but got \(\{'c0': 1\},\)"
    ):
        StartingWith(Random(), ({"c0": 1},))
    with pytest.raises(InvalidSpace, match="c3"):
        _arches(SPACE, StartingWith(Random(), [SPACE.default(), Arch({"c0": 1, "c1": 2, "c2": 3, "c3": 9})]), 3)


# Around what can propose


@pytest.mark.parametrize(
    "wrap",
    [
        Deduplicated,
        StartingWith,
        Narrowed,
        ASHA,
        Hyperband,
        SuccessiveHalving,
        Repeated,
        lambda given: Mixed(Random(), given),
        lambda given: Staged(Random(), given),
        lambda given: Bandit((Random(), given)),
        lambda given: WarmStarted(given, ()),
        lambda given: Constrained(given, len, "params<=5"),
    ],
)
def test_what_is_wrapped_must_be_a_strategy(wrap):
    with pytest.raises(InvalidInput, match=r"` of \w+ must be a strategy, such as Random\(\), but got 'random'"):
        wrap("random")
    with pytest.raises(InvalidInput, match=r"` of \w+ must be a strategy, not its class: say Grid\(\)"):
        wrap(Grid)


# One after the other


def test_the_second_stage_sees_the_records_of_the_first():
    arches, _ = _arches(SPACE, Staged(Grid(), Deduplicated(LocalSearch()), after=10), 12)
    assert arches[:10] == list(SPACE.enumerate())[:10]
    best = Arch({"c0": 0, "c1": 0, "c2": 0, "c3": 0})  # the first of the grid: all are worth the same
    assert all(arch in set(SPACE.neighbours(best)) for arch in arches[10:])


@pytest.mark.parametrize("after", [0, 2.5])
def test_stages_have_a_length(after):
    with pytest.raises(InvalidInput, match=r"`after` of Staged must be a whole number( of at least 1)?, but got"):
        Staged(Random(), Random(), after=after)
