"""Supernets: the law of weight sharing over layer types and zoo spaces, and what a user may do with one."""

from __future__ import annotations

import copy
import pickle
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn as torch_nn

from netwright import Arch, Space, choice, defer, derive, integer, layers, n_outputs, nn, repeat
from netwright.core.errors import InvalidInput, InvalidSpace
from netwright.core.registry import spaces
from netwright.models.slicing import cut, cuts_of, put
from netwright.oneshot.supernet import Supernet
from netwright.testing import check_supernet


class First(torch_nn.Module):
    """The outputs of a recurrent layer without its state."""

    def forward(self, x: tuple[torch.Tensor, ...]) -> torch.Tensor:
        return x[0]


class Attention(torch_nn.Module):
    """A user's own block of torch's layers."""

    def __init__(self, in_features: int, heads: int, dim: int) -> None:
        super().__init__()
        self.inputs = torch_nn.Linear(in_features, heads * dim)
        self.attention = torch_nn.MultiheadAttention(heads * dim, heads, batch_first=True)
        self.norm = torch_nn.LayerNorm(heads * dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.inputs(x)
        return self.norm(x + self.attention(x, x, x, need_weights=False)[0])


class Own(torch_nn.Module):
    """A leaf with its own parameters, of which nobody knows how they are sliced, and a random buffer."""

    def __init__(self, in_features: int, width: int) -> None:
        super().__init__()
        self.scale = torch_nn.Parameter(torch.rand(width, in_features))
        self.tied = torch_nn.Linear(in_features, width)
        self.tied.weight = self.scale
        self.register_buffer("noise", torch.randn(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.tied(x) + x @ self.scale.T + self.noise


class Declared(torch_nn.Module):
    """A leaf that says how it is sliced."""

    elastic_axes: ClassVar = {"scale": ("prefix",)}

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = torch_nn.Parameter(torch.rand(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.scale


class WithLazyParts(torch_nn.Module):
    """A user's own class with torch's lazy layers inside."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = torch_nn.LazyLinear(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x)


class Doubling(torch_nn.Module):
    """A user's own container: it has weights beside the part that it is given."""

    def __init__(self, in_features: int, body: torch_nn.Module) -> None:
        super().__init__()
        self.linear = torch_nn.Linear(in_features, in_features)
        self.body = body

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(self.linear(x)) + x


def _ending(*parts: object) -> Space:
    return Space(nn.Sequential(*parts, nn.Flatten(), nn.LazyLinear(n_outputs)))


def _convolutions(dimensions: int) -> Space:
    conv, norm = getattr(nn, f"LazyConv{dimensions}d"), getattr(nn, f"LazyBatchNorm{dimensions}d")
    return _ending(conv(choice([4, 8, 12]), choice([1, 3, 5]), padding="same"), norm(), nn.ReLU())


def _recurrent(layer: object, **more: object) -> Space:
    directions = choice([True, False])
    return _ending(
        layer(
            hidden_size=choice([4, 8]), num_layers=choice([1, 2, 3]), bidirectional=directions, batch_first=True, **more
        ),  # type: ignore[operator]
        defer(First),
    )


def _cases() -> dict[str, tuple[Space, tuple[int, ...]]]:
    width = choice([4, 8, 12])
    model = choice([8, 16])
    units = integer(1, 16)
    return {
        "Conv1d": (_convolutions(1), (3, 12)),
        "Conv2d": (_convolutions(2), (3, 8, 8)),
        "Conv3d": (_convolutions(3), (2, 5, 5, 5)),
        "grouped": (
            _ending(nn.LazyConv2d(width, 3), nn.LazyConv2d(choice([8, 16]), 3, groups=choice([1, 2, 4]))),
            (3, 8, 8),
        ),
        "depthwise": (
            _ending(
                nn.LazyConv2d(width, 1),
                nn.LazyConv2d(width, choice([3, 5]), groups=width, padding="same"),
                nn.GroupNorm(choice([2, 4]), width),
            ),
            (4, 8, 8),
        ),
        "ConvTranspose2d": (
            _ending(nn.LazyConv2d(width, 3), nn.LazyConvTranspose2d(choice([2, 6]), choice([2, 4]), stride=2)),
            (4, 8, 8),
        ),
        "norms": (
            _ending(
                nn.LazyLinear(width),
                choice([nn.LayerNorm(), nn.RMSNorm(), nn.LazyBatchNorm1d(), None]),
                nn.PReLU(width),
            ),
            (6,),
        ),
        "InstanceNorm2d": (
            _ending(nn.LazyConv2d(width, 3), nn.InstanceNorm2d(width, affine=True, track_running_stats=True)),
            (3, 8, 8),
        ),
        "LSTM": (_recurrent(nn.LSTM), (7, 6)),
        "LSTM with a projection": (_recurrent(nn.LSTM, proj_size=choice([1, 3])), (7, 6)),
        "GRU": (_recurrent(nn.GRU), (7, 6)),
        "RNN": (_recurrent(nn.RNN, nonlinearity=choice(["tanh", "relu"])), (7, 6)),
        "MultiheadAttention": (
            _ending(nn.LazyLinear(width), repeat(defer(Attention, heads=choice([1, 2, 4]), dim=choice([4, 8])), 1, 3)),
            (7, 6),
        ),
        "TransformerEncoderLayer": (
            _ending(
                nn.LazyLinear(model),
                nn.TransformerEncoderLayer(model, choice([1, 2, 4]), dim_feedforward=choice([8, 32]), batch_first=True),
            ),
            (7, 6),
        ),
        "Dropout": (_ending(nn.LazyLinear(width), nn.Dropout(choice([0.1, 0.5]))), (6,)),
        "own leaves": (
            _ending(nn.LazyLinear(width), defer(Declared, width), defer(Own, width=choice([3, 5]))),
            (6,),
        ),
        "own lazy parts": (_ending(nn.LazyLinear(width), defer(WithLazyParts, choice([3, 5]))), (6,)),
        "own containers": (
            _ending(nn.LazyLinear(width), defer(Doubling, body=choice([nn.Identity(), nn.LazyLinear(width)]))),
            (6,),
        ),
        "arithmetic": (
            _ending(nn.LazyLinear(units), nn.LazyLinear(derive(lambda n: 64 // n, units)), nn.LazyLinear(2 * units)),
            (6,),
        ),
        "ResidualBlock": (
            _ending(
                layers.ResidualBlock(
                    out_channels=width,
                    kernel_size=choice([3, 5]),
                    stride=choice([1, 2]),
                    expansion=choice([0.5, 1.0]),
                    skip=choice([True, False]),
                ),
                layers.Residual(choice([nn.Identity(), nn.LazyConv2d(width, 3, padding=1)])),
            ),
            (3, 8, 8),
        ),
    }


_CASES = _cases()


@pytest.mark.parametrize("name", _CASES)
def test_path_is_the_standalone_model(name: str) -> None:
    space, shape = _CASES[name]
    check_supernet(space, shape, n_outputs=5, n_paths=12)


@pytest.mark.slow
@pytest.mark.parametrize("name", _CASES)
def test_fifty_paths_are_the_standalone_models(name: str) -> None:
    space, shape = _CASES[name]
    check_supernet(space, shape, n_outputs=5, n_paths=50)


def test_embedding_is_sliced() -> None:
    whole = torch.randn(20, 8)
    assert torch.equal(cut(whole, (10, 4), cuts_of(torch_nn.Embedding(10, 4), "weight") or ()), whole[:10, :4])


def test_fixed_model_has_the_weights_of_build() -> None:
    space = Space(nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(n_outputs)))
    supernet = Supernet(space, input_shape=(3, 8, 8), n_outputs=2, seed=3)
    model = space.build(input_shape=(3, 8, 8), n_outputs=2, seed=3)
    for one, other in zip(supernet.parameters(), model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_rows_of_gates_and_kernels_are_taken_where_they_belong() -> None:
    whole = torch.arange(8.0).repeat_interleave(2).reshape(8, 2)  # four gates of two units
    assert cut(whole, (4, 1), (4, "prefix")).flatten().tolist() == [0, 2, 4, 6]
    kernel = torch.arange(25.0).reshape(1, 1, 5, 5)
    assert cut(kernel, (1, 1, 3, 3), ("prefix", "prefix", "centre", "centre")).flatten()[0] == 6
    put(whole, torch.full((4, 1), -1.0), (4, "prefix"))
    assert whole[:, 0].tolist() == [-1, 1, -1, 3, -1, 5, -1, 7]
    assert whole[:, 1].tolist() == list(range(8))


def test_only_what_a_path_uses_gets_a_gradient() -> None:
    space = Space(nn.Sequential(choice({"a": nn.LazyLinear(4), "b": nn.LazyLinear(4)}, label="op"), nn.LazyLinear(2)))
    supernet = Supernet(space, input_shape=(3,))
    supernet.path(Arch({"op": "a"}))(torch.ones(2, 3)).sum().backward()
    touched = {name for name, parameter in supernet.named_parameters() if parameter.grad is not None}
    assert touched == {f"weights.{name}" for name in ("0/a/weight", "0/a/bias", "1/weight", "1/bias")}
    assert {id(p) for p in supernet.parameters_of(Arch({"op": "a"}))} == {
        id(p) for name, p in supernet.named_parameters() if name in touched
    }


def test_loop_of_ones_own_with_any_optimizer() -> None:
    space, shape = _CASES["Conv2d"]
    supernet = Supernet(space, input_shape=shape, n_outputs=3)
    optimizer = torch.optim.AdamW(supernet.parameters(), lr=1e-2)
    rng = np.random.default_rng(0)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(16, *shape, generator=generator)
    y = (x.mean(dim=(1, 2, 3)) > 0).long()
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        for half in range(2):  # gradients are accumulated over two paths
            with supernet.path(space.sample(rng)), torch.autocast("cpu", torch.bfloat16):
                outputs = supernet(x[half::2])
            loss = torch.nn.functional.cross_entropy(outputs.float(), y[half::2])
            (loss / 2).backward()
        torch_nn.utils.clip_grad_norm_(supernet.parameters(), 1.0)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:10])


def test_statistics_are_those_of_the_path_until_training_goes_on() -> None:
    space, shape = _CASES["Conv2d"]
    supernet = Supernet(space, input_shape=shape, n_outputs=3)
    x = torch.randn(32, *shape, generator=torch.Generator().manual_seed(0)) * 3 + 1
    arch = space.default()
    supernet.eval()
    raw = supernet.path(arch)(x)
    supernet.calibrate(arch, [x])
    mended = supernet.path(arch)(x)
    supernet.train()
    batch = supernet.path(arch)(x)  # normalised by the batch itself
    assert not torch.allclose(raw, mended, atol=1e-3)
    assert torch.allclose(mended, batch, atol=0.05 * float(batch.detach().abs().max()))
    assert not supernet.calibrated(arch)
    supernet.eval()
    other = next(other for other in space.neighbours(arch))
    supernet.calibrate(other, [x])
    assert supernet.calibrated(other)
    assert not supernet.calibrated(arch)


def test_dropout_follows_the_mode() -> None:
    space = Space(nn.Sequential(nn.Dropout(choice([0.5, 0.9])), nn.LazyLinear(2)))
    supernet = Supernet(space, input_shape=(50,))
    x = torch.ones(4, 50)
    path = supernet.path(space.default())
    assert not torch.equal(path(x), path(x))
    supernet.eval()
    assert torch.equal(path(x), path(x))
    supernet.training = True  # as some tools do
    assert not torch.equal(path(x), path(x))


def test_copies_and_pickles_stand_alone() -> None:
    space, shape = _CASES["own leaves"]
    supernet = Supernet(space, input_shape=shape, n_outputs=3)
    x = torch.ones(2, *shape)
    arch = space.default()
    before = supernet.path(arch)(x)
    twin = copy.deepcopy(supernet)
    assert torch.equal(twin.path(arch)(x), before)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    assert torch.equal(supernet.path(arch)(x), before)
    sent = pickle.loads(pickle.dumps(Supernet(Space(nn.LazyLinear(choice([2, 3]))), input_shape=(2,))))
    assert sent.path(sent.space.default())(torch.ones(1, 2)).shape == (1, 2)


def test_too_many_copies_are_refused() -> None:
    space = Space(nn.Sequential(defer(Own, width=integer(1, 40)), nn.LazyLinear(2)))
    with pytest.raises(InvalidSpace, match=r"copy of '0/scale' \(Own\) for each shape, but there are more than 8"):
        Supernet(space, input_shape=(3,), most_copies=8)


def test_what_the_probes_missed_is_said() -> None:
    units = integer(0, 10**6)
    space = Space(nn.Sequential(nn.LazyLinear(derive(lambda n: 9 if n == 7 else 3, units)), nn.LazyLinear(2)))
    arch = Arch({"0.out_features": 7}) if "0.out_features" in space.default() else space.default()
    arch = Arch(dict.fromkeys(space.default(), 7))
    supernet = Supernet(space, input_shape=(3,))
    with pytest.raises(InvalidSpace, match="pass it as one of `probes`"):
        supernet.path(arch)(torch.ones(2, 3))
    assert Supernet(space, input_shape=(3,), probes=[arch]).path(arch)(torch.ones(2, 3)).shape == (2, 2)


def test_wrong_use_is_said() -> None:
    supernet = Supernet(Space(nn.LazyLinear(choice([2, 3], label="width"))), input_shape=(2,))
    with pytest.raises(InvalidInput, match=r"needs a path: `with supernet\.path\(arch\)"):
        supernet(torch.ones(1, 2))
    with pytest.raises(InvalidSpace, match="'width' must be one of 2, 3, but is 4"):
        supernet.path(Arch({"width": 4}))
    with pytest.raises(InvalidSpace, match="can't be built"):
        Supernet(Space(nn.Sequential(nn.Linear(3, choice([2, 3]), wrong=True))), input_shape=(3,))


@pytest.mark.parametrize(
    ("name", "options", "shape"),
    [
        ("nb201", {"channels": 4, "n_cells": 1}, (3, 8, 8)),
        ("mlp", {}, (5,)),
        ("cnn", {}, (1, 12, 12)),
        ("resnet", {}, (3, 12, 12)),
    ],
)
def test_zoo(name: str, options: dict[str, int], shape: tuple[int, ...]) -> None:
    check_supernet(spaces[name](input_shape=shape, **options), shape, n_outputs=4, n_paths=6)
