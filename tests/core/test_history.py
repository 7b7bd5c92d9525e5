"""The history: append-only, folded, and what it says of the best."""

from __future__ import annotations

import pickle
import sys
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core import Arch, Candidate, History, Objective, Record
from netwright.core.errors import InvalidInput, MissingDependency

LOSSES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12)


def _record(number, *losses, **more):
    return Record(number, Arch({"x": number}), losses=tuple(map(float, losses)), **more)


def _history(*records, **options):
    history = History([Objective("a"), Objective("b")], **options)
    for record in records:
        history.add(record)
    return history


# Records


def test_records_are_equal_but_for_times_and_curves():
    record = Record(1, Arch({"x": 1}), metrics={"loss": 0.5}, losses=(0.5,), wall_seconds=1.0)
    assert record == replace(record, wall_seconds=2.0, elapsed_seconds=3.0, curves={"loss": (1.0,)})
    for change in (
        {"id": 2}, {"arch": Arch({"x": 2})}, {"fidelity": 0.5}, {"parent": 0}, {"metrics": {"loss": 0.6}},
        {"losses": (0.6,)}, {"violation": 0.1}, {"status": "partial"}, {"error": "time is up"},
    ):  # fmt: skip
        assert record != replace(record, **change), change
    assert record != "record"


def test_nan_equals_nan_in_records():
    first, second = (Record(0, Arch({}), metrics={"loss": float(text)}) for text in ("nan", "nan"))
    assert first == second
    assert first != Record(0, Arch({}), metrics={"loss": 0.0})
    assert Record(0, Arch({}), metrics={"a": float("nan")}) != Record(0, Arch({}), metrics={"b": float("nan")})


def test_records_are_frozen_and_have_no_hash():
    record = _record(0, 1)
    with pytest.raises(FrozenInstanceError):
        record.id = 3
    with pytest.raises(TypeError, match="unhashable"):
        hash(record)
    assert pickle.loads(pickle.dumps(record)) == record
    assert record.candidate == Candidate(0, Arch({"x": 0}))


def test_rank_sorts_from_best_to_worst():
    best_first = [
        _record(0, 0.1), _record(1, 0.2), _record(2, 0.1, violation=0.5), _record(3, 0.0, violation=float("inf")),
        Record(4, Arch({}), violation=0.1, status="infeasible"),
        Record(5, Arch({}), violation=0.2, status="infeasible"),
    ]  # fmt: skip
    worst_first = best_first[::-1]
    assert sorted(worst_first, key=lambda record: record.rank) == best_first
    failed = Record(6, Arch({}), status="failed")
    assert failed.loss == float("inf")
    assert not failed.scored
    assert failed.rank > best_first[-1].rank


# Best and front


def test_best_is_feasible_and_of_the_highest_fidelity():
    history = _history()
    assert history.best is None
    for record, best in [
        (_record(0, 5, 5, fidelity=0.5), 0),
        (_record(1, 6, 0, fidelity=0.5), 0),
        (_record(2, 1, 1, violation=0.1), 0),
        (_record(3, 9, 9), 3),
        (_record(4, 1, 1, fidelity=0.5), 3),
        (_record(5, 9, 0), 3),  # a tie stays with the first
        (_record(6, 8, 9, status="partial"), 6),
        (Record(7, Arch({}), status="failed"), 6),
    ]:
        history.add(record)
        assert history.best.id == best


@given(LOSSES)
def test_the_front_holds_what_nothing_dominates(losses):
    history = _history(*(_record(i, *pair) for i, pair in enumerate(losses)))
    front = history.pareto()

    def dominates(one, other):
        return one != other and all(a <= b for a, b in zip(one, other, strict=True))

    kept = [record.losses for record in front]
    assert kept == sorted(set(kept))
    undominated = {pair for pair in losses if not any(dominates(other, pair) for other in losses)}
    assert set(kept) == {tuple(map(float, pair)) for pair in undominated}
    for record in front:  # the earliest of equals
        assert record.id == losses.index(tuple(map(int, record.losses)))


def test_the_front_leaves_out_what_is_infeasible_or_of_a_lower_fidelity():
    history = _history(
        _record(0, 1, 1, violation=1.0), _record(1, 0, 0, fidelity=0.5),
        _record(2, 5, 6), _record(3, 6, 5), _record(4, 6, 6),
    )  # fmt: skip
    assert [record.id for record in history.pareto()] == [2, 3]
    assert _history().pareto() == []


# Folds


def test_a_fold_sees_each_record_once():
    history, calls = _history(), []

    def step(state, record):
        calls.append(record.id)
        return state + record.losses[0]

    assert history.fold("sum", step, lambda: 100.0) == 100.0
    for number in range(4):
        history.add(_record(number, number))
        assert history.fold("sum", step, lambda: 100.0) == 100.0 + sum(range(number + 1))
        assert history.fold("sum", step, lambda: 100.0) == 100.0 + sum(range(number + 1))
    assert calls == [0, 1, 2, 3]
    assert history.fold("other", step, lambda: 0.0) == 6.0  # another key, another state
    assert calls == [0, 1, 2, 3, 0, 1, 2, 3]


def test_a_fold_may_change_its_state_in_place():
    history = _history(_record(0, 1), _record(1, 2))

    def step(state, record):
        state.append(record.id)
        return state

    state = history.fold("ids", step, list)
    history.add(_record(2, 3))
    assert history.fold("ids", step, list) is state
    assert state == [0, 1, 2]


