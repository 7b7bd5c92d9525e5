"""The loop by hand: what `ask` gives, and what becomes of what is told."""

from __future__ import annotations

import math

import numpy as np
import pytest

from netwright import Space, choice
from netwright.core import Arch, Candidate, Objective
from netwright.core.errors import EvaluationError, InvalidInput, RunError, SpaceExhausted
from netwright.loop import Outcome, Search
from netwright.strategies import Grid, Random


def _search(space, **options):
    return Search(space, Random(), **options)


def test_candidates_are_numbered_and_pending(space):
    search = _search(space)
    first, second = search.ask(), search.ask()
    assert (first.id, second.id) == (0, 1)
    assert dict(search.history.pending) == {0: first, 1: second}
    record = search.tell(second, {"loss": 0.5})
    assert record.candidate == second
    assert dict(search.history.pending) == {0: first}
    assert search.ask().id == 2
    assert [record.id for record in search.history.records] == [1]


def test_a_candidate_is_drawn_from_its_number_alone(space):
    one, other = _search(space, seed=3), _search(space, seed=3)
    first = [one.ask() for _ in range(6)]
    for _ in range(3):
        other.tell(other.ask(), 1.0)
    assert [other.ask() for _ in range(3)] == first[3:]
    assert [candidate.arch for candidate in first] != [_search(space, seed=4).ask().arch for _ in range(6)]
    assert _search(space, seed=np.int64(3)).ask() == first[0]


@pytest.mark.parametrize(
    ("told", "status", "losses", "error"),
    [
        ({"loss": 0.5}, "ok", (0.5,), None),
        (0.5, "ok", (0.5,), None),
        (np.float32(0.5), "ok", (0.5,), None),
        ({"loss": np.array(0.5), "params": 3}, "ok", (0.5,), None),
        ({"loss": 0.5, "note": math.nan}, "ok", (0.5,), None),
        (math.nan, "failed", (), "loss is nan."),
        ({"loss": math.inf}, "failed", (), "loss is inf."),
        ({}, "failed", (), "the metric 'loss' is missing; there are: none."),
        ({"params": 3.0, "size": 1.0}, "failed", (), "the metric 'loss' is missing; there are: params, size."),
        ("good", "failed", (), "metrics must be numbers: could not convert string to float: 'good'"),
        ({"loss": [1.0]}, "failed", (), "metrics must be numbers: float() argument must be"),
        (None, "failed", (), "metrics must be numbers: float() argument must be"),
        (ValueError("too  wide\nby far"), "failed", (), "ValueError: too wide by far"),
        (EvaluationError("the loss became NaN"), "failed", (), "the loss became NaN"),
        (KeyError(), "failed", (), "KeyError"),
        (Outcome({"loss": 0.5}, partial="time is up"), "partial", (0.5,), "time is up"),
        (Outcome(error="no memory"), "failed", (), "no memory"),
    ],
    ids=repr,
)
def test_outcomes(space, told, status, losses, error):
    search = _search(space)
    record = search.tell(search.ask(), told)
    assert (record.status, record.losses) == (status, losses)
    assert (record.error or "").startswith(error or "")
    assert bool(record.error) is bool(error)
    assert search.history.records == [record]
    assert all(type(value) is float for value in record.metrics.values())


def test_several_objectives(space):
    search = _search(space, objectives="accuracy, min:params")
    record = search.tell(search.ask(), {"accuracy": 0.9, "params": 100})
    assert record.losses == (-0.9, 100.0)
    assert record.metrics == {"accuracy": 0.9, "params": 100.0}
    assert search.history.objectives == (Objective("accuracy", "max"), Objective("params"))
    record = search.tell(search.ask(), 0.5)
    assert record.status == "failed"
    assert record.error == "an evaluation must give a mapping of metrics, but gave a float."
    assert search.tell(search.ask(), {"accuracy": 0.9}).error == "the metric 'params' is missing; there are: accuracy."


def test_constraints(space):
    search = _search(space, constraints="params<=100, speed>=2")
    told = [
        {"loss": 1.0, "params": 100, "speed": 2},
        {"loss": 0.1, "params": 150, "speed": 1},
        {"params": 150},  # cheap metrics first: that is enough to rule it out
        {"params": 50},
        {"loss": 0.1, "params": 50},
        {"loss": 0.1, "params": math.nan, "speed": 2},
    ]
    records = [search.tell(search.ask(), metrics) for metrics in told]
    assert [record.status for record in records] == ["ok", "ok", "infeasible", "failed", "failed", "ok"]
    assert [record.violation for record in records] == [0, 1.0, 0.5, 0, 0, math.inf]
    assert records[3].error == "the metric 'loss' is missing; there are: params."
    assert records[4].error == "the metric 'speed' is missing; there are: loss, params."
    assert search.history.best == records[0]


def test_the_place_of_an_error_is_named(space):
    def deep():
        return {}["width"]

    search = _search(space)
    try:
        deep()
    except KeyError as error:
        record = search.tell(search.ask(), error)
    assert record.error.startswith("KeyError: 'width' (in deep, test_ask_and_tell.py:")


