"""NSGA-II: survival as in the paper, known fronts, constraints, any number of objectives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright import Arch, Space, choice, integer
from netwright.core import History, Objective, Record
from netwright.core.errors import InvalidInput
from netwright.core.streams import Streams
from netwright.loop import Search
from netwright.strategies import NSGA2, NSGA3, Deduplicated
from netwright.strategies.generations import Generations

SPACE = Space({f"c{i}": choice(list("abcde")) for i in range(6)})
BOTH = [NSGA2, NSGA3]


def _objectives(n):
    return [Objective(f"o{i}") for i in range(n)]


def _history(rows, *, violations=None):
    history = History(_objectives(len(rows[0])))
    for number, row in enumerate(rows):
        broken = violations[number] if violations else 0.0
        losses = tuple(map(float, row))
        history.add(Record(number, SPACE.sample(Streams(9)(number)), losses=losses, violation=broken))
    return history


def _members(strategy, history):
    return [record.id for record in history.fold(strategy, strategy._step, Generations).members]


def _dominates(a, b):
    return all(x <= y for x, y in zip(a, b, strict=True)) and a != b


def paper(rows, size):
    """Who survives of these (section III C), with ties in crowding left open: the sure ones, and the doubtful ones."""
    left, sure = list(range(len(rows))), []
    while True:
        front = [i for i in left if not any(_dominates(rows[j], rows[i]) for j in left)]
        if len(sure) + len(front) > size:
            break
        sure += front
        left = [i for i in left if i not in front]
        if not left:
            return sure, [], {}
    crowding = dict.fromkeys(front, 0.0)
    for m in range(len(rows[0])):
        order = sorted(front, key=lambda i: rows[i][m])
        span = rows[order[-1]][m] - rows[order[0]][m]
        crowding[order[0]] = crowding[order[-1]] = np.inf
        for before, i, after in zip(order, order[1:], order[2:], strict=False):
            crowding[i] += (rows[after][m] - rows[before][m]) / span if span else 0.0
    return sure, front, crowding


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3), st.integers(0, 10_000))
def test_survival_is_the_papers(n_objectives, seed):
    rows = [tuple(row) for row in np.random.default_rng(seed).random((20, n_objectives)).tolist()]
    survivors = _members(NSGA2(population=10), _history(rows))
    sure, front, crowding = paper(rows, 10)
    assert len(survivors) == 10
    assert set(sure) <= set(survivors)
    kept = [i for i in front if i in survivors]
    left = [i for i in front if i not in survivors]
    assert len(kept) == 10 - len(sure)
    assert min((crowding[i] for i in kept), default=np.inf) >= max((crowding[i] for i in left), default=0.0)


def test_members_are_sorted_so_that_tournaments_are_by_front_and_crowding():
    rows = [(0, 9), (9, 0), (4, 4), (3, 6), (5, 5), (9, 9), (8, 8), (7, 7)]
    strategy = NSGA2(population=4)
    assert _members(strategy, _history(rows[:4])) == [0, 1, 2, 3]  # the ends, then the less crowded
    assert _members(strategy, _history(rows)) == [0, 1, 2, 3]
    counts = np.zeros(4)
    history = _history(rows)
    for number in range(2000):
        counts[strategy.propose(SPACE, history, Streams(0)(number)).parent] += 1
    assert counts / 2000 == pytest.approx(np.array([7, 5, 3, 1]) / 16, abs=0.04)  # the better of two draws


def test_steady_state_lets_the_worst_die_at_once():
    strategy = NSGA2(population=3, offspring=1)
    rows = [(1, 3), (3, 1), (4, 4), (2, 2), (0, 0)]
    assert set(_members(strategy, _history(rows[:3]))) == {0, 1, 2}
    assert set(_members(strategy, _history(rows[:4]))) == {0, 1, 3}
    assert _members(strategy, _history(rows))[0] == 4
    assert set(_members(NSGA2(population=3), _history(rows))) == {0, 1, 2}  # a generation isn't over


# Both, and what is the same for them


@pytest.mark.parametrize("kind", BOTH)
def test_what_is_feasible_comes_first(kind):
    rows = [(0, 0), (1, 1), (5, 5), (6, 6), (2, 2), (9, 9)]
    violations = [0.5, 0.1, 0.0, 0.0, 0.2, 0.0]
    members = _members(kind(population=3), _history(rows, violations=violations))
    assert set(members) == {2, 3, 5}
    assert set(_members(kind(population=2), _history(rows[:4], violations=[0.5, 0.1, 0.3, 0.2]))) == {1, 3}


@pytest.mark.parametrize("kind", BOTH)
def test_failures_are_never_parents(kind):
    history = _history([(0, 1), (1, 0)])
    strategy = kind(population=3)
    history.add(Record(2, SPACE.default(), status="failed"))
    assert _members(strategy, history) == []
    history.add(Record(3, SPACE.default(), status="infeasible", violation=0.5))
    assert set(_members(strategy, history)) == {0, 1, 3}


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("workers", [1, 7])
@pytest.mark.parametrize("seed", range(3))
def test_the_whole_front_of_a_table_is_found(kind, workers, seed):
    """4,096 arches: cost is the number of units, error falls with it if they are in the right places."""
    space = Space({f"x{i}": choice([0, 1, 2, 3]) for i in range(6)})

    def losses(arch):
        values = list(arch.values())
        right = sum(min(value, i % 3 + 1) for i, value in enumerate(values))
        return {"cost": float(sum(values)), "error": 12.0 - right}

    table = {tuple(losses(arch).values()) for arch in space.enumerate()}
    front = {row for row in table if not any(_dominates(other, row) for other in table)}
    assert len(front) == 13
    search = Search(space, Deduplicated(kind(population=20)), objectives="min:cost,min:error", seed=seed)
    running = []
    while len(search.history) < 700:
        while len(running) < workers:
            running.append(search.ask())
        candidate = running.pop(len(search.history) % len(running))
        search.tell(candidate, losses(candidate.arch))
    assert {record.losses for record in search.history.pareto()} == front


@pytest.mark.parametrize("kind", BOTH)
def test_limits_are_found_and_kept(kind):
    """Of 10,000 arches 125 are feasible: the way there is by the violations."""
    space = Space({f"x{i}": integer(0, 9) for i in range(4)})

    def metrics(candidate, _):
        values = list(candidate.arch.values())
        return {"loss": float(sum(values)), "other": float(values[0]), "size": float(sum(abs(v - 7) for v in values))}

    search = Search(space, Deduplicated(kind(population=16)), metrics, objectives="min:loss,min:other",
                    constraints="size<=3", budget="400 candidates")  # fmt: skip
    history = search.run()
    feasible = [record.violation == 0 for record in history.records]
    assert sum(feasible[:16]) <= 2
    assert sum(feasible[200:]) > 5 * 200 * 125 / 10_000
    assert history.best.loss == 25  # three below the middle of what is allowed


@pytest.mark.parametrize("kind", BOTH)
def test_one_objective_works_too(kind):
    search = Search(SPACE, Deduplicated(kind(population=12)), lambda c, _: {"loss": sum(map(ord, c.arch.values()))},
                    budget="300 candidates")  # fmt: skip
    assert search.run().best.arch == Arch({f"c{i}": "a" for i in range(6)})


@pytest.mark.parametrize("kind", BOTH)
def test_bad_numbers(kind):
    text = "`population` must be at least 2 and `offspring` at least 1 or None, but got population=1, offspring=None"
    with pytest.raises(InvalidInput, match=text):
        kind(population=1)
    with pytest.raises(InvalidInput, match="got population=20, offspring=0"):
        kind(offspring=0)
    with pytest.raises(InvalidInput, match="`mutation_rate` must be in 0 to 1"):
        kind(mutation_rate=2)


@pytest.mark.shared_data
def test_the_front_of_a_real_table(shared_data):
    """The figure of benchmarks/pareto_front.py, small: a front of 20 among 15,625 arches; 500 evaluations."""
    from netwright.spaces.zoo.nb201 import EDGES, nb201

    with np.load(shared_data / "nb201.npz") as file:
        names, operations = file["op_names"].tolist(), file["ops"]
        errors = 100 - np.nanmean(file["val_acc_200ep_seeds_cifar10"].astype(float), axis=1)
    with np.load(shared_data / "nb201_hardware_cifar10.npz") as file:
        latencies = file["values"][:, file["metrics"].tolist().index("edgegpu_latency")]
    rows = {}
    for operation, error, latency in zip(operations.tolist(), errors.tolist(), latencies.tolist(), strict=True):
        decided = {f"cell.{a}<-{b}": names[o] for (a, b), o in zip(EDGES, operation, strict=True)}
        rows[Arch(decided)] = (error, latency)
    front, least = set(), np.inf
    for arch, (_, latency) in sorted(rows.items(), key=lambda row: row[1]):
        if latency < least:
            front.add(arch)
            least = latency
    assert len(front) == 20

    def evaluated(candidate, _):
        return dict(zip(["error", "ms"], rows[candidate.arch], strict=True))

    space, shares = Space(nb201().tree), []  # all arches are told apart, as in the table
    for seed in range(4):
        search = Search(space, Deduplicated(NSGA2()), evaluated,
                        objectives="min:error,min:ms", budget="500 candidates", seed=seed)  # fmt: skip
        shares.append(len(front & {record.arch for record in search.run().records}) / len(front))
    assert np.mean(shares) > 5 * 500 / 15_625
