"""The relaxed network: its weights are the supernet's, and with one option each it is that path."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netwright import Arch, Space, choice, integer, layers, n_outputs, nn, real, repeat
from netwright.core.errors import InvalidInput, InvalidSpace
from netwright.oneshot.mixed_cell import MixedCell
from netwright.oneshot.relaxation.alike import AlikeStack
from netwright.oneshot.relaxation.relaxable import check_relaxable
from netwright.oneshot.relaxed import Relaxed
from netwright.oneshot.supernet import Supernet
from netwright.spaces.language import cell, subset
from netwright.spaces.zoo.stacked_cells import operation, stacked, thirds

IMAGE, ROW = (1, 6, 6), (6,)


def operations(width):
    return {
        "none": None,
        "skip_connect": nn.Identity(),
        "nor_conv_1x1": layers.ReLUConvNorm(width, width, 1),
        "nor_conv_3x3": layers.ReLUConvNorm(width, width, 3),
        "avg_pool_3x3": nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
    }


def cells(*, channels=4, n_cells=1, n_nodes=4, **given):
    """Cells that share their choices, in a small network for images of one channel."""
    parts = [nn.Conv2d(1, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)]
    parts += [cell(operations(channels), n_nodes, label="cell", **given) for _ in range(n_cells)]
    head = [nn.ReLU(), layers.GlobalAveragePool(), nn.LazyLinear(n_outputs)]
    return Space(nn.Sequential(*parts, *head), name="cells")


def rows():
    """Choices of every kind of place, for rows of 6 features: nested, none at all, in a module's argument, depths."""
    inner = choice({"tanh": nn.Tanh(), "two": nn.Sequential(nn.Linear(8, 8), nn.ReLU())}, label="inner")
    middle = choice({"plain": nn.Linear(8, 8), "nested": nn.Sequential(nn.Linear(8, 8), inner)}, label="middle")
    return Space(
        nn.Sequential(
            nn.LazyLinear(8),
            choice({"relu": nn.ReLU(), "nothing": None}, label="act"),
            middle,
            layers.Residual(choice({"wide": nn.Sequential(nn.Linear(8, 12), nn.Linear(12, 8)), "slim": nn.Linear(8, 8)},
                                   label="body")),
            repeat(lambda _: nn.Linear(8, 8), 1, 3, label="depth"),
            nn.LazyLinear(n_outputs),
        ),
        name="rows",
    )  # fmt: skip


def relaxed_of(space, shape, **given):
    return Relaxed(Supernet(space, input_shape=shape, n_outputs=3), **given)


def inputs(shape, n=4, seed=0):
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(seed))


def close(a, b, tolerance=1e-5):
    return (a - b).abs().max() <= tolerance * b.abs().max().clamp_min(1e-6)


SPACES = [
    pytest.param(cells(), IMAGE, id="cells"),
    pytest.param(cells(n_cells=3), IMAGE, id="cells in a row"),
    pytest.param(cells(n_inputs=1), IMAGE, id="one edge of several"),
    pytest.param(cells(n_nodes=5, n_inputs=2, output="concat"), IMAGE, id="two edges, concatenated"),
    pytest.param(rows(), ROW, id="rows"),
]


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize(("space", "shape"), SPACES)
def test_one_option_each_is_the_path(space, shape, training):
    """Outputs, running statistics and the gradients of the weights."""
    relaxed = relaxed_of(space, shape).train(training)
    supernet, x, rng = relaxed.supernet, inputs(shape), np.random.default_rng(0)
    start = {name: value.clone() for name, value in supernet.state_dict().items()}
    for _ in range(12):
        arch = space.sample(rng)
        found = []
        for network in (relaxed, supernet.path(arch)):
            relaxed.only(arch)
            supernet.load_state_dict(start)
            supernet.zero_grad()
            y = network(x)
            y.square().sum().backward()
            found.append((y, {n: p.grad for n, p in supernet.named_parameters() if p.grad is not None},
                          {n: b.clone() for n, b in supernet.named_buffers()}))  # fmt: skip
        (mixed, its_grads, its_buffers), (path, grads, buffers) = found
        assert close(mixed, path), arch
        assert all(close(its_grads[name], grad, 1e-4) for name, grad in grads.items()), arch
        assert all(not grad.any() for name, grad in its_grads.items() if name not in grads), arch
        assert all(close(its_buffers[name], b) for name, b in buffers.items() if b.is_floating_point()), arch


