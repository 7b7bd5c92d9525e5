"""Elements of kernels that see nothing but padding have no gradient, in bfloat16 either."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch.nn import functional

from netwright import Arch, Space, choice, nn
from netwright.models.idle_taps import has_idle_taps, keep_steady, steady
from netwright.oneshot.supernet import Supernet


def filled_memory(n):
    """What is allocated next may find NaN there."""
    for size in (n // 2, n, 2 * n):
        torch.full((size,), float("nan"))


def test_idle_taps_are_those_without_a_gradient():
    for size, kernel, stride, padding, dilation in itertools.product((1, 2, 4), (1, 2, 3, 5), (1, 2), (0, 2), (1, 2)):
        if size + 2 * padding <= dilation * (kernel - 1):
            continue
        weight = torch.ones(1, 1, kernel, requires_grad=True)
        functional.conv1d(torch.ones(1, 1, size), weight, None, stride, padding, dilation).sum().backward()
        idle = bool((weight.grad == 0).any())
        assert has_idle_taps(size, kernel, stride, padding, dilation) == idle


@pytest.mark.parametrize(("kernel", "stride"), [(5, 1), (3, 2)])
def test_their_gradients_are_zero_in_bfloat16(kernel, stride):
    layer = torch.nn.Conv2d(128, 128, kernel, stride, padding=kernel // 2, bias=False)
    x = torch.randn(16, 128, 1, 1)
    middle = torch.zeros(kernel, kernel, dtype=torch.bool)
    middle[kernel // 2, kernel // 2] = True
    for _ in range(4):
        layer.zero_grad()
        with steady(layer), torch.autocast("cpu", torch.bfloat16):
            filled_memory(layer.weight.numel())
            y = layer(x)
            assert y.dtype == torch.bfloat16
            assert torch.is_autocast_enabled("cpu")
        y.float().square().sum().backward()
        assert (layer.weight.grad[..., ~middle] == 0).all()
        assert layer.weight.grad[..., middle].abs().sum() > 0


def test_the_model_is_as_before_even_after_an_error():
    model = torch.nn.Sequential(torch.nn.Conv2d(2, 2, 5, padding="same"))
    with pytest.raises(RuntimeError), steady(model), torch.autocast("cpu", torch.bfloat16):
        model(torch.zeros(1, 3, 1, 1))
    assert not torch.is_autocast_enabled("cpu")
    assert not model[0]._forward_pre_hooks
    assert not model[0]._forward_hooks


def test_only_what_can_have_them_is_looked_at():
    layers = [
        torch.nn.Conv2d(1, 1, 1, padding=1),
        torch.nn.Conv2d(1, 1, 3),
        torch.nn.Conv2d(1, 1, 3, padding="valid"),
        torch.nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular"),
        torch.nn.Linear(1, 1),
    ]
    assert not any(map(keep_steady, layers))


def test_the_paths_of_a_supernet():
    wide = choice([64, 128], label="wide")
    space = Space(nn.Sequential(nn.LazyConv2d(wide, choice([3, 5], label="k"), padding="same", bias=False)))
    supernet = Supernet(space, input_shape=(128, 1, 1))
    weight = next(supernet.parameters())
    for _ in range(4):
        weight.grad = None
        with torch.autocast("cpu", torch.bfloat16):
            filled_memory(weight.numel())
            y = supernet.path(Arch({"wide": 128, "k": 5}))(torch.randn(16, 128, 1, 1))
        y.float().square().sum().backward()
        assert weight.grad.isfinite().all()
        assert float(weight.grad[..., 0, 0].abs().sum()) == 0
