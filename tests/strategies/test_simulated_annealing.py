"""Simulated annealing: acceptance by temperature, the schedule, failures, limits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from netwright import Arch, Space, choice, integer, real
from netwright.core import History, Record
from netwright.core.errors import InvalidInput
from netwright.core.streams import Streams
from netwright.loop import Search
from netwright.strategies import Deduplicated, SimulatedAnnealing
from netwright.strategies.simulated_annealing import _Walk

LINE = Space({"x": integer(0, 9999)})
VALLEY = Space({f"x{i}": integer(0, 9) for i in range(4)})


def _record(number, loss, parent=None, **more):
    losses = {} if loss is None else {"losses": (float(loss),)}
    return Record(number, Arch({"x": number}), parent=parent, **losses, **more)


def _walk(strategy, records):
    history = History()
    for record in records:
        history.add(record)
    return history.fold(strategy, strategy._step, _Walk)


def _square(arch):
    return float(sum((value - 4) ** 2 for value in arch.values()))


def test_better_ones_are_always_taken():
    strategy = SimulatedAnnealing()
    walk = _walk(strategy, [_record(0, 5), _record(1, 4, 0), _record(2, 2, 1), _record(3, 2, 2)])
    assert walk.at.id == 3  # equal ones too
    assert walk.best.id == 2


@pytest.mark.parametrize(("worse_by", "unit"), [(0.5, 1.0), (1.0, 1.0), (3.0, 1.0), (1.0, 1e-6), (1.0, 1e6)])
def test_worse_ones_by_the_metropolis_rule(worse_by, unit):
    """The usual difference is the unit, whatever that is: the temperature is as many of it as `hot` says."""
    strategy = SimulatedAnnealing(hot=2.0, cold=2.0, steps=10_000)
    steps = [_record(0, 0)]
    steps += [_record(n, unit * (n % 2), n - 1) for n in range(1, 40)]
    taken = 0
    for number in range(800):
        records = [*steps, _record(40, -unit, 39), _record(100 + number, unit * (worse_by - 1), 40)]
        taken += _walk(strategy, records).at.id == 100 + number
    assert abs(taken / 800 - math.exp(-worse_by / 2)) < 0.055


def test_the_temperature_falls():
    """The chance to take a usual step up, early, in the middle and late in the schedule."""
    strategy = SimulatedAnnealing(hot=2.0, cold=0.02, steps=100)
    shares = []
    for n_before in (4, 50, 96):
        records = [_record(n, n % 2, n - 1 if n else None) for n in range(n_before)]
        records += [_record(n_before, -1, n_before - 1)]
        ids = range(1000, 1400)
        shares.append(np.mean([_walk(strategy, [*records, _record(n, 0, n_before)]).at.id == n for n in ids]))
    for share, at in zip(shares, (5, 51, 97), strict=True):
        assert abs(share - math.exp(-1 / (2 * 0.01 ** (at / 100)))) < 0.06
    assert shares[0] > 0.4 > shares[1] > 0 == shares[2]


def test_a_schedule_ends_at_the_best_and_starts_anew():
    strategy = SimulatedAnnealing(hot=1e6, cold=1e6, steps=5)  # all are taken
    losses = [3, 1, 5, 6, 7, 8, 9, 4]
    records = [_record(n, loss, n - 1 if n else None) for n, loss in enumerate(losses)]
    assert [_walk(strategy, records[:n]).at.id for n in range(1, 9)] == [0, 1, 2, 3, 4, 1, 6, 7]


def test_scale_and_offset_of_the_losses_do_not_matter():
    def arches(scale, offset):
        search = Search(VALLEY, SimulatedAnnealing(), lambda c, _: {"loss": offset + scale * _square(c.arch)},
                        budget="150 candidates")  # fmt: skip
        return [record.arch for record in search.run().records]

    assert arches(1.0, 0.0) == arches(2.0**20, 0.0) == arches(2.0**-20, 0.0) == arches(1.0, 2.0**10)


def test_failures_are_never_entered():
    records = [_record(0, None, status="failed"), _record(1, 5), _record(2, None, 1, status="failed")]
    strategy = SimulatedAnnealing(hot=1e6, cold=1e6)
    assert _walk(strategy, records[:1]).at is None
    assert _walk(strategy, records).at.id == 1


def test_limits_are_left_and_not_entered():
    strategy = SimulatedAnnealing(hot=1e6, cold=1e6)
    records = [
        _record(0, None, status="infeasible", violation=0.9),
        _record(1, None, 0, status="infeasible", violation=0.5),
        _record(2, None, 1, status="infeasible", violation=0.7),
        _record(3, None, 1, status="failed"),
        _record(4, 9, 1, violation=0.2),
        _record(5, 9, 4),
        _record(6, 1, 5, violation=0.1),
    ]
    assert [_walk(strategy, records[:n]).at.id for n in range(1, 8)] == [0, 1, 1, 1, 4, 5, 5]


def test_steps_go_to_neighbours_and_elsewhere():
    search = Search(Space({"x": integer(0, 999), "y": real(0, 1)}), SimulatedAnnealing(),
                    lambda c, _: {"loss": abs(c.arch["x"] - 500) + c.arch["y"]}, budget="300 candidates")  # fmt: skip
    records = search.run().records
    near = far = 0
    for record in records[1:]:
        parent = records[record.parent].arch
        assert sum(record.arch[name] != parent[name] for name in parent) == 1
        near += abs(record.arch["x"] - parent["x"]) == 1
        far += abs(record.arch["x"] - parent["x"]) > 1
    assert min(near, far) > 50


@pytest.mark.parametrize("workers", [1, 4])
def test_it_leaves_a_local_optimum(workers):
    """Every arch with an even number of ones is one: the way to the best leads over all of them."""
    space = Space({f"b{i}": choice([0, 1]) for i in range(10)})
    found = 0
    for seed in range(8):
        search = Search(space, Deduplicated(SimulatedAnnealing(hot=1.0, steps=60)), seed=seed)
        running = []
        while len(search.history) < 400:
            while len(running) < workers:
                running.append(search.ask())
            candidate = running.pop(0)
            ones = sum(candidate.arch.values())
            search.tell(candidate, float(2 * (ones % 2) - ones))
        found += search.history.best.loss == -10
    assert found >= 6  # of random search 3 of 8 would


def test_an_arch_with_nothing_near_it():
    first, second = integer(0, 3), integer(0, 3)
    space = Space({"a": first, "b": second}, constraints=[first <= second, second <= first])
    search = Search(space, SimulatedAnnealing(), lambda *_: {"loss": 0.0}, budget="20 candidates")
    assert len(search.run()) == 20


def test_until_something_has_a_value_arches_are_random():
    history = History()
    history.add(_record(0, None, status="failed"))
    candidate = SimulatedAnnealing().propose(LINE, history, Streams(0)(1))
    assert candidate.parent is None
    assert candidate.arch == LINE.sample(Streams(0)(1))


def test_bad_numbers():
    text = "`hot` and `cold` must be finite, with 0 < cold <= hot, but got hot="
    for hot, cold in [(1.0, 2.0), (1.0, 0.0), (math.inf, 1.0)]:
        with pytest.raises(InvalidInput, match=text + f"{hot}, cold={cold}"):
            SimulatedAnnealing(hot=hot, cold=cold)
    with pytest.raises(InvalidInput, match="`steps` of SimulatedAnnealing must be at least 1, but got 0"):
        SimulatedAnnealing(steps=0)
