"""Layers of cells: several inputs, outputs of chosen nodes, sizes that halve upwards."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from netwright import Space, cell, layers
from netwright import nn as deferred
from netwright.core.errors import InvalidSpace
from netwright.models.layers import (
    Cell,
    CellStack,
    FactorizedReduce,
    LockedDropout,
    RowColumnConv,
    RowsAsSteps,
    SeparableConv,
)


class _Times(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor


def _x(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def test_a_cell_of_two_inputs():
    edges = [(0, 2, _Times(3.0)), (1, 2, _Times(5.0)), [(2, 3, _Times(7.0)), (0, 3, None)]]
    inputs = [_Times(1.0), _Times(10.0)]
    a, b = _x(2, 1, 4, 4), 2 * _x(2, 1, 4, 4)
    first = 3 * a + 5 * (10 * b)
    every = {
        "last": [7 * first],
        "concat": [first, 7 * first],
        "unused": [7 * first],
    }
    for output, expected in every.items():
        assert torch.allclose(Cell(4, edges, output, inputs)(a, b), torch.cat(expected, 1))
    chosen = Cell(4, edges, [0, 2], inputs)
    assert torch.allclose(chosen(a, b), torch.cat([a, first], 1))
    assert chosen.wiring == [(0, 2), (1, 2), (2, 3)]
    assert chosen.ending == [0, 2]


def test_a_node_without_edges_has_the_size_of_others():
    halved = nn.MaxPool2d(3, stride=2, padding=1)
    for side in (7, 8):
        made = Cell(4, [(0, 2, halved), (1, 2, halved), (2, 3, None)], "concat", [nn.Identity()] * 2, stride=2)
        y = made(_x(2, 3, side, side), _x(2, 3, side, side))
        assert y.shape == (2, 6, 4, 4)
        assert not y[:, 3:].any()
    assert not Cell(2, [(0, 1, None)])(_x(2, 3, 4, 4)).any()


def test_what_the_two_parts_before_a_cell_gave():
    class Pair(nn.Module):
        def forward(self, before, last):
            return before + 10 * last

    x = torch.ones(1)
    assert CellStack([], [Pair()])(x) == 11
    assert CellStack([_Times(2.0)], [Pair()])(x) == 22
    assert CellStack([_Times(2.0), _Times(3.0)], [Pair()])(x) == 2 + 60
    assert CellStack([_Times(2.0)], [Pair(), Pair()])(x) == 2 + 10 * 22


@pytest.mark.parametrize("side", [(8, 8), (7, 8), (7, 9), (1, 1)])
def test_sizes_are_halved_upwards(side):
    x = _x(2, 4, *side)
    expected = (2, 6, (side[0] + 1) // 2, (side[1] + 1) // 2)
    for module in (
        FactorizedReduce(4, 6),
        SeparableConv(4, 6, 5, stride=2),
        SeparableConv(4, 6, 3, stride=2, dilation=2, repeats=1),
        RowColumnConv(4, 6, 7, stride=2),
    ):
        assert module.eval()(x).shape == expected
    assert FactorizedReduce(4, 5).eval()(x).shape[1] == 5


def test_factorized_reduce_leaves_no_pixel_out():
    module = FactorizedReduce(1, 2).eval()
    x = torch.rand(1, 1, 7, 7).requires_grad_()
    module(x).sum().backward()
    used = (x.grad != 0)[0, 0]
    assert used[::2, ::2].all()
    assert used[1::2, 1::2].all()


def test_dropout_is_locked_over_time():
    module = LockedDropout(0.5)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        y = module(torch.ones(3, 5, 40))
    assert torch.equal(y, y[:, :1].expand(-1, 5, -1))
    assert set(y.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(module.eval()(y), y)


def test_rows_as_steps():
    x = _x(2, 3, 4, 5)
    assert torch.equal(RowsAsSteps()(x)[1, 2], x[1, :, 2].flatten())


def test_an_own_space_of_cells_with_two_inputs():
    operations = {"skip": deferred.Identity(), "conv": layers.ReLUConvNorm(4, 4, 3)}

    def make():
        inputs = [layers.ReLUConvNorm(out_channels=4, kernel_size=1) for _ in range(2)]
        return cell(operations, 4, n_inputs=2, inputs=inputs, output="concat", label="cell")

    tree = deferred.Sequential(
        layers.CellStack([], [make(), make()]), layers.GlobalAveragePool(), deferred.LazyLinear(2)
    )
    space = Space(tree)
    assert [decision.name for decision in space.decisions][:3] == ["cell.2<-0", "cell.2<-1", "cell.3<-"]
    assert space.size() == 2**2 * 3 * 2**2
    model = space.build(input_shape=(1, 6, 6), n_outputs=2)
    assert model(_x(2, 1, 6, 6)).shape == (2, 2)


def test_cells_that_cannot_be():
    with pytest.raises(
        InvalidSpace, match="a cell needs at least one input and more nodes than inputs, but got 2 of 2"
    ):
        cell([None, deferred.ReLU()], 2, inputs=[deferred.Identity()] * 2)
    with pytest.raises(InvalidSpace, match=r"a cell needs at least one input .* but got 0 of 3"):
        cell([None, deferred.ReLU()], 3, inputs=[])
