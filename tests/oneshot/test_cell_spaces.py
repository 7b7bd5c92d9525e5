"""The zoo's cell spaces as supernets and as mixtures: paths, mixtures of one arch, what can't be mixed."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from netwright.core.errors import InvalidSpace
from netwright.core.registry import methods, spaces
from netwright.oneshot.relaxed import Relaxed
from netwright.oneshot.supernet import Supernet
from netwright.testing.supernet_contract import largest_difference

SMALL = {
    "darts": ({"channels": 2, "n_cells": 3, "none": True}, (1, 7, 6)),
    "nasnet": ({"channels": 2, "n_normal": 1}, (1, 7, 6)),
    "enas_recurrent": ({"size": 4, "n_nodes": 5}, (3, 2)),
    "darts_recurrent": ({"size": 4, "n_nodes": 5}, (3, 2)),
}


@cache  # it takes its time, and no test minds what others have trained
def _supernet(name):
    options, shape = SMALL[name]
    supernet = Supernet(spaces[name](**options, input_shape=shape), input_shape=shape, n_outputs=3)
    return supernet, torch.randn(4, *shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n == "nasnet" else ()) for n in SMALL])
def test_paths_are_the_standalone_models(name):
    supernet, x = _supernet(name)
    rng = np.random.default_rng(0)
    for _ in range(5):
        arch = supernet.space.sample(rng)
        supernet.train()
        supernet.path(arch)(x).square().sum().backward()
        assert largest_difference(supernet, arch, x) <= 1e-5


@pytest.mark.parametrize("name", ["darts", "darts_recurrent"])
def test_a_mixture_of_one_arch_is_its_path(name):
    supernet, x = _supernet(name)
    relaxed, rng = Relaxed(supernet), np.random.default_rng(1)
    relaxed.sample()
    relaxed(x).square().sum().backward()
    assert all(table.grad is not None for table in relaxed.arch_parameters())
    relaxed.eval()
    for _ in range(3):
        arch = supernet.space.sample(rng)
        with torch.no_grad():
            relaxed.only(arch)
            assert torch.allclose(relaxed(x), supernet.path(arch)(x), atol=1e-6)


def test_all_activations_of_darts_recurrent_cell_are_mixed():
    """Against the sum over earlier nodes and activations, written out for node 1."""
    relaxed = Relaxed(_supernet("darts_recurrent")[0]).eval()
    weights = {"tanh": 0.1, "relu": 0.2, "sigmoid": 0.3, "identity": 0.4}
    relaxed.alphas.set_weights({"cell.1.activation": weights})
    relaxed.sample()
    cell = relaxed.network[1]
    state = torch.randn(4, 4, generator=torch.Generator().manual_seed(1))
    functions = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid, "identity": lambda h: h}
    with torch.no_grad():
        gates = dict(cell.named_modules())["nodes.0.options.0.node.gates"].weight
        found = cell.nodes[0].options[0]([state])
        c, h = (state @ gates.T).chunk(2, 1)
        mixed = sum(share * functions[name](h) for name, share in weights.items())
        assert torch.allclose(found, state + torch.sigmoid(c) * (mixed - state), atol=1e-6)


@pytest.mark.parametrize(("name", "part"), [("enas_recurrent", "RecurrentCell"), ("nasnet", "Cell")])
def test_what_depends_on_unused_nodes_cannot_be_mixed(name, part):
    with pytest.raises(InvalidSpace, match=f"`{part}` puts out the nodes that no other takes, and in a mixture all"):
        methods["darts"](spaces[name]())
