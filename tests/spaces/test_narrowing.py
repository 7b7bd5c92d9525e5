"""Parts of domains, and spaces that are left with fewer values."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright import Arch, Space, choice, integer, real, repeat, subset
from netwright.core.errors import InvalidSpace
from netwright.spaces.domains import Categorical, Combination, IntegerRange, RealRange
from netwright.spaces.narrowing import Part, cut
from netwright.testing import check_space

SPACE = Space(
    {
        "blocks": repeat({"kernel": choice([1, 3, 5]), "act": choice(["relu", "silu"])}, 1, 3),
        "head": choice({"wide": {"units": integer(8, 64, log=True)}, "drop": {"rate": real(0.1, 0.9)}}),
        "inputs": subset(["x", "y", "z", "w"], 2),
    },
    training={"lr": real(1e-4, 1e-1, log=True)},
)


def _narrower(seed, most=4):
    """The space with random pieces of random decisions left."""
    rng = np.random.default_rng(seed)
    kept = {}
    for decision in SPACE.decisions:
        pieces = cut(decision.domain, most)
        stay = sorted(rng.permutation(len(pieces.pieces))[: rng.integers(pieces.least, len(pieces.pieces) + 1)])
        kept[decision.name] = pieces.kept(set(stay))
    return SPACE.narrowed(kept)


@pytest.mark.parametrize("seed", range(8))
def test_a_narrowed_space_keeps_the_contract(seed):
    check_space(_narrower(seed), n_samples=10)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_it_makes_lies_inside_and_in_the_whole_space(seed):
    part, rng = _narrower(seed), np.random.default_rng(seed)
    for _ in range(20):
        first, second = SPACE.sample(rng), SPACE.sample(rng)  # of the whole space
        made = [part.sample(rng), part.inside(first), part.mutate(first, rng), part.crossover(first, second, rng)]
        made += list(part.neighbours(first))[:20]
        for arch in made:
            part.validate(arch)
            SPACE.validate(arch)
            np.testing.assert_array_equal(part.encode(arch), SPACE.encode(arch))
        np.testing.assert_array_equal(part.encode(first), SPACE.encode(first))


def test_constraints_stay():
    width, depth = integer(1, 8), integer(1, 4)
    space = Space({"width": width, "depth": depth}, constraints=[width * depth <= 12])
    part = space.narrowed({"width": IntegerRange(4, 6)})
    check_space(part, n_samples=10)
    assert part.size() == sum(w * d <= 12 for w in (4, 5, 6) for d in (1, 2, 3, 4))
    assert part.without_constraints().size() == 12


def test_what_a_dropped_option_switches_on_is_gone():
    part = SPACE.narrowed({"head": Categorical(("drop",))})
    assert all("head.drop.rate" in arch and "head.wide.units" not in arch for arch in map(part.sample, _generators(20)))
    assert part.narrowed({"blocks.depth": IntegerRange(1, 1)}).size() == float("inf")


def _generators(n):
    return [np.random.default_rng(i) for i in range(n)]


def test_the_default_stays_where_it_can():
    start = SPACE.default().replace(inputs=("y", "w"))
    assert SPACE.starting_at(start).narrowed({"inputs": Combination(("y", "z", "w"), 2)}).default() == start
    part = SPACE.starting_at(start).narrowed({"inputs": Combination(("x", "z"), 2)})
    assert part.default()["inputs"] == ("x", "z")


def test_it_survives_pickling_and_has_a_digest_of_its_own():
    part = _narrower(3)
    assert pickle.loads(pickle.dumps(part)).decisions == part.decisions
    assert part.digest == _narrower(3).digest != SPACE.digest
    assert part.starting_at(part.default()).decisions == part.decisions


def test_a_name_that_is_no_decision():
    with pytest.raises(InvalidSpace, match="there is no decision 'depht'"):
        SPACE.narrowed({"depht": IntegerRange(1, 2)})


def test_values_that_a_decision_cannot_take():
    with pytest.raises(InvalidSpace, match=r"must be a part of one of 'wide', 'drop', but got 'deep'"):
        SPACE.narrowed({"head": Categorical(("wide", "deep"))})
    with pytest.raises(InvalidSpace, match="must be a part of a real number in"):
        SPACE.narrowed({"lr": RealRange(1e-3, 1.0)})


# Pieces


@pytest.mark.parametrize(
    ("domain", "pieces"),
    [
        (Categorical(("a", "b")), ("a", "b")),
        (Combination(("x", "y", "z"), 2), ("x", "y", "z")),
        (IntegerRange(1, 3), (1, 2, 3)),
        (IntegerRange(1, 10), ((1, 2), (3, 5), (6, 7), (8, 10))),
        (IntegerRange(0, 90, step=10), ((0, 10), (20, 40), (50, 60), (70, 90))),
        (IntegerRange(1, 1000, log=True), ((1, 4), (5, 30), (31, 176), (177, 1000))),
        (RealRange(0.0, 1.0), ((0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0))),
        (Part(Categorical(("a", "b", "c")), Categorical(("b",))), ("a", "b", "c")),
    ],
)
def test_pieces(domain, pieces):
    found = cut(domain, 4)
    assert found.pieces == pieces
    whole = found.kept(set(range(len(pieces))))
    assert all(value in whole for value in found.domain.grid(5))


@given(
    st.one_of(
        st.builds(
            lambda low, span, step: IntegerRange(low, low + span, step),
            st.integers(-5, 5), st.integers(0, 40), st.integers(1, 5),
        ),
        st.builds(lambda low, span: IntegerRange(low, low + span, log=True), st.integers(1, 5), st.integers(0, 300)),
        st.builds(lambda low, span: RealRange(low, low + span), st.floats(-5, 5), st.floats(0.1, 10)),
    ),
    st.integers(2, 6),
    st.data(),
)  # fmt: skip
@settings(deadline=None)
def test_ranges_are_cut_without_gaps(domain, most, data):
    found = cut(domain, most)
    assert 1 <= len(found.pieces) <= most
    for value in [*domain.grid(7), domain.draw(0.3), domain.draw(0.999)]:
        (index,) = found.of(value)
        assert value in found.kept({index})
    first = data.draw(st.integers(0, len(found.pieces) - 1))
    last = data.draw(st.integers(first, len(found.pieces) - 1))
    kept = found.kept({first, last})
    inside = [value for value in domain.grid(50) if first <= found.of(value)[0] <= last]
    assert all(value in kept for value in inside)
    part = Part(domain, kept)
    for value in domain.grid(9):
        assert part.nearest(value) in part
        assert part.count == 1 or part.draw_other(value, 0.5) in part
    assert part.default in part


def test_nearest():
    assert Part(IntegerRange(1, 9), IntegerRange(3, 6)).nearest(9) == 6
    assert Part(IntegerRange(1, 9), IntegerRange(3, 6)).nearest(1) == 3
    assert Part(IntegerRange(1, 9, 2), IntegerRange(3, 6, 2)).nearest(9) == 5
    assert Part(Categorical(("a", "b", "c")), Categorical(("b", "c"))).nearest("a") == "b"
    subset_of = Part(Combination(("w", "x", "y", "z"), 2), Combination(("x", "y", "z"), 2))
    assert subset_of.nearest(("w", "z")) == ("x", "z")


def test_too_few_pieces():
    with pytest.raises(InvalidSpace, match="at least 2 of"):
        cut(Combination(("x", "y", "z"), 2), 4).kept({1})


def test_a_domain_of_another_kind_is_one_piece():
    class Odd:
        default = 3

    assert cut(Odd(), 4).pieces == (3,)


def test_inside_is_the_arch_itself_without_narrowing():
    arch = Arch({"anything": 1})
    assert SPACE.inside(arch) is arch
