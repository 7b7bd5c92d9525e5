"""Values of one decision: draws in range, other values than the own, encodings that tell them apart."""

from __future__ import annotations

import collections
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.spaces.domains import Categorical, Combination, IntegerRange, RealRange

finite = st.one_of(
    st.builds(lambda n, first: Categorical(tuple(range(n)), min(first, n - 1)), st.integers(1, 6), st.integers(0, 5)),
    st.builds(
        lambda low, n, step: IntegerRange(low, low + n, step), st.integers(-3, 3), st.integers(0, 9), st.integers(1, 4)
    ),
    st.builds(lambda low, n: IntegerRange(low, low + n, log=True), st.integers(1, 5), st.integers(0, 40)),
    st.builds(lambda n, k: Combination(tuple("abcdef"[:n]), min(k, n)), st.integers(1, 6), st.integers(0, 6)),
)  # fmt: skip
reals = st.builds(
    lambda low, span, log: RealRange(low, low + span, log),
    st.sampled_from([0.001, 0.5, 100.0]), st.sampled_from([0.01, 1.0, 5e4]), st.booleans(),
)  # fmt: skip
unit = st.floats(0, 1, exclude_max=True)


@given(finite)
def test_a_finite_domain_lists_its_values_once(domain):
    values = list(domain.grid(3))
    assert len(values) == len(set(values)) == domain.count
    assert domain.default in values
    assert all(value in domain for value in values)


@given(finite, unit, unit)
def test_draws_are_values_and_other_draws_are_others(domain, u, v):
    value = domain.draw(u)
    assert value in list(domain.grid(3))
    if domain.count > 1:
        other = domain.draw_other(value, v)
        assert other != value
        assert other in list(domain.grid(3))


@given(finite)
def test_every_value_is_drawn(domain):
    steps = 4000
    assert {domain.draw(i / steps) for i in range(steps)} == set(domain.grid(3))
    if domain.count > 1:
        others = {domain.draw_other(domain.default, i / steps) for i in range(steps)}
        assert others == set(domain.grid(3)) - {domain.default}


@given(finite)
def test_neighbours_of_finite_domains_are_mutual_and_connect_everything(domain):
    found, waiting = {domain.default}, [domain.default]
    while waiting:
        value = waiting.pop()
        for other in domain.neighbours(value):
            assert value in list(domain.neighbours(other))
            if other not in found:
                found.add(other)
                waiting.append(other)
    assert found == set(domain.grid(3))


@given(finite)
def test_encodings_of_finite_domains_differ(domain):
    codes = [tuple(domain.encode(value)) for value in domain.grid(3)]
    assert len(set(codes)) == len(codes)
    assert all(len(code) == domain.width and all(0 <= number <= 1 for number in code) for code in codes)


@given(reals, unit, unit)
def test_reals(domain, u, v):
    value = domain.draw(u)
    assert domain.low <= value <= domain.high
    assert value in domain
    assert domain.draw_other(value, v) != value
    assert 0 <= domain.encode(value)[0] <= 1
    assert domain.count == math.inf
    assert all(near in domain for near in domain.neighbours(value))
    assert list(domain.grid(3))[::2] == [pytest.approx(domain.low, rel=1e-5), pytest.approx(domain.high, rel=1e-5)]


def test_other_values_of_a_log_range_are_as_frequent_as_they_are_drawn():
    domain, n = IntegerRange(1, 15, log=True), 100_000
    drawn = collections.Counter(domain.draw(i / n) for i in range(n))
    others = collections.Counter(domain.draw_other(3, i / n) for i in range(n))
    assert 3 not in others
    for value in set(drawn) - {3}:
        assert others[value] / n == pytest.approx(drawn[value] / (n - drawn[3]), rel=0.02)


def test_combinations_have_ranks():
    domain = Combination(tuple("abcde"), 3)
    values = list(domain.grid(1))
    assert [domain._rank(value) for value in values] == list(range(10))
    assert [domain._unrank(rank) for rank in range(10)] == values


@pytest.mark.parametrize(
    ("domain", "text"),
    [
        (Categorical((1, "a", None)), "one of 1, 'a', None"),
        (IntegerRange(1, 9), "a whole number in 1..9"),
        (IntegerRange(1, 9, 4), "a whole number in 1..9 in steps of 4"),
        (IntegerRange(1, 9, log=True), "a whole number in 1..9 (log)"),
        (RealRange(0.0001, 1.0, log=True), "a real number in 0.0001..1 (log)"),
        (Combination(("a", "b"), 1), "1 of 'a', 'b'"),
    ],
)
def test_texts(domain, text):
    assert str(domain) == text
