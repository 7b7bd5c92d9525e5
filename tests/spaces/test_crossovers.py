"""Crossovers: who gives what, on flat, nested and constrained spaces."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright import Arch, Space, choice, integer
from netwright.core.errors import InvalidInput
from netwright.spaces.crossovers import CROSSOVERS, one_point, subtree, uniform
from netwright.testing.strategy_contract import toy_spaces

FLAT = Space({f"c{i}": choice([0, 1, 2]) for i in range(6)})
ZEROS, ONES = (Arch({f"c{i}": value for i in range(6)}) for value in (0, 1))
BLOCK = {"kernel": choice([1, 3]), "act": choice({"relu": None, "leaky": {"slope": integer(1, 9)}})}
NESTED = Space({"stem": choice([8, 16]), "body": choice({"plain": None, "block": BLOCK})})


def _children(crossover, first, second, space=FLAT, n=2000):
    rng = np.random.default_rng(0)
    return Counter(crossover(space, first, second, rng) for _ in range(n))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(CROSSOVERS)), st.integers(0, 2), st.integers(0, 10_000))
def test_children_are_legal_and_of_their_parents(name, number, seed):
    space, rng = toy_spaces()[number], np.random.default_rng(seed)
    first, second = space.sample(rng), space.sample(rng)
    child = CROSSOVERS[name](space, first, second, rng)
    space.validate(child)
    for decision, value in child.items():
        given_by = {parent[decision] for parent in (first, second) if decision in parent}
        assert not given_by or value in given_by
    assert CROSSOVERS[name](space, first, first, rng) == first


def test_uniform_is_the_one_of_the_space():
    for seed in range(20):
        child = uniform(FLAT, ZEROS, ONES, np.random.default_rng(seed))
        assert child == FLAT.crossover(ZEROS, ONES, np.random.default_rng(seed))


def test_uniform_takes_half_of_each():
    children = _children(uniform, ZEROS, ONES, n=4000)
    assert len(children) == 2**6
    for name in ZEROS:
        assert abs(sum(n for child, n in children.items() if child[name]) - 2000) < 150


def test_one_point_has_every_cut_and_no_other_child():
    children = _children(one_point, ZEROS, ONES)
    assert {tuple(child.values()) for child in children} == {(0,) * cut + (1,) * (6 - cut) for cut in range(1, 6)}
    assert all(abs(n - 400) < 80 for n in children.values())


def test_one_point_cuts_only_between_differences():
    second = ZEROS.replace(c1=2, c2=1, c4=1)
    children = _children(one_point, ZEROS, second)
    assert set(children) == {ZEROS.replace(c2=1, c4=1), ZEROS.replace(c4=1)}
    assert abs(children[ZEROS.replace(c4=1)] / 2000 - 2 / 3) < 0.04  # cut before c3 or before c4
    assert set(_children(one_point, ZEROS, ZEROS.replace(c3=2), n=20)) == {ZEROS}  # nowhere to cut


def test_subtree_on_a_flat_space_takes_one_decision():
    second = ONES.replace(c0=0)
    children = _children(subtree, ZEROS, second)
    assert set(children) == {ZEROS.replace(**{f"c{i}": 1}) for i in range(1, 6)}
    assert all(abs(n - 400) < 80 for n in children.values())


def test_subtree_takes_all_that_hangs_on_a_decision():
    first = Arch({"stem": 8, "body": "block", "body.block.kernel": 1, "body.block.act": "relu"})
    leaky = {"body.block.act": "leaky", "body.block.act.leaky.slope": 7}
    second = Arch({"stem": 16, "body": "block", "body.block.kernel": 3, **leaky})
    for arch in (first, second):
        NESTED.validate(arch)
    children = _children(subtree, first, second, NESTED)
    whole = Arch({"stem": 8, "body": "block", "body.block.kernel": 3, **leaky})
    act = Arch({"stem": 8, "body": "block", "body.block.kernel": 1, **leaky})
    assert set(children) == {whole, act, first.replace(stem=16), first.replace(**{"body.block.kernel": 3})}
    # Nine of ten exchanges are of a decision on which others hang.
    assert abs(children[whole] - 900) < 100
    assert abs(children[act] - 900) < 100
    assert abs(children[first.replace(stem=16)] - 100) < 50


def test_subtree_brings_a_branch_that_the_first_parent_has_not():
    first = Arch({"stem": 8, "body": "plain"})
    second = Arch({"stem": 8, "body": "block", "body.block.kernel": 3, "body.block.act": "relu"})
    assert set(_children(subtree, first, second, NESTED, n=50)) == {second}
    assert set(_children(subtree, second, first, NESTED, n=50)) == {first}


def test_children_that_break_the_constraints_are_not_taken():
    space = Space({f"x{i}": integer(0, 9) for i in range(4)}, constraints=[lambda arch: sum(arch.values()) <= 12])
    rng = np.random.default_rng(0)
    for crossover in CROSSOVERS.values():
        for _ in range(50):
            first, second = space.sample(rng), space.sample(rng)
            assert space.allowed(crossover(space, first, second, rng))


@pytest.mark.parametrize("crossover", CROSSOVERS.values())
def test_parents_without_an_allowed_child(crossover):
    space = Space({"a": integer(0, 3), "b": integer(0, 3)}, constraints=[lambda arch: arch["a"] == arch["b"]])
    first, second = Arch({"a": 0, "b": 0}), Arch({"a": 3, "b": 3})
    assert crossover(space, first, second, np.random.default_rng(0)) in (first, second)


@pytest.mark.parametrize("name", CROSSOVERS)
def test_a_space_without_decisions(name):
    text = (
        f"{name.replace('_', '-')} crossover needs a space with a tuple of decisions.*use the space's own `crossover`"
    )
    with pytest.raises(InvalidInput, match=text):
        CROSSOVERS[name](object(), ZEROS, ONES, np.random.default_rng(0))
