"""Samplers, regularisers, perturbations, stages and costs, each by what its paper says of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netwright import Space, choice, nn
from netwright.core.errors import InvalidInput, NotFound
from netwright.models.cost import cost
from netwright.oneshot.arch_parameters import ArchParameters, MixedChoice
from netwright.oneshot.relaxation.costs import flops_table
from netwright.oneshot.relaxation.perturbation import Adversarial, RandomNoise
from netwright.oneshot.relaxation.regularisers import (
    AddedCost,
    BetaDecay,
    CostTable,
    DirichletAnchor,
    ExpectedCost,
    ZeroOne,
)
from netwright.oneshot.relaxation.relaxation import Relaxation
from netwright.oneshot.relaxation.samplers import (
    ConcreteSoft,
    DirichletSample,
    GumbelHard,
    Sigmoid,
    Softmax,
    TwoPaths,
)
from netwright.oneshot.relaxation.stages import Stage, StagePlan
from netwright.oneshot.relaxed import Relaxed
from netwright.oneshot.supernet import Supernet
from netwright.spaces.zoo.nb201 import nb201

SPACE = nb201(channels=4, n_cells=1, input_shape=(1, 4, 4))
SAMPLERS = [Softmax(), Sigmoid(), ConcreteSoft(), GumbelHard(), TwoPaths(), DirichletSample()]


@pytest.fixture(scope="module")
def supernet():
    return Supernet(SPACE, input_shape=(1, 4, 4), n_outputs=3)


@pytest.fixture
def relaxed(supernet):
    supernet.zero_grad()
    return Relaxed(supernet).train()


def images(n):
    return torch.randn(n, 1, 4, 4, generator=torch.Generator().manual_seed(0))


def drawn_by(sampler, logits, *, seed=0, progress=0.5, architecture=True):
    generator = torch.Generator().manual_seed(seed)
    return sampler(logits, progress=progress, architecture=architecture, generator=generator)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_samplers_weigh_what_is_there(sampler):
    logits = torch.tensor([[0.0, 1.0, -1.0, 0.5], [2.0, -torch.inf, 0.0, 0.0]], requires_grad=True)
    before = torch.get_rng_state()
    for seed in range(20):
        drawn = drawn_by(sampler, logits, seed=seed)
        assert drawn.weights[1, 1] == 0
        assert (drawn.weights >= 0).all()
        if not isinstance(sampler, Sigmoid):
            assert torch.allclose(drawn.weights.sum(-1), torch.ones(2))
        if drawn.active is not None:
            assert not drawn.active[1, 1]
            assert (drawn.weights[~drawn.active] == 0).all()
    (grad,) = torch.autograd.grad((drawn.weights * torch.arange(8.0).reshape(2, 4)).sum(), logits)
    assert torch.isfinite(grad).all()
    assert grad.any()
    assert torch.equal(drawn_by(sampler, logits, seed=3).weights, drawn_by(sampler, logits, seed=3).weights)
    assert torch.equal(torch.get_rng_state(), before)


def test_hard_samples_follow_the_probabilities():
    logits = torch.tensor([[0.0, 1.0, 2.0]]).expand(2000, 3)
    expected = torch.tensor([0.0, 1.0, 2.0]).softmax(-1)
    for sampler in (GumbelHard(1.0, 1.0), TwoPaths()):
        drawn = drawn_by(sampler, logits, architecture=False)
        assert (drawn.active.sum(-1) == 1).all()
        assert torch.allclose(drawn.weights.mean(0), expected, atol=0.04)
    drawn = drawn_by(ConcreteSoft(0.01, 0.01), logits)  # as cold as this, soft samples are hard
    assert torch.allclose(drawn.weights.mean(0), expected, atol=0.04)


def test_a_dirichlet_sample_has_the_mean_of_its_concentrations():
    logits = torch.tensor([[1.0, 0.0, -0.5]]).expand(4000, 3)
    concentration = torch.nn.functional.elu(logits[0]) + 1
    assert torch.allclose(
        drawn_by(DirichletSample(), logits).weights.mean(0), concentration / concentration.sum(), atol=0.02
    )


def test_temperatures_fall():
    assert ConcreteSoft(1.0, 0.25).temperature(0.5) == pytest.approx(0.5)
    assert GumbelHard(10.0, 1.0).temperature(0.5) == 5.5
    with pytest.raises(InvalidInput, match="temperatures must be above 0"):
        GumbelHard(end=0.0)


def test_two_paths_leave_the_others_their_probabilities(relaxed):
    before = torch.tensor([[0.0, 1.0, 2.0, 3.0]])
    moved = torch.tensor([[True, False, True, False]])
    after = before + torch.tensor([[0.7, 0.0, -0.2, 0.0]])
    kept = TwoPaths.keep_others(before, after, moved)
    assert torch.allclose(kept.softmax(-1)[~moved], before.softmax(-1)[~moved])
    assert (kept[0, 0] - kept[0, 2]) == pytest.approx(float(after[0, 0] - after[0, 2]))


def test_hard_samples_compute_one_option_each(relaxed):
    relaxed.sampler = GumbelHard()
    relaxed.sample(architecture=False)
    relaxed(images(4)).sum().backward()
    used = {n for n, p in relaxed.supernet.named_parameters() if p.grad is not None and "nor_conv" in n}
    active = {name: relaxed.alphas.choice(name).options[row.active[0]] for name, row in relaxed.mixing.rows.items()}
    n_convolutions = sum(str(option).startswith("nor_conv") for option in active.values())
    assert len(used) == 3 * 3 * n_convolutions  # kernel, scale and shift, in three cells


# Regularisers -------------------------------------------------------------------------------------------------------


def test_regularisers(relaxed):
    with torch.no_grad():
        relaxed.alphas.logits[0].zero_()
    zero = torch.zeros(())
    assert ZeroOne(10.0)(zero, relaxed, 0.0) == 0  # at one half
    assert DirichletAnchor()(zero, relaxed, 0.0) == 0  # at the anchor
    assert BetaDecay(50.0)(zero, relaxed, 0.5).item() == pytest.approx(25 * np.log(5))
    with torch.no_grad():
        relaxed.alphas.logits[0].fill_(2.0)
    assert ZeroOne(10.0)(zero, relaxed, 0.0).item() == pytest.approx(-10 * (1 / (1 + np.exp(-2)) - 0.5) ** 2)
    assert DirichletAnchor()(zero, relaxed, 0.0) > 0
    relaxed.alphas.drop("cell.1<-0", "none")
    for regulariser in (ZeroOne(), DirichletAnchor(), BetaDecay()):
        added = regulariser(zero, relaxed, 1.0)
        (grad,) = torch.autograd.grad(added, [relaxed.alphas.logits[0]])
        assert torch.isfinite(grad).all(), regulariser


def test_costs_are_those_of_the_arches(relaxed):
    table = relaxed.cost_table()
    rng = np.random.default_rng(0)
    for _ in range(5):
        arch = SPACE.sample(rng)
        expected = cost(SPACE, arch, input_shape=(1, 4, 4), n_outputs=3)["flops"] / 1e6
        assert table.of(arch) == pytest.approx(expected)
        relaxed.only(arch)
        assert table.expected(relaxed, relaxed.sampled()).item() == pytest.approx(expected, rel=1e-5)


def test_costs_of_nested_choices():
    inner = choice({"one": nn.Linear(1000, 1000), "two": nn.Sequential(nn.Linear(1000, 1000), nn.Linear(1000, 1000))},
                   label="inner")  # fmt: skip
    space = Space(
        nn.Sequential(choice({"plain": nn.Identity(), "nested": inner}, label="outer"), nn.Linear(1000, 1000))
    )
    table = flops_table(space, input_shape=(1000,))
    assert table.costs["inner"] == {"one": 0.0, "two": 2.0}
    assert table.of({"outer": "nested", "inner": "two"}) == pytest.approx(6.0)


def test_costs_pull_towards_cheap_options(relaxed):
    relaxed.sample()
    for regulariser in (ExpectedCost(), AddedCost(0.1)):
        loss = regulariser(torch.ones(()), relaxed, 0.0)
        (grad,) = torch.autograd.grad(loss, [relaxed.alphas.logits[0]], retain_graph=True)
        none, dear = 0, 3
        assert (grad[:, none] < grad[:, dear]).all(), regulariser
    with pytest.raises(InvalidInput, match=r"a cost for every option of 'cell\.1<-0', but has none for 'none'"):
        ExpectedCost(CostTable(0.0, {"cell.1<-0": {"skip_connect": 1.0}}))(torch.ones(()), relaxed, 0.0)


# Perturbations and stages -------------------------------------------------------------------------------------------


def test_perturbations_stay_within_reach(relaxed):
    x, y = images(8), torch.arange(8) % 3

    def loss():
        return torch.nn.functional.cross_entropy(relaxed(x), y)

    changed = {}
    for perturbation in (RandomNoise(0.1), Adversarial(0.1, steps=3)):
        relaxed.sample(architecture=False)
        before = relaxed.drawn.tables[0].clone()
        with torch.no_grad():
            plain = float(loss())
        perturbation(relaxed, 1.0, loss)
        after = relaxed.drawn.tables[0]
        assert torch.allclose(after.sum(-1), torch.ones(6))
        assert 0 < (after - before).abs().max() < 0.15
        with torch.no_grad():
            changed[type(perturbation)] = float(loss()) - plain
    assert changed[Adversarial] > max(0, changed[RandomNoise])


def test_stages_drop_the_weakest_options(relaxed):
    relaxed.alphas.set_weights({"cell.1<-0": dict(zip(relaxed.alphas.choice("cell.1<-0").options,
                                                      (0.1, 0.4, 0.3, 0.05, 0.15), strict=True))})  # fmt: skip
    plan = StagePlan((Stage(0.5, depth=0.5), Stage(1.0, keep=0.5, partial=2, skip_dropout=0.4)), restart=True)
    plan.enter(relaxed, 0, partial=4)
    assert (relaxed.mixing.depth_share, relaxed.mixing.partial) == (0.5, 4)
    plan.enter(relaxed, 1, partial=4)
    assert relaxed.alphas.options("cell.1<-0") == ["skip_connect", "nor_conv_1x1"]
    assert (relaxed.mixing.depth_share, relaxed.mixing.partial) == (1.0, 2)
    assert relaxed.alphas.logits[0].abs().max() < 0.01  # begun anew
    plan.adjust(relaxed, 0.75)
    assert relaxed.mixing.skip_dropout == pytest.approx(0.2)
    with pytest.raises(InvalidInput, match="must rise and end at 1"):
        StagePlan((Stage(0.5),))


def test_skip_connections_drop_out_in_training_only(relaxed):
    relaxed.only(SPACE.default().replace(**{f"cell.{t}<-{s}": "skip_connect" for t in (1, 2, 3) for s in range(t)}))
    x = images(4)
    relaxed.eval()
    before = relaxed(x)
    relaxed.mixing.skip_dropout = 0.5
    assert torch.equal(relaxed(x), before)
    relaxed.train()
    with torch.random.fork_rng():
        assert not torch.equal(relaxed(x), relaxed(x))


# Architecture parameters and settings -------------------------------------------------------------------------------


def test_architecture_parameters():
    rows = [MixedChoice("a", ("x", "y")), MixedChoice("b", (1, 2)), MixedChoice("c", ("p", "q", "r"))]
    parameters = ArchParameters(rows, seed=1)
    assert [tuple(logits.shape) for logits in parameters.logits] == [(2, 2), (1, 3)]
    assert [logits.tolist() for logits in ArchParameters(rows, seed=1).logits] == [
        logits.tolist() for logits in parameters.logits
    ]
    parameters.set_weights({"b": {1: 0.9, 2: 0.1}})
    assert parameters.weights()["b"][1] == pytest.approx(0.9)
    parameters.drop("a", "x")
    assert parameters.options("a") == ["y"]
    with pytest.raises(InvalidInput, match="is the last option of 'a'"):
        parameters.drop("a", "y")
    with pytest.raises(NotFound, match="relaxed choice 'd'"):
        parameters.choice("d")
    with pytest.raises(NotFound, match="option of 'a' 'z'"):
        parameters.set_weights({"a": {"z": 1.0}})


def test_settings_are_checked_together():
    with pytest.raises(InvalidInput) as error:
        Relaxation(order="third", levels="three", share=1.0, warmup=1.0, partial=0, arch_lr=0.0)
    for name in ("order", "levels", "share", "warmup", "partial", "arch_lr"):
        assert f"`{name}` must" in str(error.value)
    with pytest.raises(InvalidInput, match="second order needs two levels"):
        Relaxation(order="exact", levels="one")
