"""Costs by hand, layer rows, and what a space costs as a whole."""

from __future__ import annotations

import pytest
import torch
from torch import nn as torch_nn
from torch.utils.flop_counter import FlopCounterMode

from netwright import Arch, Space, choice, defer, integer, layers, n_outputs, nn, real, repeat
from netwright.core.errors import InvalidInput, InvalidSpace
from netwright.core.registry import interpreters, spaces
from netwright.models import LayerRow, build_call, cost, cost_of, n_parameters, outline, profile
from netwright.models.meter import Meter

# Costs ----------------------------------------------------------------------------------------------------------------


def test_costs_by_hand():
    model = build_call(
        nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.LazyLinear(5),
        ),
        input_shape=(2, 6, 6),
    ).model  # fmt: skip
    assert cost_of(model, (2, 6, 6)) == {
        "params": 4 * 2 * 9 + 2 * 4 + (4 * 9 * 5 + 5),
        "flops": 2 * (6 * 6 * 4 * 2 * 9) + 2 * (4 * 9 * 5),  # a multiply-add is two; additions of biases don't count
        "activation_mb": 4 * (4 * 36 * 3 + 4 * 9 + 5) / 1e6,  # convolution, norm, activation; pool; linear
    }


def test_frozen_parameters_are_not_counted():
    model = torch_nn.Linear(4, 3)
    model.bias.requires_grad_(False)
    assert n_parameters(model) == 12


def test_costs_are_of_the_space_without_weights():
    space = Space(nn.Sequential(nn.LazyLinear(choice([1000, 10_000_000])), nn.LazyLinear(n_outputs)))
    big = Arch({"0.out_features": 10_000_000})  # 4 GB of weights, if they were made
    assert cost(space, big, input_shape=(100,), n_outputs=2)["params"] == 100 * 10**7 + 10**7 + 2 * 10**7 + 2


def test_costing_a_model_leaves_it_as_it_is():
    model = torch_nn.Sequential(torch_nn.BatchNorm1d(3), torch_nn.Dropout().eval(), torch_nn.Linear(3, 2))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    cost_of(model, (3,))
    assert [module.training for module in model] == [True, False, True]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_modules_that_look_at_values_are_costed_by_a_real_pass(own_layers):
    model = build_call(nn.Sequential(defer(own_layers.LooksAtValues)), input_shape=(4,)).model
    assert cost_of(model, (4,))["flops"] == 2 * 4 * 3


def _attention():
    return torch_nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True)


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (lambda: torch_nn.Sequential(torch_nn.Conv1d(3, 6, 3, groups=3), torch_nn.GELU()), (3, 9)),
        (lambda: torch_nn.ConvTranspose2d(3, 4, 2, stride=2), (3, 5, 5)),
        (lambda: torch_nn.Sequential(torch_nn.LayerNorm(7), torch_nn.Linear(7, 3), torch_nn.Softmax(-1)), (5, 7)),
        (_attention, (5, 8)),
        (lambda: spaces["resnet"](input_shape=(1, 16, 16)).build(input_shape=(1, 16, 16), n_outputs=3), (1, 16, 16)),
        (lambda: spaces["nb201"](channels=4, n_cells=1).build(input_shape=(3, 8, 8), n_outputs=3), (3, 8, 8)),
    ],
)  # fmt: skip
def test_flops_are_those_of_torchs_own_counter(model, shape):
    model = model().eval()
    shapes = {name: value.to("meta") for name, value in model.state_dict().items()}
    with torch.no_grad(), torch.device("meta"), FlopCounterMode(display=False) as counter:
        torch.func.functional_call(model, shapes, torch.zeros(1, *shape))
    assert cost_of(model, shape)["flops"] == counter.get_total_flops() > 0


ACTIVATIONS = [
    "ReLU",
    "SiLU",
    "GELU",
    "Sigmoid",
    "Tanh",
    "Hardswish",
    "Hardsigmoid",
    "LeakyReLU",
    "ELU",
    "Mish",
    "PReLU",
]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_short_cuts_give_the_shapes_that_torch_gives(name):
    layer = getattr(torch_nn, name)()
    for x in (torch.zeros(2, 3, 4), torch.zeros(2, 4, 3).transpose(1, 2), torch.zeros(2, 3, 4, dtype=torch.bfloat16)):
        with torch.no_grad():
            expected = layer.to(x.dtype)(x)
            with Meter():
                got = torch.func.functional_call(
                    layer, {n: p.to("meta") for n, p in layer.named_parameters()}, (x.to("meta"),)
                )
        assert (got.shape, got.dtype, got.stride()) == (expected.shape, expected.dtype, expected.stride())


