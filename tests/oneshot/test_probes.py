"""What a supernet is made for: every option in its place, whatever arches are asked for later."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netwright import Arch, Space, choice, integer, layers, n_outputs, nn, subset
from netwright.core.errors import InvalidSpace
from netwright.core.registry import spaces
from netwright.oneshot.probes import probes
from netwright.oneshot.supernet import Supernet
from netwright.spaces.zoo.nb101 import EDGES, OPERATIONS


def _arches(space):
    return [probe.arch for probe in probes(space)]


def _nested(depth=3, n=4):
    """Choices of edges, each with a choice of operations that has one name everywhere: (input, operation) pairs."""

    def block(i):
        operations = {f"op{j}": nn.LazyLinear(6, bias=False) for j in range(n)}
        return choice({f"in{j}": choice(operations, label=f"op{i}") for j in range(n)}, label=f"in{i}")

    return Space(nn.Sequential(*(block(i) for i in range(depth)), nn.LazyLinear(n_outputs)))


def test_every_pair_of_nested_options_is_looked_at():
    space = _nested()
    pairs = {(i, arch[f"in{i}"], arch[f"op{i}"]) for arch in _arches(space) for i in range(3)}
    assert len(pairs) == 3 * 16
    assert len(_arches(space)) < 40  # not one for each


def test_paths_that_nobody_looked_at():
    space = _nested()
    supernet = Supernet(space, input_shape=(5,), n_outputs=2)
    assert sum(p.numel() for p in supernet.parameters()) == 16 * (5 * 6 + 6 * 6 + 6 * 6) + 6 * 2 + 2
    seen, rng = set(_arches(space)), np.random.default_rng(0)
    fresh = [arch for arch in (space.sample(rng) for _ in range(20)) if arch not in seen]
    assert len(fresh) > 10
    for arch in fresh:
        supernet.path(arch)


def test_subsets_are_filled_with_what_is_wanted():
    operations = [nn.ReLU(), nn.Tanh(), nn.Sigmoid()]
    edges = {f"1<-{i}": (0, 1, choice(operations, label=f"op{i}")) for i in range(6)}
    space = Space(nn.Sequential(nn.LazyLinear(4), layers.Cell(2, [subset(edges, 2, label="edges")])))
    met = {(i, arch[f"op{i}"]) for arch in _arches(space) for i in range(6) if f"op{i}" in arch}
    assert len(met) == 18
    for arch in _arches(space):
        space.validate(arch)


def test_numbers_come_beside_the_largest():
    space = Space([choice([nn.ReLU(), nn.SiLU()], label="act"), *(integer(1, 9, label=f"n{i}") for i in range(4))])
    arches = _arches(space)
    assert arches[0] == Arch({"act": "ReLU", **{f"n{i}": 9 for i in range(4)}})
    assert Arch({"act": "ReLU", "n0": 9, "n1": 1, "n2": 9, "n3": 9}) in arches
    assert Arch({"act": "ReLU", **{f"n{i}": 1 for i in range(4)}}) in arches


def test_options_that_fail_together_are_looked_at_one_by_one():
    """Two halvings are possible for this image, three are not; each of the three alone is."""

    def block(i):
        options = {"keep": nn.ReLU(), "halve": nn.Sequential(nn.LazyConv2d(4, 3, padding=1), nn.MaxPool2d(2))}
        return choice(options, label=f"b{i}")

    space = Space(
        nn.Sequential(*(block(i) for i in range(8)), layers.GlobalAveragePool(), nn.Flatten(), nn.LazyLinear(n_outputs))
    )
    assert any(sum(value == "halve" for value in arch.values()) == 8 for arch in _arches(space))
    supernet = Supernet(space, input_shape=(1, 4, 4), n_outputs=2)
    keep = dict.fromkeys([f"b{i}" for i in range(8)], "keep")
    for i in range(8):
        supernet.path(Arch({**keep, f"b{i}": "halve"}))
    with pytest.raises(InvalidSpace, match="can't take inputs of shape"):
        supernet.extract(Arch(dict.fromkeys(keep, "halve")))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("darts", {"channels": 2, "n_cells": 3, "none": True, "input_shape": (1, 6, 6)}),
        ("nasnet", {"channels": 2, "n_normal": 1, "input_shape": (1, 6, 6)}),
        ("enas_recurrent", {"size": 4, "n_nodes": 6, "input_shape": (3, 2)}),
    ],
)
def test_cell_spaces_in_full(name, options):
    """Every edge with every operation, from every node."""
    space, pairs = spaces[name](**options), set()
    for arch in _arches(space):
        for decision, value in arch.items():
            if name == "darts" and "<-" in decision and not decision.endswith("<-"):
                pairs.add((decision, value))
            elif ".operation" in decision:
                pairs.add((decision, value, arch[decision.replace("operation", "input")]))
            elif name == "enas_recurrent" and decision.endswith(".activation") and "cell.0" not in decision:
                pairs.add((decision, value, arch[decision.replace("activation", "input")]))
    per_cell = {"darts": 2 * 14 * 8, "nasnet": 2 * 2 * 20 * 13, "enas_recurrent": 15 * 4}
    assert len(pairs) == per_cell[name]


def test_spaces_say_what_rules_of_their_own_make_large():
    """NAS-Bench-101 shares a cell's channels among the vertices before its output: one vertex alone gets them all."""
    space = spaces["nb101"](channels=4, n_cells=1, input_shape=(1, 4, 4))
    supernet = Supernet(space, input_shape=(1, 4, 4), n_outputs=2)
    for vertex in range(1, 6):
        for operation in OPERATIONS:
            edges = {f"cell.{target}<-{source}": 0 for source, target in EDGES}
            edges |= {f"cell.{vertex}<-0": 1, f"cell.6<-{vertex}": 1}
            arch = Arch(edges | {f"cell.op{i}": operation for i in range(1, 6)})
            assert supernet.path(arch)(torch.zeros(2, 1, 4, 4)).shape == (2, 2)
