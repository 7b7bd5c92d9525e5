"""What any store has to hold: a journal that gives back exactly what was put in, in that order."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import fields

from netwright.core import Arch, Candidate, Context, Record, Store
from netwright.loop import Search
from netwright.spaces import Space, choice
from netwright.strategies import RegularizedEvolution

__all__ = ["check_store"]


def check_store(make_store: Callable[[], Store], *, reopen: Callable[[Store], Store] | None = None) -> None:
    """Check that a store keeps its contract.

    Checked: a new store is empty; records come back in the order in which they were appended, equal in every field
    (times and curves too), of the same types, with NaN, infinities, long reals and any text; it can be read again and
    again; a search on it goes on as if it had never stopped; and what was appended is there when it is opened again.

    Args:
        make_store: makes a new, empty store.
        reopen: opens the place of a store again, as another process would after a kill; without it, a store isn't
            expected to outlast its object.

    Example:
        >>> from netwright.runtime import MemoryStore
        >>> check_store(MemoryStore)

    Raises:
        AssertionError: saying which rule is broken.
    """
    store = make_store()
    if list(store):
        raise AssertionError(f"a new store must be empty, but {_name(store)} has {len(list(store))} records.")
    records = list(_records())
    for i, record in enumerate(records):
        store.append(record)
        _equal(records[: i + 1], list(store), f"{_name(store)}, after record {record.id} was appended")
    _equal(records, list(store), f"{_name(store)}, read once more,")
    if reopen is not None:
        again = reopen(store)
        _equal(records, list(again), f"{_name(store)}, opened again,")
        more = Record(5, Arch({"x": 0}))  # an id that was missing
        again.append(more)
        _equal([*records, more], list(reopen(again)), f"{_name(store)}, opened again after another record,")
    _check_resume(make_store, reopen)


def _records() -> Iterator[Record]:
    """One of each kind, ids out of order as they come from several workers."""
    curves = {"loss": (1.0, 0.1 + 0.2, math.inf, 5e-324), "lr": (), "accuracy": (math.nan,)}
    yield Record(0, Arch({"x": 1}), metrics={"loss": 0.5}, losses=(0.5,))
    yield Record(
        3,
        Arch(
            {"depth": 2, "lr": 0.1 + 0.2, "act": "ReLU", "bias": True, "inputs": ("a", "b"), "none": None, "one": 1.0}
        ),
        fidelity=1 / 3,
        parent=0,
        metrics={"accuracy": 0.1 + 0.2, "params": 1e15 + 1, "tiny": 5e-324},
        losses=(-(0.1 + 0.2), 1e15 + 1),
        violation=1 / 7,
        wall_seconds=1 / 3,
        elapsed_seconds=1e9 + 1 / 3,
        curves=curves,
    )
    yield Record(
        2, Arch({"x": 2}), metrics={"loss": math.nan, "size": -math.inf}, status="failed", error="loss is nan."
    )
    yield Record(
        1, Arch({"ä ö\n\"'%;--": "数\t\\"}), status="failed", error="line 1\nline 2: ✗ \"quoted\" 'text'; \x00 é"
    )
    yield Record(4, Arch({}), metrics={"size": 3.0}, violation=math.inf, status="infeasible")
    yield Record(6, Arch({"x": -(2**40)}), metrics={"loss": 0.0}, losses=(0.0,), status="partial", error="time is up")
    for number in range(7, 60):
        yield Record(number, Arch({"x": number}), losses=(1 / number,), metrics={"loss": 1 / number})


def _check_resume(make_store: Callable[[], Store], reopen: Callable[[Store], Store] | None) -> None:
    whole = _search(make_store(), 40)
    store = make_store()
    _search(store, 15)
    resumed = _search(store if reopen is None else reopen(store), 40)
    if resumed != whole:
        raise AssertionError(f"a search resumed on {_name(store)} must give the records of one that never stopped.")


def _search(store: Store, n_candidates: int) -> list[Record]:
    space = Space({f"c{i}": choice([0, 1, 2]) for i in range(4)})
    strategy = RegularizedEvolution(population=8, tournament=3)
    search = Search(space, strategy, _loss, budget=f"{n_candidates} candidates", store=store)
    return list(search.run().records)


def _loss(candidate: Candidate, context: Context) -> dict[str, float]:
    context.log(loss=float(context.seed))
    if candidate.arch["c0"] == candidate.arch["c1"] == 2:
        raise ValueError("these two don't go together")
    return {"loss": sum(int(str(value)) for value in candidate.arch.values()) / 3}


def _equal(expected: list[Record], found: list[Record], when: str) -> None:
    ids = [record.id for record in found]
    if ids != [record.id for record in expected]:
        raise AssertionError(
            f"{when} must have the records {[record.id for record in expected]} in this order, but has {ids}."
        )
    for one, other in zip(expected, found, strict=True):
        for field in fields(Record):
            wanted, got = getattr(one, field.name), getattr(other, field.name)
            if _text(wanted) != _text(got):
                raise AssertionError(
                    f"{when} must give back {field.name}={wanted!r} of record {one.id}, but gave {got!r}."
                )


def _text(value: object) -> str:
    """Tells 1, 1.0 and True apart, and a tuple from a list; NaN is NaN; the order of names doesn't count."""
    if isinstance(value, Arch):
        return f"Arch {_text(dict(value))}"
    if isinstance(value, dict):
        return repr(sorted((name, _text(item)) for name, item in value.items()))
    return repr(value)


def _name(store: Store) -> str:
    return type(store).__name__