CONVOLUTIONS = [
    (lambda: torch_nn.Conv2d(4, 6, 3), (4, 9, 7)),
    (
        lambda: torch_nn.Conv2d(4, 8, (3, 5), stride=(2, 1), padding=(0, 2), dilation=(2, 1), groups=2, bias=False),
        (4, 9, 7),
    ),
    (lambda: torch_nn.Conv2d(4, 4, 5, padding="same", groups=4), (4, 9, 7)),
    (lambda: torch_nn.Conv1d(4, 6, 2, stride=3), (4, 9)),
    (lambda: torch_nn.Conv3d(4, 2, 3, padding=1), (4, 5, 6, 7)),
    (lambda: torch_nn.ConvTranspose2d(4, 6, 3, stride=2, output_padding=1), (4, 5, 6)),
]


@pytest.mark.parametrize(("layer", "shape"), CONVOLUTIONS)
def test_convolutions_have_torchs_shapes_and_flops(layer, shape):
    layer = layer()
    weights = {name: p.to("meta") for name, p in layer.named_parameters()}
    for x in (torch.zeros(2, *shape), torch.zeros(2, *shape[1:], shape[0]).movedim(-1, 1)):
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            expected = layer(x)
        with torch.no_grad(), Meter() as meter:
            got = torch.func.functional_call(layer, weights, (x.to("meta"),))
        assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
        assert meter.flops == counter.get_total_flops()


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x * x.mean((2, 3), keepdim=True),
        lambda x: x.mean((2, 3), keepdim=True) + x,
        lambda x: x[:, :1] * x[:1],
        lambda x: x.mean(-1),
        lambda x: x.mean((0, -2)),
        lambda x: x.mean(),
        lambda x: x.mean(1, dtype=torch.float64),
        lambda x: x.softmax(1),
        lambda x: x.softmax(-1, dtype=torch.float64),
        lambda x: torch_nn.functional.scaled_dot_product_attention(x, x * 0.5, x),
        lambda x: x[0] * x,
    ],
)
def test_operations_have_torchs_shapes(operation):
    x = torch.zeros(2, 3, 4, 5)
    expected = operation(x)
    with torch.no_grad(), Meter():
        got = operation(x.to("meta"))
    assert (got.shape, got.dtype, got.stride()) == (expected.shape, expected.dtype, expected.stride())


def test_the_meter_counts_what_is_entered_only():
    x = torch.zeros(3, 3)
    with Meter() as meter:
        x @ x
        x.view(9)
        x.add_(1)
    x @ x
    assert meter.flops == 2 * 27
    assert meter.elements == 9


@pytest.mark.parametrize(
    "broken",
    [
        lambda x: torch_nn.functional.batch_norm(x, *(torch.zeros(5, device="meta"),) * 2),
        lambda x: torch_nn.functional.linear(x, torch.zeros(2, 7, device="meta"), torch.zeros(2, device="meta")),
        lambda x: torch_nn.functional.layer_norm(x, (7,)),
        lambda x: x + torch.zeros(4, device="meta"),
        lambda x: x * torch.zeros(3, 3, device="meta"),
        lambda x: torch_nn.functional.conv1d(x[None], torch.zeros(2, 3, 1, device="meta")),
        lambda x: torch_nn.functional.conv1d(x[None], torch.zeros(2, 2, 4, device="meta")),
    ],
)
def test_short_cuts_let_no_wrong_shape_pass(broken):
    with pytest.raises(RuntimeError), Meter():
        broken(torch.zeros(2, 3, device="meta"))


# Rows of layers -------------------------------------------------------------------------------------------------------


def test_the_outline_has_the_layers_in_the_order_of_the_pass():
    call = nn.Sequential(layers.ResidualBlock(4, stride=2), nn.Sequential(nn.Flatten(), nn.LazyLinear(2)))
    model = build_call(call, input_shape=(3, 8, 8)).model
    rows = outline(model, (3, 8, 8))
    assert rows[0] == LayerRow("0", "ResidualBlock", 0, (3, 8, 8), (4, 4, 4), n_parameters(model[0]), False)
    assert [row.name for row in rows if row.leaf] == [
        "0.conv1", "0.norm1", "0.act1", "0.conv2", "0.norm2", "0.skip.0", "0.skip.1", "0.skip.2", "0.act2",
        "1.0", "1.1",
    ]  # fmt: skip
    assert rows[1] == LayerRow("0.conv1", "Conv2d 3x3 /2", 1, (3, 8, 8), (4, 4, 4), 4 * 3 * 9, True)
    assert rows[-1] == LayerRow("1.1", "Linear", 1, (64,), (2,), 130, True)
    assert model.training


