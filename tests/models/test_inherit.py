"""Weights that a child takes over from its parent: where, which part, and what stays fresh."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netwright import Space, choice, integer, n_outputs, nn, repeat
from netwright.core import Arch
from netwright.core.registry import spaces
from netwright.models import build
from netwright.models.inherit import inherit

IMAGE = {"input_shape": (3, 8, 8), "n_outputs": 4}
ROW = {"input_shape": (6,), "n_outputs": 4}


def pair(space, parent, child, given):
    """A parent whose weights all are from 1 on, a child with fresh ones, and the share that was inherited."""
    old, new = build(space, parent, **given, seed=0), build(space, child, **given, seed=1)
    with torch.no_grad():
        for number, value in enumerate(old.state_dict().values(), 1):
            value.copy_(torch.arange(value.numel()).reshape(value.shape) / 1_000 + 100 * number)
    share = inherit(space, child, new, parent=parent, weights=old.state_dict(), **given)
    return old, new, share


def number(value):
    return float(value.detach())


def same(one, other):
    return bool(torch.equal(one, other))


@pytest.mark.parametrize("name", ["cnn", "mlp", "resnet", "nb101", "nb201", "darts"])
def test_in_ready_made_spaces(name):
    space = spaces[name]()
    given = ROW if name == "mlp" else {"input_shape": (3, 16, 16), "n_outputs": 4}
    rng = np.random.default_rng(3)
    parent = space.sample(rng)
    old, twin, share = pair(space, parent, parent, given)
    assert share == 1
    assert all(same(value, twin.state_dict()[key]) for key, value in old.state_dict().items())
    child = space.mutate(parent, rng)
    _, new, share = pair(space, parent, child, given)
    assert 0 < share <= 1
    taken = sum(int((value >= 99).sum()) for value in new.parameters())
    assert share == pytest.approx(taken / sum(value.numel() for value in new.parameters()))


def test_the_first_channels_and_the_centre_of_kernels():
    space = Space(
        nn.Sequential(
            nn.LazyConv2d(choice([4, 6], label="width"), choice([3, 5], label="kernel"), padding="same"),
            nn.LazyBatchNorm2d(),
            nn.LazyConv2d(3, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.LazyLinear(n_outputs),
        )
    )
    small, large = Arch({"width": 4, "kernel": 3}), Arch({"width": 6, "kernel": 5})
    old, new, _ = pair(space, small, large, IMAGE)
    assert same(new[0].weight[:4, :, 1:-1, 1:-1], old[0].weight)
    assert same(new[1].running_mean[:4], old[1].running_mean)
    assert same(new[1].num_batches_tracked, old[1].num_batches_tracked)
    assert number(new[1].running_var[4:].mean()) == 1  # fresh
    assert same(new[2].weight[:, :4], old[2].weight)
    assert same(new[5].weight, old[5].weight)
    assert number(new[0].weight[4:].abs().max()) < 1  # fresh
    old, new, share = pair(space, large, small, IMAGE)
    assert same(new[0].weight, old[0].weight[:4, :, 1:-1, 1:-1])
    assert share == 1


def test_wider_here_and_narrower_there():
    space = Space(nn.Sequential(nn.LazyLinear(choice([4, 8], label="a")), nn.LazyLinear(choice([4, 8], label="b")),
                                nn.LazyLinear(n_outputs)))  # fmt: skip
    old, new, _ = pair(space, Arch({"a": 4, "b": 8}), Arch({"a": 8, "b": 4}), ROW)
    assert same(new[0].weight[:4], old[0].weight)
    assert same(new[1].weight[:, :4], old[1].weight[:4])
    assert number(new[1].weight[:, 4:].abs().max()) < 1


def test_places_count_not_numbers():
    """An edge without an operation shifts the names of all that come after it."""
    space = spaces["nb201"]()
    given = {"input_shape": (3, 8, 8), "n_outputs": 4}
    parent = Arch(dict.fromkeys(space.default(), "nor_conv_3x3"))
    child = parent.replace(**{"cell.1<-0": "none"})
    _, new, share = pair(space, parent, child, given)
    assert share == 1
    assert all(number(value.min()) >= 99 for value in new.parameters())


def test_nothing_comes_between_other_blocks():
    block = lambda i: choice([None, nn.Linear(6, 6)], label=f"block {i}")  # noqa: E731  # as short as users write it
    space = Space(nn.Sequential(block(0), block(1), nn.LazyLinear(n_outputs)))
    with_both, without = (Arch({"block 0": key, "block 1": "Linear"}) for key in ("Linear", None))
    old, new, share = pair(space, with_both, without, ROW)
    assert share == 1
    assert same(new[0].weight, old[1].weight)
    assert same(new[1].weight, old[2].weight)


def test_deeper():
    space = Space(nn.Sequential(repeat(nn.Linear(6, 6), 1, 3, label="depth"), nn.LazyLinear(n_outputs)))
    old, new, share = pair(space, Arch({"depth": 1}), Arch({"depth": 3}), ROW)
    assert same(new[0][0].weight, old[0][0].weight)
    assert same(new[1].weight, old[1].weight)
    assert share == pytest.approx((42 + 28) / (3 * 42 + 28))


def test_another_class_starts_afresh():
    space = Space(nn.Sequential(choice([nn.Linear(6, 6), nn.LayerNorm(6)], label="layer"), nn.LazyLinear(n_outputs)))
    linear, norm = (Arch({"layer": key}) for key in ("Linear", "LayerNorm"))
    old, new, share = pair(space, linear, norm, ROW)
    assert number(new[0].weight.max()) == 1  # fresh
    assert same(new[1].weight, old[1].weight)
    assert share == pytest.approx(28 / 40)


class Own(torch.nn.Module):
    """A layer with a parameter that nothing is known about."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.table = torch.nn.Parameter(torch.zeros(size, 6))
        self.register_buffer("mask", torch.full((6,), float(size)))

    def forward(self, x):
        return x + self.table.mean(0) + self.mask