def test_a_cell_computes_what_its_edges_compute_one_by_one():
    """The fused convolutions, shared pools and folded weights: outputs and all gradients, edges weighed or not."""
    for edges in (False, True):
        space = cells(n_nodes=5, output="concat")
        relaxed = relaxed_of(space, IMAGE, edges=edges).double().train()
        relaxed.alphas.restart(3)
        for logits in relaxed.alphas.logits:
            logits.data.mul_(500)
        x, parameters = inputs(IMAGE).double(), [*relaxed.arch_parameters(), *relaxed.weights()]
        found = []
        for plain in (False, True):
            relaxed.sample()
            for module in relaxed.network.modules():
                if isinstance(module, MixedCell):
                    module.forward = plain_forward(module) if plain else type(module).forward.__get__(module)
            y = relaxed(x).square().sum()
            found.append((y, torch.autograd.grad(y, parameters)))
        assert close(found[0][0], found[1][0], 1e-9)
        assert all(close(a, b, 1e-7) for a, b in zip(found[0][1], found[1][1], strict=True) if b.abs().max() > 1e-9)


def plain_forward(mixed):
    """Edge by edge, as one writes it down."""

    def forward(x):
        states = [x]
        for node in range(1, mixed.cell.n_nodes):
            total = 0
            for edge, (source, target) in enumerate(mixed.cell.wiring):
                if target == node:
                    weight = mixed._edge_weight(edge)
                    y = mixed.cell.operations[edge](states[source])
                    total = total + (y if weight is None else weight * y)
            states.append(total)
        return torch.cat(states[1:], dim=1)

    return forward


def test_a_mixture_is_the_weighted_sum():
    act = choice({"relu": nn.ReLU(), "nothing": None}, label="act")
    relaxed = relaxed_of(Space(nn.Sequential(act, nn.Linear(6, 3))), ROW)
    relaxed.alphas.set_weights({"act": {"relu": 0.75, "nothing": 0.25}})
    x = inputs(ROW)
    relaxed.sample()
    linear = next(module for module in relaxed.network.modules() if isinstance(module, torch.nn.Linear))
    assert close(relaxed(x), linear(0.75 * x.relu() + 0.25 * x))


def test_depths_are_mixed():
    space = Space(nn.Sequential(repeat(lambda _: nn.Linear(6, 6), 0, 2, label="depth"), nn.Linear(6, 3)))
    relaxed = relaxed_of(space, ROW)
    relaxed.alphas.set_weights({"depth": {0: 0.5, 1: 0.3, 2: 0.2}})
    relaxed.sample()
    first, second, head = [m for m in relaxed.network.modules() if isinstance(m, torch.nn.Linear)]
    x = inputs(ROW)
    expected = head(0.5 * x + 0.3 * first(x) + 0.2 * second(first(x)))
    assert close(relaxed(x), expected)


def test_dropped_options_are_not_computed():
    relaxed = relaxed_of(cells(), IMAGE).train()
    for name in ("cell.1<-0", "cell.2<-0", "cell.2<-1", "cell.3<-0", "cell.3<-1", "cell.3<-2"):
        relaxed.alphas.drop(name, "nor_conv_3x3")
    relaxed.sample()
    relaxed(inputs(IMAGE)).sum().backward()
    untouched = [name for name, p in relaxed.supernet.named_parameters() if "nor_conv_3x3" in name and p.grad is None]
    assert len(untouched) == 18  # the weights of six edges' convolutions
    assert relaxed.alphas.weights()["cell.1<-0"]["nor_conv_3x3"] == 0


