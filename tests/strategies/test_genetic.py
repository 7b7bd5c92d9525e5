"""The genetic algorithm: generations, elite, selection, crossover and mutation."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from netwright import Arch, Space, choice, integer
from netwright.core import History, Record
from netwright.core.errors import InvalidInput, NotFound
from netwright.core.streams import Streams
from netwright.loop import Search
from netwright.spaces.crossovers import one_point
from netwright.strategies import Deduplicated, Genetic
from netwright.strategies.generations import Generations, population_for
from netwright.strategies.selection import Rank, Tournament
from netwright.strategies.variation import child

SPACE = Space({f"c{i}": choice(list("abcde")) for i in range(6)})


def _loss(arch):
    return float(sum("abcde".index(value) for value in arch.values()))


def _history(losses, **more):
    history = History()
    for number, loss in enumerate(losses):
        history.add(Record(number, SPACE.sample(Streams(9)(number)), losses=(float(loss),), **more))
    return history


def _parents(strategy, history, draws=2000):
    return Counter(strategy.propose(SPACE, history, Streams(0)(n)).parent for n in range(draws))


def _members(strategy, history):
    return {record.id for record in history.fold(strategy, strategy._step, Generations).members}


def test_generations_and_their_elite():
    strategy = Genetic(population=5, elite=2)
    assert _members(strategy, _history([1, 2, 3, 4])) == set()
    assert _members(strategy, _history([1, 2, 3, 4, 5])) == {0, 1, 2, 3, 4}
    # Three children end the second generation; the best two of the first live on, whatever the children are.
    assert _members(strategy, _history([1, 2, 3, 4, 5, 9, 9])) == {0, 1, 2, 3, 4}
    assert _members(strategy, _history([1, 2, 3, 4, 5, 9, 9, 9])) == {0, 1, 5, 6, 7}
    assert _members(strategy, _history([1, 2, 3, 4, 5, 0, 9, 9, 7, 7, 7])) == {0, 5, 8, 9, 10}
    # Without an elite, all die.
    assert _members(Genetic(population=3, elite=0), _history([1, 2, 3, 7, 8, 9])) == {3, 4, 5}


def test_until_the_first_generation_is_complete_arches_are_random():
    strategy, history = Genetic(population=4, elite=1), _history([1, 2, 3])
    for number in range(3, 8):  # with many workers, more of them than it takes
        candidate = strategy.propose(SPACE, history, Streams(0)(number))
        assert candidate.parent is None
        assert candidate.arch == SPACE.sample(Streams(0)(number))
        history.start(candidate)
        history.next_id += 1


def test_failures_end_no_generation_and_what_breaks_limits_does():
    history = _history([1, 2])
    history.add(Record(2, SPACE.default(), status="failed"))
    strategy = Genetic(population=3, elite=1)
    assert _members(strategy, history) == set()
    history.add(Record(3, SPACE.default(), status="infeasible", violation=0.5))
    assert _members(strategy, history) == {0, 1, 3}
    assert set(_parents(strategy, history)) <= {0, 1, 3}


@pytest.mark.parametrize("selection", ["tournament", "rank", "roulette", Tournament(3), Rank(1.2)], ids=str)
def test_parents_by_their_chances(selection):
    history = _history([3, 1, 2, 4, 5])
    strategy = Genetic(population=5, elite=1, selection=selection)
    named = {"tournament": Tournament(), "rank": Rank(), "roulette": None}
    counts = _parents(strategy, history, 4000)
    chosen = named.get(selection, selection) if isinstance(selection, str) else selection
    if chosen is not None:
        for number, chance in enumerate(chosen(history.records)):
            assert abs(counts[number] / 4000 - chance) < 0.035
    assert counts[1] > counts[2] > counts[0] > counts[4]


def test_a_selection_of_ones_own():
    def only_the_last(records):
        return np.array([0.0] * (len(records) - 1) + [1.0])

    strategy = Genetic(population=4, elite=1, selection=only_the_last, crossover_rate=0)
    assert set(_parents(strategy, _history([1, 2, 3, 4]), 50)) == {3}


def test_without_crossover_a_child_is_a_parent_with_one_change():
    history = _history([1, 2, 3, 4, 5])
    strategy = Genetic(population=5, elite=1, crossover_rate=0)
    for number in range(100):
        candidate = strategy.propose(SPACE, history, Streams(0)(number))
        parent = history.records[candidate.parent].arch
        assert sum(candidate.arch[name] != parent[name] for name in parent) == 1


def test_with_crossover_all_comes_from_the_parents_unless_it_is_a_copy():
    first, second = (Arch({f"c{i}": value for i in range(6)}) for value in "ab")
    rng = np.random.default_rng(0)
    for _ in range(200):
        made = child(SPACE, first, second, rng, crossover="uniform", crossover_rate=1, mutation_rate=0)
        values = Counter(made.values())
        if set(values) <= {"a", "b"}:
            assert set(values) == {"a", "b"}
        else:  # a copy, changed once
            assert max(values.values()) == 5


def test_how_many_decisions_are_mutated():
    first, second = (Arch({f"c{i}": value for i in range(6)}) for value in "ab")
    rng = np.random.default_rng(0)

    def changed(rate):
        made = [
            child(SPACE, first, second, rng, crossover=one_point, crossover_rate=1, mutation_rate=rate)
            for _ in range(3000)
        ]
        return sum(value in "cde" for arch in made for value in arch.values()) / 3000

    # A mutated decision takes one of four other values, of which three are neither parent's; two may hit the same one.
    assert changed(0) == 0
    assert 0.6 < changed(None) < 0.75
    assert changed(1.0) > 2.5


@pytest.mark.parametrize("crossover", ["uniform", "one_point", "one-point", "subtree", one_point], ids=str)
def test_it_finds_the_best_with_any_crossover(crossover):
    strategy = Deduplicated(Genetic(population=12, elite=3, crossover=crossover))
    search = Search(SPACE, strategy, lambda c, _: {"loss": _loss(c.arch)}, budget="300 candidates")
    assert search.run().best.loss <= 1


def test_a_parent_without_children_ends_nothing():
    first, second = integer(0, 3), integer(0, 3)
    space = Space({"a": first, "b": second}, constraints=[first <= second, second <= first])
    search = Search(space, Genetic(population=3, elite=1), lambda *_: {"loss": 0.0}, budget="30 candidates")
    history = search.run()
    assert len(history) == 30
    assert len({record.arch for record in history.records}) == 4


def test_populations_grow_with_the_search():
    assert [population_for(n) for n in (None, 1, 100, 900, 10**6)] == [20, 10, 10, 30, 100]


def test_bad_arguments():
    text = r"`population` must be at least 2 and `elite` in 0\.\.population-1, but got population=4, elite=4"
    with pytest.raises(InvalidInput, match=text):
        Genetic(population=4, elite=4)
    with pytest.raises(InvalidInput, match="got population=1, elite=0"):
        Genetic(population=1, elite=0)
    with pytest.raises(NotFound, match="unknown selection 'tournaments': did you mean 'tournament'"):
        Genetic(selection="tournaments")
    with pytest.raises(
        InvalidInput, match=r"`selection` must be one of tournament, rank, roulette or a function.*got 3"
    ):
        Genetic(selection=3)
    with pytest.raises(NotFound, match=r"unknown crossover 'two_point'.*Available: one_point, subtree, uniform"):
        Genetic(crossover="two_point")
    with pytest.raises(InvalidInput, match="`crossover` must be one of uniform, one_point, subtree or a function"):
        Genetic(crossover=None)
    with pytest.raises(InvalidInput, match=r"`crossover_rate` must be in 0 to 1, but got 1\.5"):
        Genetic(crossover_rate=1.5)
    with pytest.raises(
        InvalidInput, match=r"`mutation_rate` must be in 0 to 1, or None for one decision, but got -0\.1"
    ):
        Genetic(mutation_rate=-0.1)
