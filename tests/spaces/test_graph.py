"""The graph of an arch: what has a node, what is an edge, what is left out."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from netwright import Arch, Space, cell, choice, defer, derive, integer, layers, nn, real, recurse, repeat, subset
from netwright.core.errors import InvalidInput
from netwright.core.registry import spaces
from netwright.spaces.graph import ArchGraph
from netwright.spaces.zoo.nb201 import from_official_string
from netwright.testing.strategy_contract import toy_spaces

OPERATIONS = {"none": None, "skip": nn.Identity(), "relu": nn.ReLU(), "tanh": nn.Tanh()}


def _middle(space, arch=None):
    """The labels between input and output."""
    return space.graph(space.default() if arch is None else arch).labels[1:-1]


def test_a_sequence_is_a_chain_of_what_is_decided():
    space = Space(
        nn.Sequential(
            nn.Flatten(), nn.LazyLinear(choice([8, 16]), bias=False), choice([nn.ReLU(), nn.SiLU()]), nn.Tanh()
        )
    )
    graph = space.graph(Arch({"1.out_features": 16, "2": "SiLU"}))
    assert graph.labels == ("input", "LazyLinear(16)", "SiLU", "output")
    assert graph.edges == ((0, 1), (1, 2), (2, 3))
    assert list(graph.paths()) == [("LazyLinear(16)", "SiLU")]


def test_nothing_decided_leaves_an_edge():
    graph = Space(nn.Sequential(nn.Flatten(), nn.ReLU())).graph(Arch({}))
    assert graph == ArchGraph(("input", "output"), ((0, 1),))


def test_the_training_has_no_place_in_it():
    space = Space(nn.Sequential(nn.LazyLinear(choice([8, 16]))), training={"lr": choice([0.1, 0.2])})
    assert _middle(space) == ("LazyLinear(8)",)


def test_a_cell_has_operations_as_nodes():
    space = Space(nn.Sequential(cell(OPERATIONS, 4, label="c"), nn.Flatten()))
    arch = Arch(
        {"c.1<-0": "relu", "c.2<-0": "skip", "c.2<-1": "tanh", "c.3<-0": "none", "c.3<-1": "none", "c.3<-2": "relu"}
    )
    graph = space.graph(arch)
    assert graph.labels == ("input", "relu", "skip", "tanh", "relu", "output")
    assert graph.edges == ((0, 1), (0, 2), (1, 3), (2, 4), (3, 4), (4, 5))
    assert sorted(graph.paths()) == [("relu", "tanh", "relu"), ("skip", "relu")]


def test_dead_branches_are_left_out():
    space = spaces["nb201"]()
    behind_nothing = "|none~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"
    unused = "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|none~2|"
    for text in (behind_nothing, unused):
        assert _middle(space, from_official_string(text)) == ("skip",)
    nothing = space.graph(from_official_string("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"))
    assert nothing == ArchGraph(("input", "output"), ())
    assert list(nothing.paths()) == []


def test_cells_with_equal_labels_are_one():
    space = spaces["nb201"]()
    assert _middle(space) == ("nor_conv_3x3", "nor_conv_3x3", "nor_conv_3x3", "skip", "nor_conv_3x3", "nor_conv_3x3")
    normal, reduction = cell(OPERATIONS, 2, label="normal"), cell(OPERATIONS, 2, label="reduction")
    both = Space(nn.Sequential(normal, reduction, normal, reduction))
    assert _middle(both, Arch({"normal.1<-0": "relu", "reduction.1<-0": "tanh"})) == ("relu", "tanh")


def test_a_cell_that_may_not_be_there_stands_for_no_other():
    maybe = choice({"yes": cell(OPERATIONS, 2, label="c"), "no": None}, label="maybe")
    space = Space(nn.Sequential(maybe, cell(OPERATIONS, 2, label="c")))
    assert _middle(space, Arch({"maybe": "no", "c.1<-0": "relu"})) == ("relu",)
    assert _middle(space, Arch({"maybe": "yes", "c.1<-0": "relu"})) == ("relu", "relu")


def test_cells_with_decisions_of_their_own_are_each_drawn():
    space = Space(repeat(cell(OPERATIONS, 2), 1, 3, label="depth"))
    arch = Arch({name: value if name == "depth" else "relu" for name, value in space.default().items()})
    assert _middle(space, arch) == ("relu",) * space.default()["depth"]


def test_a_cell_may_choose_its_inputs_and_join_its_nodes():
    space = Space(cell({"relu": nn.ReLU(), "tanh": nn.Tanh()}, 4, n_inputs=1, output="concat", label="c"))
    arch = Arch({"c.1<-0": "relu", "c.2<-": ("2<-1",), "c.2<-1": "tanh", "c.3<-": ("3<-0",), "c.3<-0": "tanh"})
    graph = space.graph(arch)
    assert graph.labels == ("input", "relu", "tanh", "tanh", "output")
    assert graph.edges == ((0, 1), (0, 3), (1, 2), (1, 4), (2, 4), (3, 4))


def test_no_layer_in_a_sequence_is_nothing_on_the_way():
    norm = choice({"none": None, "batch": nn.LazyBatchNorm1d()})
    space = Space(nn.Sequential(nn.LazyLinear(choice([8, 16])), norm))
    assert _middle(space) == ("LazyLinear(8)",)
    inside = cell({"block": nn.Sequential(choice({"none": None, "relu": nn.ReLU()}), nn.Tanh())}, 2, label="c")
    kept = Space(inside)
    assert [_middle(kept, arch) for arch in kept.enumerate()] == [("Tanh()",), ("relu", "Tanh()")]


def test_depth_and_blocks_of_their_own():
    space = Space(repeat(lambda _: nn.Sequential(nn.LazyLinear(choice([8, 16])), nn.ReLU()), 1, 3, label="depth"))
    assert _middle(space) == ("LazyLinear(8)", "ReLU()") * 2
    fixed = Space(nn.Sequential(repeat(nn.ReLU(), 3, 3), nn.LazyLinear(choice([8, 16]))))
    assert _middle(fixed) == ("LazyLinear(8)",)


def test_options_of_several_layers():
    wide = nn.Sequential(nn.LazyLinear(choice([8, 16], label="width")), nn.ReLU())
    space = Space(choice({"wide": wide, "plain": nn.Sequential(nn.LazyLinear(4), nn.Tanh())}, label="body"))
    assert _middle(space, Arch({"body": "wide", "width": 16})) == ("LazyLinear(16)", "ReLU()")
    assert _middle(space, Arch({"body": "plain"})) == ("plain",)


def test_residuals_go_around():
    body = nn.Sequential(nn.Conv2d(3, 3, kernel_size=choice([1, 3], label="k")), nn.ReLU())
    graph = Space(nn.Sequential(layers.Residual(body))).graph(Arch({"k": 3}))
    assert sorted(graph.paths()) == [("Conv2d(kernel_size=3)",), ("skip",)]
    assert _middle(Space(nn.Sequential(layers.Residual(nn.ReLU()), nn.LazyLinear(choice([8]))))) == ("LazyLinear(8)",)


def test_layers_in_layers_come_behind_them():
    class Wrapped: ...

    space = Space(defer(Wrapped, choice([1, 2]), body=nn.Sequential(nn.LazyLinear(choice([8, 16])), nn.ReLU())))
    assert _middle(space) == ("Wrapped(1)", "LazyLinear(8)")


def test_grammars():
    space = Space(recurse(lambda again: choice([nn.ReLU(), nn.Sequential(again(), again())]), depth=2))
    assert {_middle(space, arch) for arch in space.enumerate()} == {("ReLU",), ("ReLU", "ReLU")}


def test_long_ranges_are_told_in_tenths():
    space = Space({"units": integer(1, 100), "few": integer(1, 3), "rate": real(0.0, 1.0)})
    labels = _middle(space, Arch({"units": 32, "few": 2, "rate": 0.55}))
    assert labels == ("units=~3/10", "few=2", "rate=~6/10")


def test_what_is_computed_is_told_only_if_nothing_else_tells_it():
    width = choice([8, 16], label="width")
    space = Space(nn.Sequential(nn.Linear(width, 2 * width), nn.LayerNorm(derive(max, width, 12))))
    assert _middle(space) == ("Linear(8)", "LayerNorm(max(8, 12))")


def test_containers_without_a_model():
    space = Space({"inputs": subset(["x", "y", "z"], 2), "blocks": [{"act": choice(["relu", "silu"])}, 3]})
    assert _middle(space) == ("inputs=('x', 'y')", "act=relu")


@pytest.mark.parametrize("space", [*toy_spaces(), *(spaces[name]() for name in spaces)], ids=lambda space: space.name)
def test_every_space_draws_its_arches(space):
    rng = np.random.default_rng(0)
    for _ in range(20):
        arch = space.sample(rng)
        graph = space.graph(arch)
        assert graph == pickle.loads(pickle.dumps(space)).graph(arch)
        assert (graph.labels[0], graph.labels[-1]) == ("input", "output")
        used = {0, len(graph.labels) - 1} | {node for edge in graph.edges for node in edge}
        assert used == set(range(len(graph.labels)))
        assert pickle.loads(pickle.dumps(graph)) == graph


def test_ways_are_limited():
    wide = ArchGraph(
        ("input", *"abcd", "output"), tuple((0, i) for i in range(1, 5)) + tuple((i, 5) for i in range(1, 5))
    )
    assert list(wide.paths()) == [("a",), ("b",), ("c",), ("d",)]
    assert list(wide.paths(most=2)) == [("a",), ("b",)]


@pytest.mark.parametrize(
    ("labels", "edges"), [(("input", "output"), ((1, 0),)), (("input", "output"), ((0, 2),)), (("input",), ())]
)
def test_graphs_that_are_none(labels, edges):
    with pytest.raises(InvalidInput, match=f"from earlier to later nodes, but got {len(labels)} nodes"):
        ArchGraph(labels, edges)
