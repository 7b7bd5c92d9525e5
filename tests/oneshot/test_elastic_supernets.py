"""The elastic spaces as supernets: every path is a slice of the largest network, and computes what it does alone."""

from __future__ import annotations

import pytest
import torch

from netwright import Arch
from netwright.core.registry import spaces
from netwright.models import n_parameters
from netwright.oneshot.supernet import Supernet
from netwright.testing.supernet_contract import check_supernet

TOKENS = torch.randint(0, 20, (4, 6), generator=torch.Generator().manual_seed(0))
CASES = {
    "slimmable_mlp": ("slimmable_mlp", {"width": 32}, (16,), None),
    "together": ("slimmable_mlp", {"width": 32, "together": True}, (2, 3), None),
    "text": ("text_transformer", {"vocabulary": 20}, (6,), TOKENS),
    "patches": ("vision_transformer", {"widths": (16, 32), "depths": (1, 3)}, (1, 8, 8), None),
    "mobilenet": ("mobilenet_v3", {"widths": (8, 16), "depths": (1, 2), "expansions": (3, 6)}, (1, 12, 12), None),
    "multiplied": (
        "mobilenet_v3",
        {"widths": (8, 16), "depths": (1, 2), "multipliers": (0.5, 1.0), "squeeze": "choice", "kernels": (3, 5)},
        (1, 12, 12),
        None,
    ),
}


def _space(case):
    name, options, shape, inputs = CASES[case]
    return spaces[name](input_shape=shape, **options), shape, inputs


@pytest.mark.parametrize("case", CASES)
def test_paths_are_the_standalone_networks(case):
    space, shape, inputs = _space(case)
    check_supernet(space, shape, n_outputs=3, n_paths=3, batch_size=8, inputs=inputs)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_fifty_paths_are_the_standalone_networks(case):
    space, shape, inputs = _space(case)
    check_supernet(space, shape, n_outputs=3, n_paths=50, batch_size=8, inputs=inputs)


@pytest.mark.parametrize("case", CASES)
def test_the_shared_weights_are_those_of_the_largest_network(case):
    space, shape, _ = _space(case)
    decisions = {}
    for decision in space.decisions:
        if decision.active(decisions):
            values = list(decision.domain.grid(2))
            decisions[decision.name] = values[0] if isinstance(values[0], str) else max(values)
    largest = space.build(Arch(decisions), input_shape=shape, n_outputs=3, device="meta")
    supernet = Supernet(space, input_shape=shape, n_outputs=3)
    assert sum(parameter.numel() for parameter in supernet.parameters()) == n_parameters(largest)