def test_a_fold_without_records_keeps_its_state():
    history = _history()
    state = history.fold("walk", lambda state, _: state, lambda: iter([1, 2, 3]))
    assert next(state) == 1
    assert next(history.fold("walk", lambda state, _: state, lambda: iter([1, 2, 3]))) == 2


# Seen and pending


def test_seen_and_pending():
    history = _history()
    candidate = history.candidate(Arch({"x": 1}), parent=None)
    assert candidate == Candidate(0, Arch({"x": 1}))
    assert not history.seen(Arch({"x": 1}))
    history.start(candidate)
    assert history.seen(Arch({"x": 1}))
    assert dict(history.pending) == {0: candidate}
    with pytest.raises(TypeError):
        history.pending[1] = candidate
    history.drop(0)
    assert not history.seen(Arch({"x": 1}))
    history.start(candidate)
    history.add(Record(0, Arch({"x": 1}), status="failed"))
    assert history.seen(Arch({"x": 1}))
    assert not history.pending
    assert history.next_id == 1
    assert len(history) == 1


def test_seen_at_a_fidelity():
    history = _history(_record(1, 0, fidelity=0.5))
    history.start(Candidate(2, Arch({"x": 2}), fidelity=0.25))
    for number, at_half in ((1, True), (2, False)):
        arch = Arch({"x": number})
        assert history.seen(arch)
        assert history.seen(arch, 0.25)
        assert history.seen(arch, 0.5) is at_half
        assert not history.seen(arch, 1.0)
    history.add(_record(2, 0))
    assert history.seen(Arch({"x": 2}), 1.0)
    history.add(_record(2, 0, fidelity=0.5))  # a lower one later takes nothing away
    assert history.seen(Arch({"x": 2}), 1.0)


@given(st.lists(st.tuples(st.sampled_from("aaastd"), st.integers(0, 8), st.sampled_from([0.5, 1.0])), max_size=30))
def test_what_is_seen_among_many_pending(moves):
    """Whatever happens between two questions, as one by one: a asks, s starts, t tells, d drops."""
    history = _history(canonical=lambda arch: Arch({"x": arch["x"] % 4}))
    for move, number, fidelity in moves:
        arch = Arch({"x": number})
        if move == "a":
            known = [*history.records, *history.pending.values()]
            expected = any(other.arch["x"] % 4 == number % 4 and other.fidelity >= fidelity for other in known)
            assert history.seen(arch, fidelity) is expected
        elif move == "s":
            history.start(Candidate(number, arch, fidelity))
        elif move == "d":
            history.drop(number)
        elif number in history.pending:
            there = history.pending[number]
            history.add(Record(number, there.arch, there.fidelity))


def test_what_works_the_same_is_seen():
    history = _history(_record(3, 0), canonical=lambda arch: Arch({"x": abs(arch["x"])}))
    assert history.seen(Arch({"x": -3}))
    history.start(Candidate(4, Arch({"x": -4})))
    assert history.seen(Arch({"x": 4}))
    assert not history.seen(Arch({"x": 5}))


def test_ids_go_on_after_the_highest():
    history = _history(_record(0, 1), _record(5, 1), _record(3, 1))
    assert history.next_id == 6
    assert history.candidate(Arch({})).id == 6


# As a table, and in a file


def test_to_frame():
    pandas = pytest.importorskip("pandas")
    history = _history(
        Record(0, Arch({"width": 8}), metrics={"a": 1.0, "id": 9.0}, losses=(1.0,), wall_seconds=2.0),
        Record(1, Arch({"depth": 2}), parent=0, fidelity=0.5, status="failed", error="no", elapsed_seconds=3.0),
    )
    frame = history.to_frame()
    assert list(frame.columns) == [
        "id", "parent", "status", "fidelity", "a", "metric.id", "violation", "wall_seconds", "elapsed_seconds", "error",
        "arch.width", "arch.depth",
    ]  # fmt: skip
    assert frame["id"].tolist() == [0, 1]
    assert frame["parent"].isna().tolist() == [True, False]
    assert frame.loc[1, "parent"] == 0
    assert frame["a"].isna().tolist() == [False, True]
    assert frame.loc[0, "metric.id"] == 9.0
    assert frame["arch.width"].isna().tolist() == [False, True]
    assert frame.loc[1, "error"] == "no"
    assert _history().to_frame().empty
    assert isinstance(frame, pandas.DataFrame)


def test_a_key_that_cant_be_hashed():
    with pytest.raises(
        InvalidInput, match="the key of a fold must be hashable, such as a frozen dataclass: unhashable type"
    ):
        _history().fold((["a list"], "walk"), lambda state, _: state, list)


def test_to_frame_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(
        MissingDependency, match=r"needs pandas, which is not installed: pip install 'netwright\[frame\]'"
    ):
        _history().to_frame()


def test_pickling_leaves_caches_behind():
    history = _history(_record(0, 3), _record(2, 1), canonical=lambda arch: arch)
    history.start(Candidate(1, Arch({"x": 1})))
    history.fold("walk", lambda state, _: state, lambda: iter([1]))  # an iterator can't be pickled
    again = pickle.loads(pickle.dumps(history))
    assert list(again.records) == list(history.records)
    assert again.best == history.best
    assert again.pending == history.pending
    assert again.next_id == history.next_id
    assert again.objectives == history.objectives
    assert again.seen(Arch({"x": 2}))
