"""NAS-Bench-101, exactly: the official hash of a cell, and its published number of parameters."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
import torch

from netwright.core.errors import InvalidInput, InvalidSpace
from netwright.core.registry import spaces
from netwright.models import n_parameters
from netwright.spaces.zoo.nb101 import OPERATIONS, Cell101, arch_of, arches_of, canonical, cell_of, official_hash


@pytest.fixture(scope="module")
def table(shared_data):
    with np.load(shared_data / "nb101_20k.npz") as data:
        found = {name: data[name] for name in ("hash", "n_vertices", "ops", "op_names", "params")}
        found["matrices"] = np.unpackbits(data["adjacency"], axis=1)[:, :49].reshape(-1, 7, 7)
    return found


def _arch(table, row):
    n = int(table["n_vertices"][row])
    edges = list(zip(*(axis.tolist() for axis in np.nonzero(table["matrices"][row][:n, :n])), strict=True))
    return arch_of(table["ops"][row][: n - 2].tolist(), edges)


def _some(table):
    """Random cells, and the few small ones."""
    return [*np.random.default_rng(0).choice(20_000, 25, replace=False), *np.flatnonzero(table["n_vertices"] < 5)]


@pytest.mark.shared_data
def test_published_hashes(table):
    assert tuple(map(str, table["op_names"])) == OPERATIONS
    arches = arches_of(table["matrices"], table["ops"], table["n_vertices"])
    for row in range(0, 20_000, 37):
        assert official_hash(arches[row]) == bytes(table["hash"][row]).hex()
        assert arches[row] == _arch(table, row)


@pytest.mark.shared_data
def test_published_numbers_of_parameters(table):
    space = spaces["nb101"]()
    for row in _some(table):
        model = space.build(_arch(table, row), input_shape=(3, 32, 32), n_outputs=10, device="meta")
        assert n_parameters(model) == table["params"][row]


def test_isomorphic_cells_have_one_form():
    """Every order of the vertices that leaves edges upwards gives the same hash and the same canonical arch."""
    operations, edges = (0, 1, 2, 0), ((0, 1), (0, 2), (1, 3), (2, 3), (2, 4), (3, 5), (4, 5))
    forms, orders = set(), 0
    for order in itertools.permutations(range(1, 5)):
        place = {0: 0, 5: 5, **{vertex: i for i, vertex in enumerate(order, 1)}}
        moved = [(place[s], place[t]) for s, t in edges]
        if all(s < t for s, t in moved):
            arch = arch_of([operations[vertex - 1] for vertex in order], sorted(moved))
            forms.add((official_hash(arch), canonical(arch)))
            orders += 1
    assert orders > 3
    assert len(forms) == 1


def test_what_does_not_count_is_left_out():
    plain = arch_of((1,), ((0, 1), (1, 2)))
    dangling = arch_of((1, 2, 0), ((0, 1), (1, 4), (0, 2), (3, 4)))  # 2 leads nowhere, nothing leads to 3
    assert cell_of(dangling) == cell_of(plain) == Cell101((1,), ((0, 1), (1, 2)))
    assert canonical(dangling) == canonical(plain) == plain
    space = spaces["nb101"](channels=4, n_cells=1)
    models = [space.build(arch, input_shape=(3, 8, 8), n_outputs=4).eval() for arch in (plain, dangling)]
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(models[0](x), models[1](x))


def test_random_arches():
    space, rng = spaces["nb101"](), np.random.default_rng(1)
    for _ in range(100):
        arch = space.sample(rng)
        form = space.canonical(arch)
        assert space.canonical(form) == form
        assert official_hash(form) == official_hash(arch)
        space.validate(form)
        graph = space.graph(arch)
        cell = cell_of(arch)
        assert graph.edges == cell.edges
        assert [OPERATIONS.index(label) for label in graph.labels[1:-1]] == list(cell.operations)


def test_cells_that_are_none():
    space = spaces["nb101"]()
    none, full = arch_of((), ()), arch_of((0,) * 5, [(s, t) for t in range(7) for s in range(t)])
    for arch in (none, full):
        with pytest.raises(InvalidSpace, match="the constraint 'is_a_cell' doesn't hold"):
            space.validate(arch)
    with pytest.raises(InvalidSpace, match="a cell needs a way from input to output"):
        official_hash(none)
    assert canonical(none) == none
    assert space.graph(none).edges == ()
    for operations, edges in (((0,) * 6, ()), ((3,), ()), ((0,), ((1, 0),)), ((0,), ((0, 3),))):
        with pytest.raises(InvalidSpace, match="a cell has at most five operations out of"):
            arch_of(operations, edges)


def test_a_cell_of_one_edge_is_a_projection():
    space = spaces["nb101"](channels=4, n_cells=1)
    model = space.build(arch_of((), ((0, 1),)), input_shape=(3, 8, 8), n_outputs=4)
    assert model(torch.zeros(2, 3, 8, 8)).shape == (2, 4)


def test_the_space_stays_what_it_is():
    space = spaces["nb101"]()
    for copy in (pickle.loads(pickle.dumps(space)), space.starting_at(space.default()), space.without_constraints()):
        assert copy.graph(space.default()) == space.graph(space.default())
    with pytest.raises(InvalidInput, match="`channels` and `n_cells` must be at least 1, but got 128 and 0"):
        spaces["nb101"](n_cells=0)
