"""The NASNet space, and NASNet-A with its published number of parameters."""

from __future__ import annotations

import numpy as np
import pytest

from netwright import Arch
from netwright.core.errors import InvalidInput, InvalidSpace
from netwright.models import n_parameters
from netwright.spaces.published import PUBLISHED
from netwright.spaces.zoo.nasnet import OPERATIONS, arch_of, canonical, genotype_of, nasnet, nasnet_a
from netwright.testing import check_networks


def test_nasnet_a_has_the_published_size():
    model = nasnet_a().build(input_shape=(3, 32, 32), n_outputs=10, device="meta")
    assert model[-1].in_features == 768
    assert round(n_parameters(model) / 1e6, 1) == 3.3
    mobile = nasnet_a(channels=44, n_normal=4, input_shape=(3, 224, 224))
    model = mobile.build(input_shape=(3, 224, 224), n_outputs=1000, device="meta")
    assert model[-1].in_features == 1056
    assert abs(n_parameters(model) / 5_289_978 - 1) < 1e-3  # of the released weights; its stem is made of cells


@pytest.mark.parametrize("name", ["NASNet", "AmoebaNet"])
def test_genotypes_go_in_and_out(name):
    genotype = PUBLISHED[name].genotype
    arch = arch_of(str(genotype))
    nasnet().validate(arch)
    assert genotype_of(arch) == genotype


def test_random_arches_go_out_and_in():
    space, rng = nasnet(), np.random.default_rng(0)
    for _ in range(50):
        arch = space.sample(rng)
        assert arch_of(genotype_of(arch)) == arch


def test_a_small_one_keeps_the_contract():
    shape = (1, 9, 11)
    space, rng = nasnet(channels=2, n_normal=1, input_shape=shape), np.random.default_rng(1)
    check_networks(space, [space.default(), space.sample(rng)], input_shape=shape, n_outputs=3)


def test_every_operation_counts_always():
    space = nasnet()
    assert len(OPERATIONS) == 13
    assert not any(decision.conditions for decision in space.decisions)
    assert space.without_constraints().size() == (np.prod([2.0, 3, 4, 5, 6]) * 13.0**5) ** 4


def test_the_order_of_blocks_and_of_their_inputs_does_not_count():
    arch = nasnet().default()
    swapped = {name: arch[name[:-1] + "21"[int(name[-1]) - 1]] for name in arch}
    assert canonical(Arch(swapped)) == canonical(arch)
    moved = dict(arch)
    for slot in (1, 2):  # blocks 2 and 3 take inputs of the cell only, and no other block takes them
        for what in ("input", "operation"):
            one, other = f"normal.2.{what}{slot}", f"normal.3.{what}{slot}"
            moved[one], moved[other] = moved[other], moved[one]
    assert Arch(moved) != arch
    assert canonical(Arch(moved)) == canonical(arch)


def test_what_is_no_arch_of_it():
    with pytest.raises(InvalidInput, match=r"(?s)no arch of the nasnet space.*'normal' must have nodes 2 to 6"):
        arch_of(PUBLISHED["DARTS_V2"].genotype)
    with pytest.raises(InvalidInput, match=r"'normal_concat' must be the nodes that no other takes, \[2, 3, 5, 6\]"):
        arch_of(PUBLISHED["PNASNet"].genotype)
    space = nasnet()
    narrow = Arch({name: 0 if ".input" in name else value for name, value in space.default().items()})
    with pytest.raises(InvalidSpace, match="the constraint 'uses_both_inputs' doesn't hold"):
        space.validate(narrow)
    with pytest.raises(InvalidInput, match="`n_normal` must be at least 1, but got 0"):
        nasnet(n_normal=0)
