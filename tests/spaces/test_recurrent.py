"""The recurrent cells of ENAS and DARTS: published ones, equal trees, tokens and images."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netwright import Arch
from netwright.core.errors import InvalidInput
from netwright.models import n_parameters
from netwright.spaces.published import PUBLISHED_RECURRENT
from netwright.spaces.zoo.enas_recurrent import arch_of, canonical, darts_recurrent, enas_recurrent, genotype_of
from netwright.testing import check_networks, check_space

SPACES = {"enas": enas_recurrent, "darts": darts_recurrent}


@pytest.mark.parametrize("name", ["DARTS_V1", "DARTS_V2"])
def test_published_numbers_of_parameters(name):
    space = darts_recurrent(input_shape=(35,), vocabulary=10_000, size=850, outputs="every", tied=True)
    arch = arch_of(str(PUBLISHED_RECURRENT[name]))
    assert genotype_of(arch) == PUBLISHED_RECURRENT[name]
    model = space.build(arch, input_shape=(35,), device="meta")
    # The embedding (and decoder), its bias, node 0 with input and state, eight nodes: 23 million in the paper.
    assert n_parameters(model) == 10_000 * 850 + 10_000 + 2 * 850 * 1700 + 8 * 850 * 1700
    assert model(torch.zeros(2, 35, dtype=torch.int64, device="meta")).shape == (2, 35, 10_000)


def test_the_cell_of_enas():
    genotype = PUBLISHED_RECURRENT["ENAS"]
    arch = arch_of(genotype, first="tanh")
    space = enas_recurrent()
    space.validate(arch)
    assert arch == space.default()
    assert genotype_of(arch) == genotype  # its leaves are those that the paper's authors average
    assert space.size() == 4**12 * np.prod(np.arange(1, 12))


@pytest.mark.parametrize("make", SPACES.values(), ids=SPACES)
def test_the_mean_of_the_right_nodes(make):
    """Against the equations, written out."""
    space = make(size=6, n_nodes=4, input_shape=(5, 3))
    arch = space.sample(np.random.default_rng(3))
    model = space.build(arch, input_shape=(5, 3), n_outputs=2).eval()
    embed, cell, _, decode = model
    x = torch.randn(4, 5, 3, generator=torch.Generator().manual_seed(0))
    functions = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid, "identity": lambda h: h}
    weights = [cell.entry.gates.weight, *(part.node.gates.weight for part in cell.nodes)]
    with torch.no_grad():
        state = torch.zeros(4, 6)
        for step in embed(x).unbind(1):
            states = []
            for node, weight in enumerate(weights):
                carried = states[arch[f"cell.{node}.input"]] if node else state
                c, h = ((carried if node else torch.cat([step, state], 1)) @ weight.T).split(6, dim=1)
                c, h = torch.sigmoid(c), functions[arch.get(f"cell.{node}.activation", "tanh")](h)
                states.append(c * h + (1 - c) * carried)
            taken = {arch[f"cell.{node}.input"] for node in (1, 2, 3)} if make is enas_recurrent else {0}
            state = torch.stack([s for node, s in enumerate(states) if node not in taken]).mean(0)
        assert torch.allclose(model(x), decode(state), atol=1e-6)


@pytest.mark.parametrize("make", SPACES.values(), ids=SPACES)
def test_equal_trees_have_one_form(make):
    """As many forms as there are trees, and the same function with the weights moved along."""
    space = make(n_nodes=4, size=3, input_shape=(4, 2))
    forms = {canonical(arch) for arch in space.enumerate()}
    free = 4 if make is enas_recurrent else 1
    # Trees of four nodes by shape, labels of the three below the root up to order: 4^3 + 4 * 10 + 4^2 * 4 + 20.
    assert len(forms) == free * (4**3 + 4 * 10 + 4 * 4 * 4 + 20)
    assert all(canonical(form) == form for form in forms)


def test_tokens_images_and_dropout():
    rng = np.random.default_rng(0)
    for options in (
        {"input_shape": (7,), "vocabulary": 11, "tied": True, "outputs": "every"},
        {"input_shape": (7,), "vocabulary": 11, "outputs": "every", "dropout": 0.2},
    ):
        space = enas_recurrent(size=5, n_nodes=3, **options)
        check_networks(space, [space.sample(rng)], input_shape=(7,))
        assert space.build(input_shape=(7,))(torch.ones(2, 7, dtype=torch.int64)).shape == (2, 7, 11)
    for shape, options in (((7,), {"vocabulary": 11}), ((2, 6, 5), {"dropout": 0.5})):
        space = darts_recurrent(size=5, n_nodes=3, input_shape=shape, **options)
        check_networks(space, [space.sample(rng)], input_shape=shape, n_outputs=3)
    tied = enas_recurrent(size=5, n_nodes=3, input_shape=(7,), vocabulary=11, tied=True)
    check_networks(tied, [tied.default()], input_shape=(7,), n_outputs=11)


@pytest.mark.parametrize("make", SPACES.values(), ids=SPACES)
@pytest.mark.parametrize("n_nodes", [2, 14])
def test_other_numbers_of_nodes(make, n_nodes):
    space = make(n_nodes=n_nodes, size=4)
    check_space(space, n_samples=5)
    assert len(genotype_of(space.default()).recurrent) == n_nodes - 1


def test_a_tree_is_drawn_by_its_activations():
    space = enas_recurrent(n_nodes=3)
    names = ("cell.0.activation", "cell.1.activation", "cell.2.activation", "cell.1.input", "cell.2.input")
    graph = space.graph(Arch(dict(zip(names, ("tanh", "relu", "sigmoid", 0, 0), strict=True))))
    assert graph.labels == ("input", "tanh", "relu", "sigmoid", "output")
    assert sorted(graph.paths()) == [("tanh", "relu"), ("tanh", "sigmoid")]


def test_what_is_refused():
    with pytest.raises(InvalidInput, match="there is no activation 'gelu'"):
        arch_of("Genotype(recurrent=[('gelu', 0)], concat=[1])")
    with pytest.raises(InvalidInput, match=r"'concat' must be \[1, 2\], but is \[2\]"):
        arch_of("Genotype(recurrent=[('tanh', 0), ('tanh', 1)], concat=[2])")
    with pytest.raises(InvalidInput, match=r"'concat' must be \[2\], but is \[1, 2\]"):
        arch_of("Genotype(recurrent=[('tanh', 0), ('tanh', 1)], concat=[1, 2])", first="relu")
    with pytest.raises(InvalidInput, match=r"(?s)`size` must be .*`outputs` .*`dropout` .*`tied` needs"):
        enas_recurrent(size=0, outputs="all", dropout=1.0, tied=True)
    with pytest.raises(InvalidInput, match=r"must be \(time, features\) or an image, but have shape \(4,\)"):
        darts_recurrent(input_shape=(4,))
    with pytest.raises(InvalidInput, match=r"tokens must be \(time,\) out of 2 or more, but have shape \(4, 2\)"):
        darts_recurrent(input_shape=(4, 2), vocabulary=10)
