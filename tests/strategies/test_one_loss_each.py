"""What a strategy inside of a multi-fidelity one sees."""

from __future__ import annotations

import numpy as np
import pytest

from netwright import Space, integer
from netwright.core import Arch, Candidate, History, Record
from netwright.core.objective import Objective
from netwright.strategies.one_loss_each import aligned, one_loss_each

SPACE = Space({"x": integer(0, 99)})


def arch(x):
    return Arch({"x": x})


def history_of(*entries, objectives=("loss",)):
    """Records from (x, fidelity, loss), in order; a loss of None is a failure."""
    history = History([Objective(name) for name in objectives])
    for number, (x, fidelity, loss) in enumerate(entries):
        losses = () if loss is None else loss if isinstance(loss, tuple) else (loss,)
        history.add(Record(number, arch(x), fidelity, losses=losses, status="ok" if losses else "failed"))
    return history


def seen(history):
    return {record.arch["x"]: record.loss for record in one_loss_each("test", SPACE, history).records}


def test_what_went_on_keeps_its_losses_as_a_group_in_the_new_order():
    entries = [(1, 0.1, 0.5), (2, 0.1, 0.6), (3, 0.1, 0.7), (4, 0.1, 0.9)]
    assert seen(history_of(*entries)) == {1: 0.5, 2: 0.6, 3: 0.7, 4: 0.9}
    above = [(1, 0.3, 0.4), (2, 0.3, 0.3), (3, 0.3, 0.2)]
    assert seen(history_of(*entries, *above)) == {1: 0.7, 2: 0.6, 3: 0.5, 4: 0.9}
    top = [(3, 1.0, 0.15), (2, 1.0, 0.1)]
    assert seen(history_of(*entries, *above, *top)) == {1: 0.7, 2: 0.5, 3: 0.6, 4: 0.9}


def test_an_arch_that_began_higher_is_placed_among_those_that_are_known_in_both():
    found = seen(history_of((1, 0.1, 0.5), (2, 0.1, 0.7), (1, 1.0, 0.1), (2, 1.0, 0.3), (3, 1.0, 0.2), (4, 1.0, 0.0)))
    assert found[3] == pytest.approx(0.6)
    assert found[4] < found[1] < found[3] < found[2]


def test_nothing_in_common():
    found = seen(history_of((1, 0.1, 0.5), (2, 0.1, 0.9), (3, 1.0, 0.1), (4, 1.0, 0.2)))
    assert (found[3], found[4]) == pytest.approx((0.5, 0.9))
    assert seen(history_of((3, 1.0, 0.1), (4, 1.0, 0.2))) == {3: 0.1, 4: 0.2}


def test_what_fails_higher_up_has_failed():
    assert seen(history_of((1, 0.1, 0.5), (2, 0.1, 0.6), (1, 1.0, None))) == {1: float("inf"), 2: 0.6}


def test_repeats_are_averaged():
    assert seen(history_of((1, 1.0, 0.5), (1, 1.0, 0.9), (2, 1.0, 0.6))) == pytest.approx({1: 0.7, 2: 0.6})


def test_each_objective_has_its_own_order():
    history = history_of(
        (1, 0.1, (0.5, 2.0)), (2, 0.1, (0.6, 1.0)), (1, 1.0, (0.4, 0.1)), (2, 1.0, (0.3, 0.2)), objectives=("a", "b")
    )
    found = {record.arch["x"]: record.losses for record in one_loss_each("test", SPACE, history).records}
    assert found == {1: (0.6, 1.0), 2: (0.5, 2.0)}


def test_all_are_of_one_fidelity_and_all_are_known():
    history = history_of((1, 0.1, 0.5), (2, 0.1, 0.6), (1, 1.0, 0.4))
    history.start(Candidate(3, arch(2), 1.0, 1))  # goes on: has its record already
    history.start(Candidate(4, arch(7), 0.1))
    history.next_id = 5
    inner = one_loss_each("test", SPACE, history)
    assert [(record.id, record.fidelity) for record in inner.records] == [(0, 1.0), (1, 1.0)]
    assert {number: (other.arch["x"], other.fidelity) for number, other in inner.pending.items()} == {4: (7, 1.0)}
    assert all(inner.seen(arch(x), 1.0) for x in (1, 2, 7))
    assert not inner.seen(arch(3), 1.0)
    assert inner.next_id == 5
    history.drop(4)
    assert not one_loss_each("test", SPACE, history).pending


def test_asked_at_any_time_it_is_the_same():
    rng = np.random.default_rng(0)
    entries = []
    for _ in range(60):
        known = [x for x, fidelity, _ in entries if fidelity < 1]
        if known and rng.random() < 0.4:
            entries.append((int(rng.choice(known)), float(rng.choice([0.3, 1.0])), float(rng.random())))
        else:
            entries.append((int(rng.integers(100)), 0.1, float(rng.random()) if rng.random() < 0.9 else None))
    history = History()
    for number, (x, fidelity, loss) in enumerate(entries):
        losses = () if loss is None else (loss,)
        history.add(Record(number, arch(x), fidelity, losses=losses, status="ok" if losses else "failed"))
        asked = one_loss_each("test", SPACE, history).records
        fresh = history_of(*entries[: number + 1])
        assert list(asked) == list(one_loss_each("test", SPACE, fresh).records)


def test_equal_losses_keep_their_scale():
    a, b, c = (arch(x) for x in range(3))
    assert aligned([{a: 1.0, b: 1.0}, {a: 0.5, b: 0.5, c: 0.5}]) == {a: 1.0, b: 1.0, c: 1.0}
