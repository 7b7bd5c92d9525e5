"""From an arch to a module: sizes filled in, weights by seed, errors that name the layer."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from torch import nn as torch_nn

from netwright import Arch, Space, choice, defer, layers, n_outputs, nn, repeat
from netwright.core.errors import InvalidInput, InvalidSpace
from netwright.models import build, build_call, built, deployed, n_parameters, standardised
from netwright.testing.global_state import unchanged_global_state


def _kinds(model):
    return [type(module).__name__ for module in model.modules() if not list(module.children())]


# Sizes ----------------------------------------------------------------------------------------------------------------


def test_lazy_layers_become_plain_ones_with_their_sizes():
    call = nn.Sequential(
        nn.LazyConv2d(4, 3, padding=1), nn.LazyBatchNorm2d(), nn.LazyConvTranspose2d(3, kernel_size=2, stride=2),
        nn.LazyInstanceNorm2d(affine=True), nn.Flatten(), nn.LazyLinear(out_features=5), nn.LazyBatchNorm1d(eps=1e-3),
    )  # fmt: skip
    result = build_call(call, input_shape=(2, 3, 3))
    assert repr(result.call) == (
        "Sequential(Conv2d(2, 4, 3, padding=1), BatchNorm2d(4), ConvTranspose2d(4, 3, kernel_size=2, stride=2), "
        "InstanceNorm2d(3, affine=True), Flatten(), Linear(108, out_features=5), BatchNorm1d(5, eps=0.001))"
    )
    assert _kinds(result.model) == [
        "Conv2d", "BatchNorm2d", "ConvTranspose2d", "InstanceNorm2d", "Flatten", "Linear", "BatchNorm1d",
    ]  # fmt: skip
    assert result.model[6].eps == 1e-3


def test_a_size_that_is_left_out_is_filled_in():
    call = nn.Sequential(
        nn.Conv2d(8, 3), nn.BatchNorm2d(), nn.GroupNorm(2), layers.ResidualBlock(4, stride=2),
        layers.GlobalAveragePool(), nn.LayerNorm(), nn.Linear(out_features=6),
    )  # fmt: skip
    concrete = build_call(call, input_shape=(3, 8, 8)).call
    assert repr(concrete) == (
        "Sequential(Conv2d(3, 8, 3), BatchNorm2d(8), GroupNorm(2, 8), ResidualBlock(8, 4, stride=2), "
        "GlobalAveragePool(), LayerNorm(4), Linear(4, out_features=6))"
    )
    # Nothing is left to be found out, and the same comes of it.
    assert repr(build_call(concrete, input_shape=(3, 8, 8)).call) == repr(concrete)


def test_a_waiting_module_inside_a_waiting_module(own_layers):
    body = nn.Sequential(nn.LazyLinear(4), nn.LayerNorm())
    result = build_call(nn.Sequential(layers.Residual(body), nn.LazyLinear(1)), input_shape=(4,))
    assert repr(result.call) == "Sequential(Residual(Sequential(Linear(4, 4), LayerNorm(4))), Linear(4, 1))"
    part = defer(own_layers.Child, 2)
    assert build_call(nn.Sequential(part), input_shape=(3,)).model[0].linear.weight.shape == (8, 3)


def test_none_is_no_layer_and_an_uncalled_class_is_the_class():
    space = Space(nn.Sequential(choice([nn.ReLU(), None], label="act"), layers.ResidualBlock(2, activation=nn.SiLU)))
    model = space.build(Arch({"act": None}), input_shape=(1, 4, 4))
    assert len(model) == 1
    assert isinstance(model[0].act1, torch_nn.SiLU)


def test_equal_calls_are_not_equal_modules():
    activation = nn.PReLU()
    model = build_call(nn.Sequential(activation, nn.Linear(2, 2), activation), input_shape=(2,)).model
    assert model[0] is not model[2]


def test_modules_of_ones_own_with_lazy_parts_inside(own_layers):
    call = nn.Sequential(defer(own_layers.WithLazyParts, 5), nn.LazyLinear(2))
    model = build_call(call, input_shape=(3,)).model
    assert model[0].inner.weight.shape == (5, 3)
    meta = build_call(call, input_shape=(3,), device="meta").model
    assert n_parameters(meta) == n_parameters(model) == 5 * 3 + 5 + 2 * 5 + 2


def test_modules_that_look_at_values_are_built_all_the_same(own_layers):
    call = nn.Sequential(defer(own_layers.LooksAtValues), nn.LazyLinear(2))
    model = build_call(call, input_shape=(4,), n_outputs=2).model
    assert model[0].rates == [0.0, 0.5, 1.0]
    assert next(build_call(call, input_shape=(4,), device="meta").model.parameters()).device.type == "meta"


def test_modules_that_make_tensors_without_a_device(own_layers):
    for device in ("cpu", "meta"):
        model = build_call(nn.Sequential(defer(own_layers.MakesTensors)), input_shape=(4,), device=device).model
        assert next(model.parameters()).device.type == device


# Weights --------------------------------------------------------------------------------------------------------------


def _space():
    return Space(nn.Sequential(repeat(nn.LazyLinear(choice([4, 8])), 1, 2), nn.Dropout(0.5), nn.LazyLinear(n_outputs)))


def test_the_seed_decides_the_weights_and_nothing_else_changes():
    space = _space()
    with unchanged_global_state("build"):
        one, same, other = (
            build(space, space.default(), input_shape=(3,), n_outputs=2, seed=seed) for seed in (1, 1, 2)
        )
    first, again, third = (torch.cat([p.flatten() for p in model.parameters()]) for model in (one, same, other))
    assert torch.equal(first, again)
    assert not torch.equal(first, third)
    assert one.training


def test_weights_are_those_of_the_plain_layers():
    """In the order of construction, as in a file written by hand."""
    model = build_call(nn.Sequential(nn.LazyLinear(4), nn.LazyLinear(2)), input_shape=(3,), seed=5).model
    with torch.random.fork_rng():
        torch.manual_seed(5)
        by_hand = torch_nn.Sequential(torch_nn.Linear(3, 4), torch_nn.Linear(4, 2))
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), by_hand.parameters(), strict=True))


def test_running_statistics_are_fresh():
    model = build_call(nn.Sequential(nn.LazyBatchNorm1d()), input_shape=(3,)).model
    assert int(model[0].num_batches_tracked) == 0
    assert torch.equal(model[0].running_mean, torch.zeros(3))


def test_the_meta_device_has_shapes_only():
    model = build(_space(), _space().default(), input_shape=(3,), n_outputs=2, device="meta")
    assert {parameter.device.type for parameter in model.parameters()} == {"meta"}


def test_what_is_built_can_be_pickled():
    result = built(_space(), _space().default(), input_shape=(3,), n_outputs=2)
    twin = pickle.loads(pickle.dumps(result))
    assert repr(twin.call) == repr(result.call)
    x = torch.ones(1, 3)
    assert torch.equal(twin.model.eval()(x), result.model.eval()(x))


# Errors ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "shape", "message"),
    [
        (
            nn.Sequential(nn.LazyConv2d(4, 3), nn.Sequential(nn.MaxPool2d(2), nn.LazyConv2d(4, 5))),
            (1, 6, 6),
            r"can't take inputs of shape \(1, 6, 6\) in layer '1.1' \(Conv2d\): Calculated padded input size",
        ),
        (
            nn.Sequential(nn.Conv2d(3, 4, 3)),
            (1, 8, 8),
            r"inputs of shape \(1, 8, 8\) in layer '0' \(Conv2d\): it takes 3 channels, but gets shape \(1, 8, 8\)\.",
        ),
        (nn.Sequential(nn.Linear(3, 4), nn.Linear(5, 6)), (3,), r"in layer '1' \(Linear\)"),
        (
            nn.Sequential(nn.LazyConv2d(4, 3, groups=3)),
            (3, 8, 8),
            r"in layer '0' \(Conv2d\): out_channels must be",
        ),
        (nn.Sequential(layers.Residual(nn.Sequential(nn.LazyLinear(4)))), (3,), r"in layer '0' \(Residual\)"),
        (
            nn.Sequential(nn.Conv2d(3, 4, 3, groups=2)),
            (3, 8, 8),
            r"\(3, 4, 3, groups=2\) can't be built: ValueError",
        ),
        (
            nn.Sequential(nn.Linear(3, 4, wide=True)),
            (3,),
            r"can't be built: TypeError: .*unexpected keyword",
        ),
        (nn.Sequential(3), (3,), r"Sequential\(3\) can't be built: TypeError: int is not a Module subclass"),
        (nn.Sequential(nn.LSTM(3, 4, batch_first=True)), (5, 3), "must return one tensor, but returns a tuple"),
        (nn.Sequential(nn.LazyBatchNorm1d()), (), "`num_features` is the size of axis 1 of the input, but got shape"),
    ],
)
def test_errors_name_the_layer(call, shape, message):
    for device in ("cpu", "meta"):
        with pytest.raises(InvalidSpace, match=message):
            build_call(call, input_shape=shape, device=device)


def test_a_part_that_is_never_called_has_no_size(own_layers):
    with pytest.raises(InvalidSpace, match="Linear was never called in a forward pass, so its `in_features` can't be"):
        build_call(nn.Sequential(defer(own_layers.NeverCalled, nn.LazyLinear(3))), input_shape=(2,))
    unused = nn.Sequential(defer(own_layers.NeverCalled, defer(own_layers.WithLazyParts, 3)))
    with pytest.raises(InvalidSpace, match="some layers were never called in a forward pass"):
        build_call(unused, input_shape=(2,))


def test_the_number_of_outputs_is_checked():
    space = Space(nn.Sequential(nn.LazyConv2d(3, 1)))
    with pytest.raises(InvalidSpace, match=r"must end in 3 outputs for each example, but gives shape \(3, 4, 4\)"):
        space.build(input_shape=(1, 4, 4), n_outputs=3)
    assert space.build(input_shape=(1, 4, 4)) is not None


@pytest.mark.parametrize("shape", [5, (1, "8"), (0,), (3.0,)])
def test_the_shape_must_be_one(shape):
    with pytest.raises(InvalidInput, match="`input_shape` must be the sizes of one example, such as"):
        build_call(nn.Sequential(), input_shape=shape)


def test_what_can_not_be_built_at_all():
    with pytest.raises(InvalidSpace, match="the model of 'numbers' is a dict, not a module"):
        Space({"x": choice([1, 2])}, name="numbers").build(input_shape=(3,))
    with pytest.raises(InvalidSpace, match=r"max\(...\) must make a torch module, but made a int"):
        build_call(defer(max, 1, 2), input_shape=(3,))
    with pytest.raises(InvalidSpace, match=r"choice\(\[1, 2\]\) has no value yet: only a resolved tree can be built"):
        build_call(nn.Sequential(nn.LazyLinear(choice([1, 2]))), input_shape=(3,))
    with pytest.raises(InvalidSpace, match="this is not an arch of 'space'"):
        _space().build(Arch({}), input_shape=(3,))


# Raw inputs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "statistics"), [((3, 4, 4), (3,)), ((5,), (5,)), ((7, 2), (7, 2)), ((7, 2), (7,)), ((2, 3), ())]
)
def test_deployed_networks_take_raw_inputs(shape, statistics):
    rng = np.random.default_rng(0)
    call = nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.LazyLinear(2))
    network = build_call(call, input_shape=shape)
    mean, std = rng.normal(size=statistics), rng.uniform(1, 2, size=statistics)
    ready = deployed(
        network, input_mean=mean, input_std=std, target_mean=np.array([1.0, 2.0]), target_std=np.array([3.0, 4.0])
    )
    raw = torch.randint(0, 255, (6, *shape), dtype=torch.uint8)
    padded = (*statistics, *([1] * (len(shape) - len(statistics))))
    inputs = (raw.double() - torch.tensor(mean).reshape(padded)) / torch.tensor(std).reshape(padded)
    expected = network.model.eval()(inputs.float()) * torch.tensor([3.0, 4.0]) + torch.tensor([1.0, 2.0])
    assert torch.allclose(ready.model.eval()(raw), expected, atol=1e-4)
    assert ready.model[1] is network.model
    # The call makes the same again.
    twin = build_call(ready.call, input_shape=shape).model
    twin.load_state_dict(ready.model.state_dict())
    assert torch.equal(twin.eval()(raw), ready.model(raw))


def test_deployed_for_classes_leaves_the_outputs_and_the_mode():
    network = build_call(nn.Sequential(nn.Linear(2, 2)), input_shape=(2,))
    network.model.eval()
    ready = deployed(network, input_mean=np.zeros(2), input_std=np.ones(2))
    assert len(ready.model) == 2
    assert not ready.model.training
    assert repr(ready.call) == "Sequential(Standardise(2), Sequential(Linear(2, 2)))"
    assert repr(standardised(nn.ReLU(), (3,), (1,))) == "Sequential(Standardise(3), ReLU(), Destandardise(1))"


@pytest.mark.parametrize(
    "statistics",
    [
        {"input_mean": np.zeros(2), "input_std": np.ones(3)},
        {"input_mean": np.zeros(2), "input_std": np.ones(2), "target_mean": np.zeros(1)},
    ],
)
def test_statistics_must_agree(statistics):
    with pytest.raises(InvalidInput, match="means and standard deviations must have equal shapes, but got"):
        deployed(build_call(nn.Sequential(nn.Linear(2, 2)), input_shape=(2,)), **statistics)
