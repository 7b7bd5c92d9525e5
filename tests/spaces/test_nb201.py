"""NAS-Bench-201, exactly: the official text of every arch, and its published number of parameters."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netwright import Arch
from netwright.core.errors import InvalidInput, InvalidSpace
from netwright.core.registry import spaces
from netwright.models import cost, n_parameters
from netwright.spaces.zoo.nb201 import EDGES, OPERATIONS, canonical, from_official_string, official_string


@pytest.fixture(scope="module")
def table(shared_data):
    with np.load(shared_data / "nb201.npz") as data:
        return {name: data[name] for name in ("ops", "op_names", "params_cifar10", "record_params_mismatch")}


def _arch(table, row):
    names = [str(table["op_names"][op]) for op in table["ops"][row]]
    nodes = ["".join(f"|{op}~{s}" for (t, s), op in zip(EDGES, names, strict=True) if t == node) for node in (1, 2, 3)]
    return from_official_string("+".join(f"{node}|" for node in nodes))


def _wrong_parameters(table, rows) -> list[int]:
    """The rows whose published number isn't that of the network; those known to list another arch's are left out."""
    space = spaces["nb201"]()
    wrong = []
    for row in rows:
        model = space.build(_arch(table, row), input_shape=(3, 32, 32), n_outputs=10, device="meta")
        if n_parameters(model) != table["params_cifar10"][row] and not table["record_params_mismatch"][row]:
            wrong.append(row)
    return wrong


@pytest.mark.shared_data
def test_published_parameter_counts_of_some_arches(table):
    rows = np.random.default_rng(0).choice(15_625, 30, replace=False).tolist()
    assert _wrong_parameters(table, [0, 15_624, *rows]) == []


@pytest.mark.shared_data
@pytest.mark.slow
def test_published_parameter_counts_of_all_arches(table):
    assert table["record_params_mismatch"].sum() == 150
    assert _wrong_parameters(table, range(15_625)) == []


@pytest.mark.shared_data
def test_every_row_of_the_table_is_an_arch_of_the_space(table):
    space = spaces["nb201"]()
    assert tuple(map(str, table["op_names"])) == OPERATIONS
    arches = {_arch(table, row) for row in range(15_625)}
    assert len(arches) == space.size() == 15_625
    assert arches == set(space.enumerate())


def test_official_texts_go_both_ways():
    space, rng = spaces["nb201"](), np.random.default_rng(0)
    for _ in range(200):
        arch = space.sample(rng)
        assert from_official_string(official_string(arch)) == arch
    best = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
    assert official_string(from_official_string(f" {best} ")) == best


@pytest.mark.parametrize(
    "text",
    [
        "", "|none~0|", "|none~0|+|none~0|none~1|+|none~0|none~1|none~3|",
        "|none~0|+|none~1|none~0|+|none~0|none~1|none~2|",
        "|none~0|+|none~0|none~1|+|none~0|none~1|none~2", "|none~0||none~0|none~1||none~0|none~1|none~2|",
    ],
)  # fmt: skip
def test_other_texts_are_refused(text):
    with pytest.raises(InvalidSpace, match=r"must look like \|op~0\|\+\|op~0\|op~1\|\+.* but got"):
        from_official_string(text)


def test_unknown_operations_are_named():
    with pytest.raises(InvalidSpace, match="unknown operations: conv_9x9;"):
        from_official_string("|conv_9x9~0|+|none~0|none~1|+|none~0|none~1|none~2|")
    with pytest.raises(InvalidSpace, match=r"an arch of nb201 decides cell\.1<-0, .*, but got x"):
        official_string(Arch({"x": 1}))


def test_the_network_can_be_smaller():
    space = spaces["nb201"](channels=4, n_cells=1)
    assert cost(space, space.default(), input_shape=(3, 32, 32), n_outputs=10)["params"] < 21_000
    with pytest.raises(InvalidInput, match="`channels` and `n_cells` must be at least 1, but got 0 and 5"):
        spaces["nb201"](channels=0)


SKIP = "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"


@pytest.mark.parametrize(
    ("text", "same"),
    [
        # an edge out of a node that nothing enters
        ("|none~0|+|none~0|skip_connect~1|+|skip_connect~0|avg_pool_3x3~1|none~2|", SKIP),
        # a node that nothing leaves
        ("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|", SKIP),
        # the first node as a mere copy of the input
        (
            "|skip_connect~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|none~2|",
            "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|",
        ),
    ],
)
def test_arches_that_compute_the_same_have_one_representative(text, same):
    assert canonical(from_official_string(text)) == canonical(from_official_string(same))


def test_representatives_compute_the_same():
    """On the real network, with weights that are the same at all places."""
    space, rng = spaces["nb201"](channels=2, n_cells=1), np.random.default_rng(3)
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    checked = 0
    while checked < 4:
        arch = space.sample(rng)
        plain = canonical(arch)
        if plain == arch:
            continue
        models = [space.build(a, input_shape=(3, 8, 8), n_outputs=4).eval() for a in (arch, plain)]
        for model in models:
            for name, parameter in model.named_parameters():
                # one value for all that have a shape: equal whatever the place
                size = sum(parameter.shape)
                torch.nn.init.constant_(parameter, 0.1 / size if "weight" in name else 0.05)
        with torch.no_grad():
            outputs = [model(x) for model in models]
        assert torch.allclose(*outputs, atol=1e-6), (official_string(arch), official_string(plain))
        checked += 1
