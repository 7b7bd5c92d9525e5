"""Limits are checked before anything is trained; costs come from the model's shapes alone."""

from __future__ import annotations

import pickle

import pytest
import torch

from netwright import Space, build, choice, n_outputs, nn
from netwright.core import Arch, Candidate, Constraint, Context
from netwright.core.errors import InvalidSpace
from netwright.evaluators import Function, Limited, ModelCost

WIDE = choice([4, 400], label="width")
SPACE = Space(nn.Sequential(nn.LazyLinear(WIDE), nn.ReLU(), nn.LazyLinear(n_outputs)))
COSTS = ModelCost(SPACE, (10,), 3)
SMALL, LARGE = Arch({"width": 4}), Arch({"width": 400})


class Counting:
    """Counts how often it was asked."""

    def __init__(self):
        self.asked = 0

    def __call__(self, candidate, context):
        self.asked += 1
        return {"loss": 1.0, "flops": -1.0}


@pytest.mark.parametrize(("arch", "asked"), [(SMALL, 1), (LARGE, 0)])
def test_what_breaks_a_limit_is_not_trained(arch, asked):
    evaluator = Counting()
    found = Limited(evaluator, COSTS, (Constraint("params", 1_000),))(Candidate(0, arch), Context())
    assert evaluator.asked == asked
    assert ("loss" in found) == bool(asked)
    assert found["params"] == COSTS(arch)["params"]


def test_a_lower_limit():
    evaluator = Counting()
    limited = Limited(evaluator, COSTS, (Constraint("params", 1_000, ">="),))
    assert "loss" not in limited(Candidate(0, SMALL), Context())
    assert "loss" in limited(Candidate(1, LARGE), Context())


def test_limits_on_what_only_training_shows_are_left_to_the_search():
    limited = Limited(Counting(), COSTS, (Constraint("loss", 0.5), Constraint("latency", 1.0)))
    assert limited(Candidate(0, LARGE), Context())["loss"] == 1.0


def test_the_evaluator_has_the_last_word_on_a_metric():
    assert Limited(Counting(), COSTS)(Candidate(0, SMALL), Context())["flops"] == -1.0


def test_costs_are_those_of_the_real_model():
    for arch in (SMALL, LARGE):
        model = build(SPACE, arch, input_shape=(10,), n_outputs=3)
        width = arch["width"]
        assert COSTS(arch) == {
            "params": float(sum(p.numel() for p in model.parameters())),
            "flops": 2.0 * (10 * width + 3 * width),
            "activation_mb": pytest.approx((2 * width + 3) * 4 / 1e6),
        }


def test_costs_take_no_memory_and_draw_nothing():
    huge = Space(nn.Sequential(nn.LazyLinear(2_000_000), nn.LazyLinear(2_000_000), nn.LazyLinear(n_outputs)))
    random = torch.random.get_rng_state()
    assert ModelCost(huge, (10,), 3)(Arch({}))["params"] > 4e12  # 16 TB, were they there
    assert torch.equal(torch.random.get_rng_state(), random)


def test_an_arch_that_cannot_be_built_is_a_failure():
    space = Space(nn.Sequential(nn.MaxPool2d(choice([2, 9], label="pool")), nn.Flatten(), nn.LazyLinear(n_outputs)))
    limited = Limited(Function(lambda _: 1.0), ModelCost(space, (1, 8, 8), 2))
    assert limited(Candidate(0, Arch({"pool": 2})), Context())["loss"] == 1.0
    with pytest.raises(InvalidSpace, match="MaxPool2d"):
        limited(Candidate(1, Arch({"pool": 9})), Context())


def test_it_can_be_pickled():
    copy = pickle.loads(pickle.dumps(Limited(Counting(), COSTS, (Constraint("params", 1_000),))))
    assert "loss" not in copy(Candidate(0, LARGE), Context())