def test_a_class_of_ones_own_is_inherited_whole_or_not_at_all():
    from netwright import defer

    space = Space(nn.Sequential(defer(Own, integer(2, 3, label="size")), nn.LazyLinear(n_outputs)))
    two, three = Arch({"size": 2}), Arch({"size": 3})
    _, new, share = pair(space, two, three, ROW)
    assert number(new[0].table.abs().max()) == 0
    assert number(new[0].mask[0]) == 3  # what belongs to the arch, not to its training, stays
    assert share == pytest.approx(28 / 46)
    _, new, share = pair(space, two, two, ROW)
    assert number(new[0].mask[0]) == 2
    assert share == 1


def test_a_call_that_an_expression_computes():
    from netwright import derive

    width = choice([4, 8], label="width")
    space = Space(nn.Sequential(derive(nn.LazyLinear, width), nn.LazyLinear(n_outputs)))
    old, new, _ = pair(space, Arch({"width": 4}), Arch({"width": 8}), ROW)
    assert same(new[0].weight[:4], old[0].weight)


def test_weights_that_are_missing_are_no_loss():
    space = Space(nn.Sequential(nn.LazyLinear(4), nn.LazyLinear(n_outputs)))
    new = build(space, Arch({}), **ROW, seed=1)
    before = {key: value.clone() for key, value in new.state_dict().items()}
    assert inherit(space, Arch({}), new, parent=Arch({}), weights={}, **ROW) == 0
    assert all(same(value, new.state_dict()[key]) for key, value in before.items())


def test_no_global_random_state_is_touched():
    space = spaces["mlp"]()
    before = torch.random.get_rng_state()
    pair(space, space.default(), space.default(), ROW)
    assert same(before, torch.random.get_rng_state())