def test_long_and_unprintable_errors_are_cut_to_what_a_file_can_hold(space):
    search = _search(space)
    assert len(search.tell(search.ask(), ValueError("x" * 10**6)).error) < 1100
    record = search.tell(search.ask(), ValueError("name \udcff of a file"))
    assert record.error == "ValueError: name \\udcff of a file"
    record.error.encode()


def test_each_candidate_is_told_once(space):
    search = _search(space)
    candidate = search.ask()
    search.tell(candidate, 0.5)
    with pytest.raises(RunError, match="candidate 0 wasn't asked for, or was told before: tell each one once"):
        search.tell(candidate, 0.5)
    with pytest.raises(RunError, match="candidate 7 wasn't asked for"):
        search.tell(Candidate(7, candidate.arch), 0.5)
    asked = search.ask()
    with pytest.raises(RunError, match="candidate 1 wasn't asked for"):
        search.tell(Candidate(1, asked.arch.replace(c0="other")), 0.5)
    assert search.tell(Candidate(1, asked.arch), 0.5).id == 1  # equal is enough: it may have travelled
    assert len(search.history) == 2


def test_whoever_wants_it_is_told_of_records(space):
    seen = []
    search = _search(space, on_record=lambda record, history: seen.append((record.id, len(history))))
    for _ in range(3):
        search.tell(search.ask(), 0.5)
    assert seen == [(0, 1), (1, 2), (2, 3)]


def test_a_used_up_space_changes_nothing():
    search = Search(Space({"x": choice([0, 1])}), Grid())
    candidates = [search.ask(), search.ask()]
    for _ in range(2):
        with pytest.raises(SpaceExhausted, match="all points of the grid are done"):
            search.ask()
    assert search.history.next_id == 2
    assert dict(search.history.pending) == {0: candidates[0], 1: candidates[1]}


def test_elapsed_seconds(space, clock):
    search = _search(space, clock=clock, started=clock.now - 5)
    candidate = search.ask()
    clock.now += 2
    assert search.elapsed() == 7
    assert search.tell(candidate, 0.5).elapsed_seconds == 7


# What is refused


class Proposes:
    def __init__(self, make):
        self.make = make

    def propose(self, space, history, rng):
        return self.make(history, space.sample(rng))


@pytest.mark.parametrize(
    "make",
    [
        lambda _, arch: arch,
        lambda *_: None,
        lambda history, arch: history.candidate(dict(arch)),
        lambda history, arch: Candidate(history.next_id + 1, arch),
        lambda history, arch: history.candidate(arch, fidelity=0.0),
        lambda history, arch: history.candidate(arch, fidelity=1.5),
        lambda history, arch: history.candidate(arch, fidelity=math.nan),
    ],
)
def test_bad_proposals(space, make):
    search = Search(space, Proposes(make))
    text = (
        r"Proposes\.propose must return history\.candidate\(arch\) with an Arch, a fidelity in \(0, 1\] and id 0, but "
        r"returned"
    )
    with pytest.raises(RunError, match=text):
        search.ask()
    assert search.history.next_id == 0
    assert not search.history.pending


def test_an_error_of_the_strategy_passes_and_changes_nothing(space):
    def fails_once(history, arch, left=[1]):  # noqa: B006
        if left:
            left.pop()
            raise ZeroDivisionError("a bug")
        return history.candidate(arch)

    search = Search(space, Proposes(fails_once))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        search.ask()
    assert search.ask().id == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"strategy": Random},
            r"`strategy` must be an object with a method propose.*but got.*Random'>: say Random\(\)\.",
        ),
        ({"strategy": "random"}, r"`strategy` must be an object with a method propose.*, but got 'random'\."),
        ({"evaluator": 3}, "`evaluator` must be callable with a candidate and a context, but got 3"),
        ({"seed": -1}, "`seed` must be a whole number of at least 0, but got -1"),
        ({"seed": 1.5}, r"`seed` must be a whole number of at least 0, but got 1\.5"),
        ({"seed": True}, "`seed` must be a whole number of at least 0, but got True"),
        ({"seed": None}, "`seed` must be a whole number of at least 0, but got None"),
        ({"budget": 10}, "a budget must look like '90s'.*but got 10"),
        ({"objectives": "up:accuracy"}, "an objective must look like"),
        ({"constraints": "params"}, "a constraint must look like"),
    ],
)
def test_bad_arguments(space, options, message):
    with pytest.raises(InvalidInput, match=message):
        Search(space, options.pop("strategy", Random()), **options)


def test_run_needs_an_evaluator_and_a_budget(space):
    for search in (Search(space, Random(), budget="3 candidates"), Search(space, Random(), lambda *_: {"loss": 0.0})):
        with pytest.raises(RunError, match="`run` needs an evaluator and a budget; without them use `ask` and `tell`"):
            search.run()


def test_arches_are_what_the_space_says(space):
    search = _search(space)
    assert isinstance(search.ask().arch, Arch)
    space.validate(search.ask().arch)
