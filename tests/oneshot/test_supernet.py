"""Supernets: the law of weight sharing over layer types and zoo spaces, and what a user may do with one."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn as torch_nn

from netwright import Arch, Space, choice, defer, derive, integer, n_outputs, nn, repeat
from netwright.core.errors import InvalidInput, InvalidSpace
from netwright.core.registry import spaces
from netwright.models.slicing import cut, cuts_of, put
from netwright.oneshot.supernet import Supernet
from netwright.testing import check_supernet
from netwright.testing.layer_spaces import layer_spaces

_CASES = layer_spaces()


class Leaf(torch_nn.Module):
    """A leaf with its own parameter, of which nobody knows how it is sliced."""

    def __init__(self, in_features: int, width: int) -> None:
        super().__init__()
        self.scale = torch_nn.Parameter(torch.rand(width, in_features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.scale.T


@pytest.mark.parametrize("name", _CASES)
def test_path_is_the_standalone_model(name: str) -> None:
    space, shape = _CASES[name]
    check_supernet(space, shape, n_outputs=5, n_paths=5)


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
    space = Space(nn.Sequential(defer(Leaf, width=integer(1, 40)), nn.LazyLinear(2)))
    with pytest.raises(InvalidSpace, match=r"copy of '0/scale' \(Leaf\) for each shape, but there are more than 8"):
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
    with pytest.raises(InvalidSpace, match=r"named by an Arch of 'space', but got \{'width': 2\}"):
        supernet.path({"width": 2})  # type: ignore[arg-type]  # that is the test
    with pytest.raises(InvalidSpace, match=r"made for inputs of shape \(2,\), but got \[\(3,\)\]"):
        supernet.path(Arch({"width": 2}))(torch.ones(1, 3))
    with pytest.raises(InvalidSpace, match=r"needs a Space, but got LazyLinear\(3\)"):
        Supernet(nn.LazyLinear(3), input_shape=(2,))  # type: ignore[arg-type]  # that is the test
    with pytest.raises(InvalidInput, match="`n_outputs` must be a whole number of at least 1 or None, but got 0"):
        Supernet(supernet.space, input_shape=(2,), n_outputs=0)
    with pytest.raises(InvalidInput, match=r"the device 'cuda:99' can't be used here: .* Use device='auto' or 'cpu'"):
        Supernet(supernet.space, input_shape=(2,), device="cuda:99")
    with pytest.raises(InvalidInput, match="`input_shape` must be the sizes of one example"):
        Supernet(supernet.space, input_shape=2)  # type: ignore[arg-type]  # that is the test
    with pytest.raises(InvalidSpace, match="'width' must be one of 2, 3, but is 4"):
        Supernet(supernet.space, input_shape=(2,), probes=[Arch({"width": 4})])


def test_a_path_outside_the_space_is_refused_even_where_it_could_be_made() -> None:
    width = integer(4, 12, step=4, label="width")
    space = Space(
        nn.Sequential(nn.LazyLinear(width), repeat(nn.LazyLinear(4), 1, 3, label="depth"), nn.LazyLinear(2)),
        constraints=[lambda arch: (arch["width"], arch["depth"]) != (12, 3)],
    )
    supernet = Supernet(space, input_shape=(2,))
    for wrong in ({"width": 6, "depth": 1}, {"width": 4, "depth": 5}, {"width": 12, "depth": 3}):
        with pytest.raises(InvalidSpace, match="this is not an arch of 'space'"):
            supernet.path(Arch(wrong))
    with pytest.raises(InvalidSpace, match="'more' is not a decision"):
        supernet.path(Arch({"width": 4, "depth": 1, "more": 1}))


def test_statistics_need_batches_of_inputs() -> None:
    space = Space(nn.Sequential(nn.LazyLinear(choice([2, 3], label="width")), nn.LazyBatchNorm1d()))
    supernet, arch, x = Supernet(space, input_shape=(2,)), space.default(), torch.rand(4, 2)
    with pytest.raises(InvalidInput, match="at least one, but there is none"):
        supernet.calibrate(arch, iter([]))
    with pytest.raises(InvalidInput, match=r"\(batch, 2\), without targets, in a list or a loader, but one is tuple"):
        supernet.calibrate(arch, [(x, x)])  # type: ignore[list-item]  # that is the test
    with pytest.raises(InvalidInput, match=r"but one is shape \(2,\)"):
        supernet.calibrate(arch, x)
    assert not supernet.calibrated(arch)


def _of_two_layers(width: int) -> torch_nn.Module:
    return torch_nn.Sequential(torch_nn.Linear(3, width), torch_nn.Linear(width, 4))


def _begun_at_zero(layer: torch_nn.Linear) -> torch_nn.Module:
    torch_nn.init.zeros_(layer.weight)
    return layer


def test_modules_that_functions_make_are_shared() -> None:
    body = defer(_of_two_layers, choice([4, 8], label="width"))
    space = Space(nn.Sequential(body, choice({"a": nn.ReLU(), "b": None}, label="act"), nn.LazyLinear(n_outputs)))
    check_supernet(space, (3,), n_outputs=2, n_paths=4)
    shapes = {tuple(p.shape) for p in Supernet(space, input_shape=(3,), n_outputs=2).parameters()}
    assert {(8, 3), (4, 8)} <= shapes


def test_functions_set_first_values_and_keep_what_was_learned() -> None:
    space = Space(nn.Sequential(defer(_begun_at_zero, nn.Linear(3, choice([4, 8], label="width"))), nn.LazyLinear(2)))
    supernet = Supernet(space, input_shape=(3,))
    weight = next(p for p in supernet.parameters() if p.shape == (8, 3))
    assert not weight.any()
    torch_nn.init.ones_(weight)
    supernet.path(Arch({"width": 4}))(torch.ones(1, 3))
    assert weight.all()
    normed = defer(torch_nn.utils.parametrizations.spectral_norm, nn.Linear(3, choice([4, 8])))
    with pytest.raises(InvalidSpace, match="spectral_norm at 0 can't be built: it replaces parameters"):
        Supernet(Space(nn.Sequential(normed)), input_shape=(3,))


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
    check_supernet(spaces[name](input_shape=shape, **options), shape, n_outputs=4, n_paths=4)
