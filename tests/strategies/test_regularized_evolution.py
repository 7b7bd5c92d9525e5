"""Regularized evolution against the paper's own pseudocode."""

from __future__ import annotations

from collections import Counter, deque

import pytest

from netwright import Space, choice, integer
from netwright.core import Arch, History, Record
from netwright.core.errors import InvalidInput
from netwright.core.streams import Streams
from netwright.loop import Search
from netwright.strategies import RegularizedEvolution

SPACE = Space({f"c{i}": choice(list(range(5))) for i in range(6)})


def _loss(arch):
    return float(sum((value - 3) ** 2 for value in arch.values()))


def paper(space, *, population, sample, cycles, seed):
    """Algorithm 1 of Real et al. 2019, line by line, on the same random streams."""
    streams = Streams(seed)
    alive, history = deque(), []
    while len(alive) < population:  # while |population| < P
        model = space.sample(streams(len(history)))  # model.arch ← RandomArchitecture()
        alive.append((model, _loss(model)))
        history.append(model)
    while len(history) < cycles:  # while |history| < C
        rng = streams(len(history))
        # while |sample| < S: candidate ← random element from population (it stays in the population)
        drawn = [alive[int(u * population)] for u in rng.random(sample)]
        parent = min(drawn, key=lambda model: model[1])  # highest-accuracy model in sample
        child = space.mutate(parent[0], rng)  # Mutate(parent.arch)
        alive.append((child, _loss(child)))  # add child to right of population
        history.append(child)
        alive.popleft()  # remove dead from left of population; discard it
    return history


@pytest.mark.parametrize(("population", "sample"), [(50, 10), (20, 20), (7, 3), (1, 1)])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_papers_algorithm(population, sample, seed):
    strategy = RegularizedEvolution(population=population, tournament=sample)
    search = Search(
        SPACE, strategy, lambda candidate, _: {"loss": _loss(candidate.arch)}, budget="200 candidates", seed=seed
    )  # fmt: skip
    found = [record.arch for record in search.run().records]
    assert found == paper(SPACE, population=population, sample=sample, cycles=200, seed=seed)


def _history(losses, *, objectives=None, **more):
    history = History(*([objectives] if objectives else []))
    for number, loss in enumerate(losses):
        history.add(Record(number, Arch({f"c{i}": 0 for i in range(6)}), losses=(loss,), **more))
    return history


def _parents(strategy, history, draws=400):
    return Counter(strategy.propose(SPACE, history, Streams(0)(n)).parent for n in range(draws))


def test_the_oldest_dies_however_good_it_is():
    history = _history([0.0] + [1.0] * 10)
    assert 0 in _parents(RegularizedEvolution(population=11, tournament=5), history)
    assert set(_parents(RegularizedEvolution(population=10, tournament=5), history)) <= set(range(1, 11))


def test_without_a_tournament_every_parent_is_as_likely():
    counts = _parents(RegularizedEvolution(population=5, tournament=1), _history([1.0, 2.0, 3.0, 4.0, 5.0]), 2000)
    assert set(counts) == set(range(5))
    assert all(abs(count - 400) < 80 for count in counts.values())


def test_the_best_of_a_large_tournament_wins():
    counts = _parents(RegularizedEvolution(population=5, tournament=5), _history([3.0, 1.0, 2.0, 4.0, 5.0]), 2000)
    assert abs(counts[1] / 2000 - (1 - (4 / 5) ** 5)) < 0.05  # drawn at least once in five draws with replacement
    assert counts[1] > counts[2] > counts[0] > counts[3]


def test_failures_are_the_last_choice():
    history = _history([])
    for number, more in enumerate(
        [
            {"status": "failed"},
            {"status": "infeasible", "violation": 0.5},
            {"losses": (9.0,), "violation": 0.1},
            {"losses": (9.9,)},
        ]
    ):
        history.add(Record(number, Arch({f"c{i}": 0 for i in range(6)}), **more))
    counts = _parents(RegularizedEvolution(population=4, tournament=4), history, 2000)
    assert counts[3] > counts[2] > counts[0]
    assert counts[3] / 2000 > 0.6


def test_until_the_population_is_full_arches_are_random():
    strategy = RegularizedEvolution(population=5, tournament=2)
    history = History()
    for number in range(5):  # nothing has come in yet, as with many workers
        candidate = strategy.propose(SPACE, history, Streams(0)(number))
        assert candidate.parent is None
        assert candidate.arch == SPACE.sample(Streams(0)(number))
        history.start(candidate)
        history.next_id += 1
    assert strategy.propose(SPACE, history, Streams(0)(5)).parent is None  # full, but of what?


def test_a_parent_without_children_ends_nothing():
    """Constraints may rule out every mutation of an arch."""
    first, second = integer(0, 3), integer(0, 3)
    space = Space({"a": first, "b": second}, constraints=[first <= second, second <= first])
    strategy = RegularizedEvolution(population=2, tournament=1)
    search = Search(space, strategy, lambda *_: {"loss": 0.0}, budget="20 candidates")
    assert len(search.run()) == 20


@pytest.mark.parametrize(("population", "tournament"), [(10, 12), (10, 0), (0, 0), (-1, 1)])
def test_bad_numbers(population, tournament):
    text = (
        r"`tournament` must be in 1\.\.population and population at least 1, but got "
        f"tournament={tournament}, population={population}"
    )
    with pytest.raises(InvalidInput, match=text):
        RegularizedEvolution(population=population, tournament=tournament)
