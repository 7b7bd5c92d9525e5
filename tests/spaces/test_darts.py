"""The DARTS space: published cells with the published numbers of parameters, one form for equal cells."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from netwright.core.errors import InvalidInput, InvalidSpace, NotFound
from netwright.models import n_parameters
from netwright.spaces.genotypes import Genotype
from netwright.spaces.published import PUBLISHED
from netwright.spaces.zoo.darts import arch_of, canonical, darts, genotype_of
from netwright.spaces.zoo.stacked_cells import network_of, operation
from netwright.testing import check_space

IN_THE_SPACE = [name for name in PUBLISHED if not name.endswith("Net")]
# What the authors' code prints for 36 channels and 20 cells, CIFAR-10: `param size = 3.349342MB`.
CIFAR = {
    "DARTS_V1": 3_169_414,
    "DARTS_V2": 3_349_342,
    "PC_DARTS_cifar": 3_634_678,
    "PDARTS": 3_433_798,
    "GDAS_V1": 3_368_782,
    "SDARTS_ADV": 3_344_806,
}


@pytest.mark.parametrize("name", CIFAR)
def test_published_numbers_of_parameters(name):
    space = darts(channels=36, n_cells=20)
    arch = arch_of(PUBLISHED[name].genotype)
    space.validate(arch)
    n = n_parameters(space.build(arch, input_shape=(3, 32, 32), n_outputs=10, device="meta"))
    assert n == CIFAR[name]
    if name != "DARTS_V1":  # 3.3 in the paper
        assert round(n / 1e6, 1) == PUBLISHED[name].cifar_millions


@pytest.mark.parametrize("name", [name for name, found in PUBLISHED.items() if found.imagenet_millions])
def test_published_numbers_of_parameters_for_imagenet(name):
    space = network_of(PUBLISHED[name].genotype, channels=48, n_cells=14, input_shape=(3, 224, 224))
    model = space.build(input_shape=(3, 224, 224), n_outputs=1000, device="meta")
    assert round(n_parameters(model) / 1e6, 1) == PUBLISHED[name].imagenet_millions


@pytest.mark.parametrize("name", IN_THE_SPACE)
def test_genotypes_go_in_and_out(name):
    genotype = PUBLISHED[name].genotype
    again = genotype_of(arch_of(str(genotype)))
    assert arch_of(again) == arch_of(genotype)
    for kind in ("normal", "reduce"):
        nodes = [sorted(genotype.edges(kind)[i : i + 2]) for i in range(0, 8, 2)]
        assert nodes == [sorted(again.edges(kind)[i : i + 2]) for i in range(0, 8, 2)]


def test_random_arches_go_out_and_in():
    space, rng = darts(none=True), np.random.default_rng(0)
    for _ in range(50):
        arch = space.sample(rng)
        assert arch_of(genotype_of(arch)) == arch


def test_a_space_and_the_network_of_a_genotype_are_the_same():
    genotype = PUBLISHED["PDARTS"].genotype
    options = {"channels": 4, "n_cells": 3, "input_shape": (3, 8, 8)}
    one = darts(**options).build(arch_of(genotype), input_shape=(3, 8, 8), n_outputs=3).eval()
    other = network_of(genotype_of(arch_of(genotype)), **options).build(input_shape=(3, 8, 8), n_outputs=3).eval()
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(one(x), other(x))


@pytest.mark.parametrize(("none", "stem"), [(True, "cifar"), (False, "imagenet")])
def test_variants_keep_the_contract(none, stem):
    shape = (1, 9, 11)  # odd sides are halved upwards
    space = darts(channels=2, n_cells=3, none=none, stem=stem, input_shape=shape)
    check_space(space, input_shape=shape, n_outputs=3, n_samples=1)


def test_numbers_of_cells():
    assert darts().size() == (7**8 * 3 * 6 * 10) ** 2
    assert darts(none=True).without_constraints().size() == (8**8 * 3 * 6 * 10) ** 2


def _moved(genotype: Genotype, order: tuple[int, ...]) -> Genotype | None:
    """The same normal cell with its nodes in another order, if there is such a cell."""
    number = {0: 0, 1: 1, **{node: place for place, node in enumerate(order, 2)}}
    edges = []
    for place, node in enumerate(order, 2):
        entering = [(name, number[source]) for name, source in genotype.normal[2 * node - 4 : 2 * node - 2]]
        if any(source >= place for _, source in entering):
            return None
        edges += entering
    return Genotype(tuple(edges), genotype.normal_concat, genotype.reduce, genotype.reduce_concat)


def test_cells_that_differ_in_the_order_of_their_nodes_have_one_form():
    genotype = PUBLISHED["DARTS_V2"].genotype
    moved = [found for order in itertools.permutations((2, 3, 4, 5)) if (found := _moved(genotype, order))]
    assert len(moved) == 12
    assert len({arch_of(found) for found in moved}) == 12
    assert len({canonical(arch_of(found)) for found in moved}) == 1


def test_edges_of_nothing_come_from_anywhere():
    arch = arch_of(str(PUBLISHED["DARTS_V2"].genotype).replace("('dil_conv_3x3', 2)", "('none', 2)"))
    other = arch_of(str(PUBLISHED["DARTS_V2"].genotype).replace("('dil_conv_3x3', 2)", "('none', 4)"))
    assert arch != other
    assert canonical(arch) == canonical(other)
    with pytest.raises(InvalidSpace, match="the constraint 'uses_both_inputs' doesn't hold"):
        darts(none=True).validate(darts(none=True).without_constraints().sample(_OnlyNone()))


class _OnlyNone:
    """Draws the first value of everything: no edge at all."""

    def random(self, n):
        return np.zeros(n)


def test_genotypes_that_are_in_no_darts_space():
    with pytest.raises(
        InvalidInput, match=r"(?s)no arch of the darts space, which `network_of` may build.*nodes 2 to 5"
    ):
        arch_of(PUBLISHED["AmoebaNet"].genotype)
    text = str(PUBLISHED["DARTS_V2"].genotype)
    with pytest.raises(InvalidInput, match="'reduce' has 'max_pool_7x7', which is none of none, max_pool_3x3"):
        arch_of(text.replace("reduce=[('max_pool_3x3'", "reduce=[('max_pool_7x7'"))
    with pytest.raises(InvalidInput, match="node 2 of 'normal' takes node 0 twice"):
        arch_of(text.replace("[('sep_conv_3x3', 0), ('sep_conv_3x3', 1)", "[('sep_conv_3x3', 0), ('sep_conv_3x3', 0)"))
    with pytest.raises(NotFound, match="unknown operation 'sep_conv_9x9': did you mean"):
        operation("sep_conv_9x9", 16)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"channels": 3}, "`channels` must be an even number, at least 2, but got 3"),
        ({"n_cells": 2}, "`n_cells` must be at least 3 .* but got 2"),
        ({"stem": "none"}, "`stem` must be one of auto, cifar, imagenet, but got 'none'"),
        (
            {"input_shape": (3, 2, 2)},
            r"`darts` needs images of at least 4x4 pixels, but the inputs have shape \(3, 2, 2\)",
        ),
    ],
)
def test_networks_that_cannot_be(options, said):
    with pytest.raises(InvalidInput, match=said):
        darts(**options)


def test_both_inputs_of_a_cell_are_drawn():
    space = darts()
    graph = space.graph(arch_of(PUBLISHED["DARTS_V2"].genotype))
    assert graph.labels.count("input 0") == graph.labels.count("input 1") == 2  # of the normal and the reduction cell
    assert graph.labels.count("sep_conv_3x3") == 5
    assert graph.labels.count("max_pool_3x3") == 5