@pytest.mark.parametrize("edges", [False, True])
def test_partial_channels_pass_the_others_on(edges):
    relaxed = relaxed_of(cells(channels=8, n_nodes=4), IMAGE, partial=4, edges=edges).train()
    relaxed.sample()
    mixed = next(module for module in relaxed.network.modules() if isinstance(module, MixedCell))
    x = torch.randn(2, 8, 6, 6, generator=torch.Generator().manual_seed(1))
    before = mixed(x)
    assert before.shape == x.shape
    # The fused cell against its mixtures, one by one: each shuffles, which is the same as once for a sum.
    states = [x]
    for node in range(1, 4):
        total = 0
        for edge, (source, target) in enumerate(mixed.cell.wiring):
            if target == node:
                weight = mixed._edge_weight(edge)
                y = mixed.cell.operations[edge](states[source])
                total = total + (y if weight is None else weight * y)
        states.append(total)
    assert close(before, states[-1], 1e-4)
    relaxed(inputs(IMAGE)).sum().backward()
    kernel = next(
        p for n, p in relaxed.supernet.named_parameters() if "nor_conv_3x3" in n and n.endswith("conv/weight")
    )
    assert kernel.grad[:2, :2].any()
    assert not kernel.grad[2:].any()
    assert not kernel.grad[:, 2:].any()


def test_partial_channels_refuse_what_can_not_be_cut():
    space = Space(nn.Sequential(choice([nn.Linear(6, 6), nn.ReLU()], label="op"), nn.Linear(6, 3)))
    with pytest.raises(InvalidSpace, match="but not Linear"):
        relaxed_of(space, ROW, partial=2)
    with pytest.raises(InvalidSpace, match="can be divided by 3"):
        relaxed_of(cells(channels=4), IMAGE, partial=3)
    with pytest.raises(InvalidInput, match="`partial` must be a whole number"):
        relaxed_of(cells(), IMAGE, partial=0)


def test_alike_cells_can_be_left_out_for_a_while():
    relaxed = relaxed_of(cells(n_cells=4), IMAGE)
    relaxed.sample()
    x = inputs(IMAGE)
    whole = relaxed(x)
    relaxed.mixing.depth_share = 0.5
    half = relaxed(x)
    assert not close(half, whole)
    relaxed.mixing.depth_share = 1.0
    assert close(relaxed(x), whole)


def test_cells_of_two_inputs_can_be_left_out_for_a_while():
    """Those whose inputs and output are of one shape: one in each third."""

    def make(kind, width, entering):
        stride = 2 if kind == "reduce" else 1

        def of_edge(source, target):
            step = stride if source < 2 else 1
            return {"skip": operation("skip_connect", width, step), "conv": operation("nor_conv_1x1", width, step)}

        return cell(of_edge, 4, n_inputs=2, output="concat", inputs=entering, stride=stride, label=kind)

    space = Space(stacked(thirds(9), make, channels=2, input_shape=(1, 8, 8)))
    relaxed = relaxed_of(space, (1, 8, 8))
    stack = next(module for module in relaxed.network.modules() if isinstance(module, AlikeStack))
    assert stack._runs == [[2], [5], [8]]
    relaxed.sample()
    x = inputs((1, 8, 8))
    whole = relaxed(x)
    for share, left_out in ((0.8, set()), (0.4, {2, 5, 8})):
        relaxed.mixing.depth_share = share
        assert stack._left_out() == left_out
        assert relaxed(x).shape == whole.shape
        assert close(relaxed(x), whole) == (not left_out)
    rng = np.random.default_rng(0)
    relaxed.mixing.depth_share = 1.0
    for _ in range(3):
        arch = space.sample(rng)
        relaxed.only(arch)
        assert close(relaxed(x), relaxed.supernet.path(arch)(x))


def test_weights_are_shared_and_move_with_the_supernet():
    relaxed = relaxed_of(cells(), IMAGE)
    shared = {id(p) for p in relaxed.supernet.parameters()}
    assert {id(p) for p in relaxed.weights()} == shared
    relaxed.double()
    assert all(p.dtype == torch.float64 for p in relaxed.parameters())
    assert relaxed(inputs(IMAGE).double()).dtype == torch.float64
    assert {id(p) for p in relaxed.weights()} == {id(p) for p in relaxed.supernet.parameters()}


def test_the_default_generator_is_left_alone():
    before = torch.get_rng_state()
    relaxed = relaxed_of(cells(), IMAGE)
    relaxed.sample()
    relaxed(inputs(IMAGE))
    assert torch.equal(before, torch.get_rng_state())


# What can't be relaxed ----------------------------------------------------------------------------------------------


