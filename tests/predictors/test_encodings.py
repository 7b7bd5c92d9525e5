"""Encodings: what they count, how wide they are, and that they say the same each time."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from netwright import Arch, Space, cell, choice, integer, nn, real, repeat
from netwright.core.errors import InvalidInput
from netwright.core.registry import spaces
from netwright.predictors import (
    Canonical,
    Extra,
    GraphFeatures,
    Imputed,
    Joined,
    OneHot,
    Pairwise,
    Paths,
    Standard,
    TrainingDecisions,
)
from netwright.spaces.graph import ArchGraph
from netwright.spaces.zoo.nb201 import from_official_string
from netwright.testing.strategy_contract import toy_spaces

ENCODINGS = [
    Canonical(OneHot()),
    Extra(len),
    GraphFeatures(),
    GraphFeatures(depth=2, most=5),
    Imputed(),
    Joined((OneHot(), Paths())),
    OneHot(),
    Pairwise(),
    Paths(),
    Paths(skips=False),
    Standard(),
    TrainingDecisions(),
]
CELLS = Space(cell({"none": None, "skip": nn.Identity(), "relu": nn.ReLU()}, 3, label="c"), name="cells")


@pytest.mark.parametrize("encoding", ENCODINGS, ids=repr)
@pytest.mark.parametrize("space", [*toy_spaces()[1:], CELLS], ids=lambda space: space.name)
def test_rows_depend_on_their_arch_alone(encoding, space):
    rng = np.random.default_rng(0)
    arches = [space.sample(rng) for _ in range(10)]
    rows = encoding(space, arches)
    assert rows.shape[0] == 10
    assert rows.dtype == np.float64
    assert np.isfinite(rows).all()
    np.testing.assert_array_equal(encoding(space, arches[::-1]), rows[::-1])
    np.testing.assert_array_equal(np.vstack([encoding(space, [arch]) for arch in arches]), rows)
    assert encoding(space, []).shape == (0, rows.shape[1])
    again = pickle.loads(pickle.dumps(encoding))
    assert again == encoding
    assert hash(again) == hash(encoding)
    np.testing.assert_array_equal(again(pickle.loads(pickle.dumps(space)), arches), rows)


def test_pairs_belong_to_different_decisions():
    space = Space({"width": integer(0, 4), "act": choice(["a", "b"]), "norm": choice(["x", "y"])})
    row = Pairwise()(space, [Arch({"width": 2, "act": "b", "norm": "x"})])[0]
    # width, a, b, x, y; width²; width·a, width·b; a·x, a·y, b·x, b·y; width·x, width·y
    assert row.tolist() == [0.5, 0, 1, 1, 0, 0.25, 0, 0.5, 0, 0, 1, 0, 0.5, 0]
    assert Pairwise(most=3)(space, [space.default()]).shape == (1, 8)
    alone = Space({"act": choice(["a", "b"])})
    assert Pairwise()(alone, [alone.default()]).tolist() == [[1, 0]]


def test_pairs_of_a_space_whose_decisions_are_not_known():
    class Foreign:
        def encode(self, arch):
            return np.array([0.5, 2.0])

        def size(self):
            return float("inf")

        def default(self):
            return Arch({})

        def sample(self, rng):
            return Arch({})

    assert Pairwise()(Foreign(), [Arch({})]).tolist() == [[0.5, 2, 0.25, 4, 1]]
    assert TrainingDecisions()(Foreign(), [Arch({})]).tolist() == [[0.5, 2]]
    with pytest.raises(
        InvalidInput, match=r"need a space with `graph\(arch\)`, but .* has none: use OneHot or Pairwise"
    ):
        Paths()(Foreign(), [Arch({})])


def test_only_the_decisions_of_a_foreign_space_are_standard():
    class Foreign(Space):
        graph = property()  # as where it is missing

    space = Foreign({"act": choice(["a", "b"])})
    assert Standard()(space, [space.default()]).tolist() == [[1, 0]]


def test_what_is_inactive_is_in_the_middle_and_one_step_of_a_depth_counts_once():
    space = Space(
        repeat({"width": integer(1, 5), "act": choice(["relu", "silu"])}, 1, 3), training={"lr": real(0.1, 1)}
    )
    block = {"width": 1, "act": "relu"}
    one, two = (
        Arch({"depth": n, **{f"block[{i}].{key}": block[key] for i in range(n) for key in block}, "lr": 0.1})
        for n in (1, 2)
    )
    shorter, longer, wide = Imputed()(space, [one, two, two.replace(**{"block[1].width": 5})])
    assert np.flatnonzero(shorter != longer).size == 1 + 3  # the depth, the width, both columns of the activation
    assert np.linalg.norm(shorter - longer) == pytest.approx(np.linalg.norm(shorter - wide))
    flat = Space({"a": choice([1, 2, 3]), "lr": real(0.1, 1)})
    arches = [flat.sample(np.random.default_rng(seed)) for seed in range(9)]
    assert (Imputed()(flat, arches) == OneHot()(flat, arches)).all()


def test_ways_count_what_data_pass_through():
    graph = ArchGraph(("input", "relu", "skip", "relu", "output"), ((0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4)))
    assert Paths().counts(graph) == {("relu",): 2, ("skip",): 1}
    assert Paths(skips=False).counts(graph) == {("relu",): 2, (): 1}


def test_cells_that_compute_the_same_have_equal_ways_and_neighbourhoods():
    space = spaces["nb201"]()
    # The two ways through nodes 1 and 2 are exchanged.
    one = from_official_string("|nor_conv_3x3~0|+|avg_pool_3x3~0|none~1|+|none~0|nor_conv_1x1~1|skip_connect~2|")
    two = from_official_string("|avg_pool_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|skip_connect~1|nor_conv_1x1~2|")
    for encoding in (Paths(), Paths(skips=False), GraphFeatures(depth=2)):
        first, second = (encoding.counts(space.graph(arch)) for arch in (one, two))
        assert first == second


def test_neighbourhoods_look_both_ways():
    chain = ArchGraph(("input", "a", "b", "output"), ((0, 1), (1, 2), (2, 3)))
    counts = GraphFeatures(depth=1).counts(chain)
    assert counts["a"] == counts["b"] == 1
    assert counts["a", ("input",), ("b",)] == 1
    assert len(counts) == 8
    assert GraphFeatures(depth=0).counts(chain) == dict.fromkeys(chain.labels, 1)


def test_what_only_one_arch_has_goes_into_the_last_column():
    space = Space(nn.Sequential(nn.LazyLinear(integer(1, 6)), choice([nn.ReLU(), nn.SiLU()])))
    table = Paths()(space, list(space.enumerate()))
    assert table.tolist() == [[1.0]] * 12
    few = GraphFeatures(depth=0, most=3)(space, [space.default()])
    assert few.tolist() == [[1, 1, 1, 1]]  # input, output, ReLU, and the rest: the linear layer


def test_large_spaces_are_known_from_a_sample():
    space = Space({f"x{i}": choice(["a", "b"]) for i in range(20)})
    table = GraphFeatures(depth=0)(space, [space.default()])
    assert table.shape == (1, 43)  # 40 options, input, output, the rest
    assert table.sum() == 22


def test_the_training_alone():
    width = choice([8, 16], label="width")
    space = Space({"a": width}, training={"lr": real(0.0, 1.0), "batch": choice([1, 2]), "same": width})
    assert TrainingDecisions()(space, [Arch({"width": 16, "lr": 0.25, "batch": 1})]).tolist() == [[0.25, 1, 0]]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Pairwise(most=0), "`most` of Pairwise must be at least 1, but got 0"),
        (lambda: Paths(most=0), "`most` of Paths must be at least 1, but got 0"),
        (lambda: GraphFeatures(depth=-1), "`depth` of GraphFeatures must be at least 0 .* but got depth=-1, most=2000"),
        (lambda: GraphFeatures(most=0), "`most` at least 1, but got depth=1, most=0"),
        (lambda: Joined(()), r"Joined needs a tuple of at least one encoding, but got \(\)"),
        (lambda: Joined([OneHot()]), r"Joined needs a tuple of at least one encoding, but got \[OneHot\(\)\]"),
        (lambda: Extra(3), "Extra needs a function from an arch to numbers, but got 3"),
    ],
)
def test_arguments(make, text):
    with pytest.raises(InvalidInput, match=text):
        make()


@pytest.mark.parametrize("wrong", [float("nan"), [1.0] * 2, [[1.0]]])
def test_numbers_of_your_own_that_are_none(wrong):
    space = Space({"x": choice([0, 1])})
    function = {0: 1.0, 1: wrong}
    with pytest.raises(
        InvalidInput, match=r"as many finite numbers for every arch, but gave .* for Arch\(\{'x': 1\}\)"
    ):
        Extra(lambda arch: function[arch["x"]])(space, list(space.enumerate()))