# Profiles -------------------------------------------------------------------------------------------------------------


def _deep() -> Space:
    def block(i):
        return nn.Sequential(nn.LazyConv2d(choice([2, 4, 8], label=f"w{i}"), 3), nn.MaxPool2d(2))

    return Space(
        nn.Sequential(repeat(block, 1, 3, label="blocks"), nn.Flatten(), nn.LazyLinear(n_outputs)),
        training={"lr": choice([0.1, 0.2])}, name="deep",
    )  # fmt: skip


def test_a_profile_of_a_small_space_is_exact():
    facts = _deep().profile(input_shape=(1, 16, 16), n_outputs=2, constraints="params<=300,accuracy>=0.9", samples=500)
    assert (facts.size, facts.exact, facts.all_arches, facts.n_random) == (78, True, True, 78)
    assert facts.n_tried == 39  # the training decides nothing about the network
    (problem,) = facts.unbuildable
    assert problem.share == pytest.approx(54 / 78)
    assert "in layer '0.2.0' (Conv2d)" in problem.reason
    assert problem.always_with == ("blocks=3",)
    assert problem.example["blocks"] == 3
    every = [arch for arch in _deep().enumerate() if arch["blocks"] < 3]
    costs = [cost(_deep(), arch, input_shape=(1, 16, 16), n_outputs=2)["params"] for arch in every]
    assert (facts.params.smallest, facts.params.largest) == (min(costs), max(costs))
    assert facts.within == sum(value <= 300 for value in costs) / 78
    assert facts.can_be_met
    assert facts.unchecked == ("accuracy>=0.9",)
    text = str(facts)
    assert text.startswith("deep: 78 arches, 5 decisions\n")
    assert "of all 78 arches, 69% can't be built:\n  69%: the arch can't take inputs" in text
    assert "(always with blocks=3)" in text
    assert "accuracy>=0.9: not known before training" in text


def test_a_profile_finds_extremes_that_random_arches_miss():
    widths = [integer(1, 200, label=f"w{i}") for i in range(6)]
    space = Space(nn.Sequential(*(nn.LazyLinear(width) for width in widths)))
    facts = space.profile(input_shape=(1,), samples=10, constraints="params<=12")
    assert facts.params.smallest == 2 * 6
    assert facts.params.largest == 200 * 2 + 5 * (200 * 200 + 200)
    assert set(facts.smallest.values()) == {1}
    assert set(facts.largest.values()) == {200}
    assert facts.within == 0
    assert facts.can_be_met
    assert "params<=12: almost none of the arches can be built and hold\n  {'w0': 1," in str(facts)


def test_a_profile_says_how_far_off_constraints_are():
    facts = _deep().profile(input_shape=(1, 16, 16), n_outputs=2, constraints=["params<=20"])
    assert facts.can_be_met is False
    smallest = facts.params.smallest
    assert facts.nearest_violation == pytest.approx((smallest - 20) / 20)
    assert f"params<=20: no arch was found that holds; the nearest is {smallest / 20 - 1:.0%} off" in str(facts)


def test_a_profile_is_the_same_each_time_and_depends_on_the_seed():
    def look(seed):
        return spaces["mlp"](input_shape=(5,)).profile(input_shape=(5,), n_outputs=2, samples=10, seed=seed)

    assert look(0) == look(0)
    assert look(0).params.median != look(1).params.median


def test_a_profile_without_a_model_tells_the_size():
    facts = profile(Space({"x": real(0, 1)}), input_shape=(3,))
    assert str(facts) == "space: endlessly many arches, 1 decision"
    assert facts.params is None


def test_a_profile_of_a_space_in_which_nothing_can_be_built():
    facts = Space(nn.Sequential(nn.Conv2d(1, 2, choice([5, 7])))).profile(input_shape=(1, 3, 3))
    assert facts.params is None
    assert facts.default is None
    assert "of all 2 arches, 100% can't be built" in str(facts)


def test_wrong_questions_to_a_profile():
    with pytest.raises(InvalidInput, match="`samples` must be at least 1, but got 0"):
        _deep().profile(input_shape=(1, 16, 16), n_outputs=2, samples=0)
    with pytest.raises(InvalidInput, match="a constraint must look like params<=100k"):
        _deep().profile(input_shape=(1, 16, 16), n_outputs=2, constraints="small")
    with pytest.raises(InvalidSpace, match="'n_outputs' isn't known here"):
        _deep().profile(input_shape=(1, 16, 16))


def test_interpreters_are_registered():
    assert set(interpreters) >= {"build", "profile", "source"}