def test_numbers_are_refused_by_name():
    space = Space(nn.Sequential(nn.LazyLinear(integer(4, 8, label="width")), choice([nn.ReLU(), nn.Tanh()])))
    with pytest.raises(
        InvalidSpace, match=r"`darts` needs every choice to be a module choice; `width` is a number: use"
    ):
        check_relaxable(space, "darts")


def test_every_problem_is_named():
    options = choice([3, 5], label="kernel")
    odd = choice({"a": nn.ReLU(), "b": 3}, label="odd")
    tree = {"net": nn.Sequential(nn.LazyConv2d(4, options)), "odd": odd, "rate": real(0.1, 0.5, label="rate"),
            "some": subset(["a", "b", "c"], 2, label="some"),
            "many": repeat(integer(1, 2), 1, 2, label="many")}  # fmt: skip
    with pytest.raises(InvalidSpace) as error:
        check_relaxable(Space(tree), "gdas")
    for text in ("`kernel` chooses among values (3, 5)", "`odd` has options that are no modules", "`rate` is a number",
                 "`some` picks 2 of 3", "`many` repeats what are no modules"):  # fmt: skip
        assert text in str(error.value)


def test_many_of_a_kind_are_counted():
    layers = [nn.LazyLinear(integer(4, 8, label=f"width{i}")) for i in range(9)]
    odd = choice({"a": nn.ReLU(), "b": 3}, label="odd")
    with pytest.raises(InvalidSpace) as error:
        check_relaxable(Space({"net": nn.Sequential(*layers), "odd": odd}), "gdas")
    lines = str(error.value).splitlines()
    assert [line.split()[1] for line in lines[1:]] == ["`width0`", "`width1`", "`width2`", "and", "`odd`"]
    assert lines[4] == "  - and 6 more like these: use `ofa`, or make it a module choice."


def test_spaces_without_choices_and_other_spaces_are_refused():
    with pytest.raises(InvalidSpace, match="needs a choice in the network"):
        check_relaxable(Space(nn.Sequential(nn.ReLU()), training={"lr": real(0.1, 0.5)}), "darts")
    with pytest.raises(InvalidSpace, match="has no tree of choices"):
        check_relaxable(object(), "darts")


def test_choices_of_the_training_do_not_matter():
    space = Space(nn.Sequential(choice([nn.ReLU(), nn.Tanh()])), training={"lr": real(0.1, 0.5)})
    check_relaxable(space, "darts")


def test_options_of_different_shapes_are_refused():
    space = Space(nn.Sequential(choice({"a": nn.Linear(6, 4), "b": nn.Linear(6, 5)}, label="op"), nn.LazyLinear(3)))
    with pytest.raises(
        InvalidSpace, match=r"options of 'op' must give one shape .* 'a' gives \(4,\), 'b' gives \(5,\)"
    ):
        relaxed_of(space, ROW)


def test_depths_of_different_shapes_are_refused():
    space = Space(nn.Sequential(repeat(lambda i: nn.LazyLinear(4 + i), 1, 2, label="depth"), nn.LazyLinear(3)))
    with pytest.raises(InvalidSpace, match="depths of 'depth' must give one shape"):
        relaxed_of(space, ROW)


def test_an_edge_without_connection_gives_zeros():
    """Also where all edges of a cell are without: as the cell itself."""
    relaxed = relaxed_of(cells(), IMAGE)
    arch = Arch(dict.fromkeys((f"cell.{t}<-{s}" for t in (1, 2, 3) for s in range(t)), "none"))
    relaxed.only(arch)
    x = inputs(IMAGE)
    assert close(relaxed(x), relaxed.supernet.path(arch)(x))


def test_edges_of_a_function_and_own_modules_mix():
    """Operations that depend on the edge, and one that no fast way is known for."""

    def of_edge(source, target):
        return {**operations(4), "own": nn.Sequential(nn.Conv2d(4, 4, 1), nn.SiLU())} if source else operations(4)

    space = Space(
        nn.Sequential(nn.Conv2d(1, 4, 1), cell(of_edge, 3, label="cell"), layers.GlobalAveragePool(), nn.Linear(4, 3))
    )
    relaxed = relaxed_of(space, IMAGE)
    x, rng = inputs(IMAGE), np.random.default_rng(1)
    for _ in range(5):
        arch = space.sample(rng)
        relaxed.only(arch)
        assert close(relaxed(x), relaxed.supernet.path(arch)(x))
