"""Non-dominated sorting and crowding, against the definitions written down plainly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.core import Arch, Record
from netwright.strategies.domination import crowding_distances, non_dominated_sort, sorted_fronts

ARCH = Arch({"x": 0})


@st.composite
def populations(draw, *, feasible=False):
    n_objectives = draw(st.integers(1, 4))
    rows = draw(st.lists(st.tuples(*[st.integers(0, 4)] * n_objectives), min_size=1, max_size=14))
    kinds = st.just(0.0) if feasible else st.sampled_from([0.0, 0.0, 0.5, 1.0, float("inf")])
    violations = draw(st.lists(kinds, min_size=len(rows), max_size=len(rows)))
    return np.array(rows, dtype=float), np.array(violations)


def _dominates(a, b):
    """Constrained domination (Deb et al. 2002, definition 1)."""
    (one, broken), (other, other_broken) = a, b
    if broken or other_broken:
        return broken < other_broken
    return all(x <= y for x, y in zip(one, other, strict=True)) and any(
        x < y for x, y in zip(one, other, strict=True)
    )  # fmt: skip


@given(populations())
def test_fronts_by_peeling(population):
    losses, violations = population
    rows = list(zip(losses.tolist(), violations.tolist(), strict=True))
    left, front = set(range(len(rows))), 0
    fronts = non_dominated_sort(losses, violations)
    while left:
        undominated = {i for i in left if not any(_dominates(rows[j], rows[i]) for j in left)}
        assert {i for i in left if fronts[i] == front} == undominated
        left -= undominated
        front += 1
    assert fronts.max() == front - 1


@given(populations(feasible=True))
def test_without_violations_all_are_feasible(population):
    losses, violations = population
    assert (non_dominated_sort(losses) == non_dominated_sort(losses, violations)).all()


def test_crowding_as_the_paper_computes_it():
    rng = np.random.default_rng(0)
    for n_objectives in (1, 2, 3):
        losses = rng.random((9, n_objectives))
        expected = np.zeros(9)
        for m in range(n_objectives):  # crowding-distance-assignment(I)
            order = sorted(range(9), key=lambda i: losses[i, m])
            expected[[order[0], order[-1]]] = np.inf
            for k in range(1, 8):
                span = losses[order[-1], m] - losses[order[0], m]
                expected[order[k]] += (losses[order[k + 1], m] - losses[order[k - 1], m]) / span
        assert crowding_distances(losses) == pytest.approx(expected)


def test_crowding_of_few_and_of_equals():
    assert crowding_distances(np.array([[1.0, 2.0]])).tolist() == [np.inf]
    assert crowding_distances(np.array([[1.0, 2.0], [2.0, 1.0]])).tolist() == [np.inf, np.inf]
    assert crowding_distances(np.ones((4, 2))).tolist() == [np.inf, 0, 0, np.inf]


def test_records_with_and_without_losses():
    records = [
        Record(0, ARCH, status="infeasible", violation=0.1),
        Record(1, ARCH, losses=(1.0, 2.0)),
        Record(2, ARCH, losses=(0.0, 0.0), violation=0.5),
        Record(3, ARCH, losses=(2.0, 1.0)),
        Record(4, ARCH, losses=(2.0, 2.0)),
    ]
    losses, fronts = sorted_fronts(records, 2)
    assert [front.tolist() for front in fronts] == [[1, 3], [4], [0], [2]]
    assert losses[4].tolist() == [2.0, 2.0]
    assert np.isnan(losses[0]).all()
    _, fronts = sorted_fronts(records[:1], 0)  # nothing has a value yet
    assert [front.tolist() for front in fronts] == [[0]]
