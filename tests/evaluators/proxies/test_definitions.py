"""Each proxy against its definition, written out plainly."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from netwright.core.errors import EvaluationError, InvalidInput
from netwright.core.registry import proxies
from netwright.evaluators.proxies import ProxyBatch, together
from netwright.evaluators.proxies.expressivity import Expressivity
from netwright.evaluators.proxies.features import block_features
from netwright.evaluators.proxies.trainability import Trainability
from netwright.evaluators.proxies.zen import Zen
from netwright.evaluators.proxies.zico import ZiCo


def network(seed=0, *, norm=True):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        middle = [nn.BatchNorm2d(6)] if norm else []
        return nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1),
            *middle,
            nn.ReLU(),
            nn.Conv2d(6, 4, 3, stride=2),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(4, 3),
        )


@pytest.fixture(scope="module")
def batch():
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(12, 3, 8, 8, generator=generator)
    return ProxyBatch(images, torch.arange(12) % 3, functional.cross_entropy)


@pytest.fixture
def model():
    return network()


def trained(model, batch):
    """A copy in training mode with gradients of the loss."""
    own = copy.deepcopy(model).train()
    batch.loss(own(batch.inputs), batch.targets).backward()
    return own, [one for one in own.modules() if isinstance(one, (nn.Conv2d, nn.Linear))]


def test_gradients_of_weights(model, batch):
    _, layers = trained(model, batch)
    found = together(model, batch, "grad_norm,snip,plain,l2_norm").values
    assert found["grad_norm"] == pytest.approx(sum(one.weight.grad.norm().item() for one in layers), rel=1e-5)
    assert found["snip"] == pytest.approx(sum((one.weight * one.weight.grad).abs().sum().item() for one in layers))
    assert found["plain"] == pytest.approx(sum((one.weight * one.weight.grad).sum().item() for one in layers), abs=1e-6)
    assert found["l2_norm"] == pytest.approx(sum(one.weight.norm().item() for one in layers))


def test_fisher(model, batch):
    own = copy.deepcopy(model).train()
    kept = []
    for layer in own.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            layer.register_forward_hook(lambda module, _, out: (out.retain_grad(), kept.append((module, out)))[1])
    batch.loss(own(batch.inputs), batch.targets).backward()
    expected = 0.0
    for layer, out in kept:
        product = (out * out.grad).flatten(2).sum(2) if out.dim() > 2 else out * out.grad
        each = 0.5 * product.square().mean(0)
        expected += each.sum().item() * layer.weight[0].numel()
    assert proxies["fisher"]()(model, batch) == pytest.approx(expected, rel=1e-4)


def test_grasp_is_minus_weight_times_hessian_times_gradient(batch):
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 4), nn.Tanh(), nn.Linear(4, 3))
    weights = [model[1].weight, model[3].weight]
    loss = batch.loss(model(batch.inputs), batch.targets)
    first = torch.autograd.grad(loss, weights)

    def gradient_at(step):
        moved = {
            f"{place}.weight": weight + step * one for place, weight, one in zip((1, 3), weights, first, strict=True)
        }
        again = torch.func.functional_call(model, moved, (batch.inputs,))
        return torch.autograd.grad(batch.loss(again, batch.targets), list(moved.values()))

    ahead, behind = gradient_at(1e-2), gradient_at(-1e-2)
    expected = -sum(
        (weight * (one - other) / 2e-2).sum().item() for weight, one, other in zip(weights, ahead, behind, strict=True)
    )
    assert proxies["grasp"]()(model, batch) == pytest.approx(expected, rel=0.02)


def test_jacov(model, batch):
    own = copy.deepcopy(model).train()
    inputs = batch.inputs.clone().requires_grad_()
    own(inputs).sum().backward()
    values = np.linalg.eigvalsh(np.corrcoef(inputs.grad.flatten(1).numpy().astype(np.float64))) + 1e-5
    assert proxies["jacov"]()(model, batch) == pytest.approx(-np.sum(np.log(values) + 1 / values), rel=1e-4)


def test_epe_nas(model, batch):
    own = copy.deepcopy(model).train()
    inputs = batch.inputs.clone().requires_grad_()
    own(inputs).sum().backward()
    rows = inputs.grad.flatten(1).numpy().astype(np.float64)
    expected = sum(
        abs(np.log(np.abs(np.corrcoef(rows[batch.targets.numpy() == one])) + 1e-5).sum()) for one in range(3)
    )
    assert proxies["epe_nas"]()(model, batch) == pytest.approx(expected, rel=1e-4)


def test_epe_nas_of_numbers_groups_by_rank(batch):
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.ReLU(), nn.Linear(8, 1))
    numbers = torch.linspace(0, 1, 12)[:, None]
    one = proxies["epe_nas"]()(model, ProxyBatch(batch.inputs, numbers, functional.mse_loss))
    other = proxies["epe_nas"]()(model, ProxyBatch(batch.inputs, numbers.exp(), functional.mse_loss))
    assert one == pytest.approx(other)


def test_epe_nas_of_many_classes_averages_differences(model, batch):
    targets = torch.arange(12) // 4 + 120
    found = proxies["epe_nas"]()(model, ProxyBatch(batch.inputs, targets, lambda outputs, _: outputs.sum()))
    assert found > 0


def test_nwot(model, batch):
    own = copy.deepcopy(model).train()
    total = np.zeros((12, 12))
    x = batch.inputs
    for part in own:
        if isinstance(part, nn.ReLU):
            code = (x.flatten(1) > 0).double().numpy()
            total += code @ code.T + (1 - code) @ (1 - code.T)
        x = part(x)
    assert proxies["nwot"]()(model, batch) == pytest.approx(np.linalg.slogdet(total)[1])


class Called(nn.Module):
    """The same as `network`'s first part, with ReLU as a function."""

    def __init__(self, conv, how):
        super().__init__()
        self.conv, self.how = conv, how

    def forward(self, x):
        y = self.conv(x)
        return self.how(y).flatten(1)


@pytest.mark.parametrize(
    "how", [torch.relu, functional.relu, torch.Tensor.relu, nn.ReLU(inplace=True), lambda y: torch.relu_(y.clone())]
)
def test_activations_are_seen_however_they_are_called(how, batch):
    conv = network()[0]
    expected = proxies["nwot"]()(Called(conv, nn.ReLU()), batch)
    assert proxies["nwot"]()(Called(conv, how), batch) == pytest.approx(expected)


def test_synflow(batch):
    model = network()
    own = copy.deepcopy(model).double().eval()
    own[1] = nn.Identity()
    for parameter in own.parameters():
        parameter.data.abs_()
    own(torch.ones(1, 3, 8, 8, dtype=torch.float64)).sum().backward()
    layers = [one for one in own.modules() if isinstance(one, (nn.Conv2d, nn.Linear))]
    expected = math.log(sum((one.weight * one.weight.grad).abs().sum().item() for one in layers))
    assert proxies["synflow"]()(model, batch) == pytest.approx(expected)


def test_zen(batch):
    model = network()
    assert Zen()(model, batch) != Zen(step=0.5)(model, batch)
    own = copy.deepcopy(model).train()
    noise = torch.Generator().manual_seed(batch.seed)
    with torch.no_grad():
        for parameter in own.parameters():
            if parameter.dim() > 1:
                parameter.copy_(torch.randn(parameter.shape, generator=noise))
        for layer in (own[0], own[3], own[7]):
            layer.bias.zero_()
        first = torch.randn(batch.inputs.shape, generator=noise)
        second = first + 0.01 * torch.randn(batch.inputs.shape, generator=noise)
        one, other = own[:5](first), own[:5](second)
        change = (one - other).abs().flatten(1).sum(1).mean().log()
    expected = float(change) + 0.5 * math.log(float(own[1].running_var.mean()))
    assert Zen()(model, batch) == pytest.approx(expected, rel=1e-4)


def test_params_and_flops(model, batch):
    found = together(model, batch, "params,flops").values
    assert found["params"] * 1e6 == sum(one.numel() for one in model.parameters())
    by_hand = 64 * 6 * 27 + 9 * 4 * 54 + 4 * 3
    assert found["flops"] * 1e6 == pytest.approx(2 * by_hand)


def test_zico(batch):
    model = network(norm=False)
    expected = 0.0
    halves = [trained(model, ProxyBatch(batch.inputs[rows], batch.targets[rows], batch.loss))[1]
              for rows in (slice(0, 6), slice(6, 12))]  # fmt: skip
    for one, other in zip(*halves, strict=True):
        gradients = np.stack([layer.weight.grad.flatten().numpy().astype(np.float64) for layer in (one, other)])
        spread = gradients.std(0)
        there = spread > 0
        expected += math.log((np.abs(gradients).mean(0)[there] / spread[there]).sum())
    assert ZiCo()(model, batch) == pytest.approx(expected, rel=1e-3)


def test_meco_tells_copies_of_channels(batch):
    model = network()
    twins = copy.deepcopy(model)
    with torch.no_grad():
        twins[0].weight[1:] = twins[0].weight[:1]
        twins[0].bias[1:] = twins[0].bias[:1]
    assert proxies["meco"]()(twins, batch) < proxies["meco"]()(model, batch)


def test_expressivity_of_a_linear_block():
    model = nn.Sequential(nn.Linear(3, 40), nn.Linear(40, 40), nn.Linear(40, 2))
    batch = ProxyBatch(torch.zeros(500, 3), torch.zeros(500, 2), functional.mse_loss)
    entropy = Expressivity()(model, batch)
    assert 1.0 < entropy <= 2 * math.log(3)  # what comes from three inputs has three directions


def test_trainability_is_best_where_signals_keep_their_size(batch):
    conv = [nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6))]
    blocks = [nn.Sequential(nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6)) for _ in range(2)]
    tail = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)]
    assert Trainability()(nn.Sequential(*conv, *blocks, *tail), batch) <= 0
    idle = nn.Sequential(*conv, nn.Sequential(nn.Identity()), nn.Sequential(nn.Identity()), *tail)
    with pytest.raises(EvaluationError, match="Trainability is -inf"):
        Trainability()(idle, batch)


class Deaf(nn.Module):
    """Its output doesn't depend on its input."""

    def __init__(self):
        super().__init__()
        self.lost = nn.Linear(192, 3)
        self.head = nn.Linear(3, 3)

    def forward(self, x):
        return self.head(torch.zeros_like(torch.relu(self.lost(x.flatten(1)))))


def test_a_network_without_a_way_through(batch):
    found = together(Deaf(), batch)
    assert {"jacov", "epe_nas", "synflow"} <= set(found.failed)
    assert "no way from input to output" in found.failed["jacov"]
    assert found.values["grad_norm"] == 0
    assert list(found.values) == [name for name in found.values if name not in found.failed]


@pytest.mark.parametrize(
    ("name", "said"),
    [("jacov", "whole numbers"), ("zen", "whole numbers"), ("expressivity", "whole numbers")],
)
def test_tokens_have_no_gradient(name, said):
    model = nn.Sequential(nn.Embedding(5, 4), nn.Flatten(), nn.Linear(12, 2))
    batch = ProxyBatch(torch.zeros(4, 3, dtype=torch.long), torch.zeros(4, dtype=torch.long), functional.cross_entropy)
    with pytest.raises(EvaluationError, match=said):
        proxies[name]()(model, batch)


def test_other_clear_errors(batch):
    frozen = nn.Sequential(nn.Flatten(), nn.Linear(192, 3)).requires_grad_(requires_grad=False)
    with pytest.raises(EvaluationError, match="no trainable matrix"):
        proxies["snip"]()(frozen, batch)
    with pytest.raises(EvaluationError, match="met none of torch's"):
        proxies["nwot"]()(nn.Sequential(nn.Flatten(), nn.Linear(192, 3)), batch)
    with pytest.raises(EvaluationError, match="2 parts of at least two examples"):
        ZiCo()(network(), ProxyBatch(batch.inputs[:3], batch.targets[:3], batch.loss))
    with pytest.raises(InvalidInput, match="at least 2, but got 1"):
        ZiCo(parts=1)
    with pytest.raises(InvalidInput, match="above 0, but got 0"):
        Zen(step=0)
    with pytest.raises(InvalidInput, match="at least two examples"):
        ProxyBatch(batch.inputs[:1], batch.targets[:1], batch.loss)


class Detached(nn.Linear):
    """Its output has no gradient."""

    def forward(self, x):
        return super().forward(x.flatten(1)).detach()


def test_what_has_no_gradient_has_no_score(batch):
    found = together(Detached(192, 3), batch, "snip,grad_norm,plain,fisher,grasp,zico")
    assert not found.values
    assert "the loss has none" in found.failed["snip"]
    frozen = network().requires_grad_(requires_grad=False)
    with pytest.raises(EvaluationError, match="SynFlow needs gradients, but the model has no trainable"):
        proxies["synflow"]()(frozen, batch)


def test_values_that_are_no_numbers_give_no_score(batch):
    inputs = batch.inputs.clone()
    inputs[3, 0, 0, 0] = math.nan
    found = together(network(), ProxyBatch(inputs, batch.targets, batch.loss), "zico,snip,params")
    assert list(found.values) == ["params"]
    assert "no numbers" in found.failed["zico"]


def test_nwot_says_that_examples_look_alike(batch):
    few = nn.Sequential(nn.Flatten(), nn.Linear(192, 2), nn.ReLU(), nn.Linear(2, 3))
    with pytest.raises(EvaluationError, match="of 12 examples some switch on the same ones"):
        proxies["nwot"]()(few, batch)


class Hard(nn.Module):
    """With an activation that torch can't differentiate twice."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(192, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.last(functional.hardsigmoid(self.first(x.flatten(1))))


def test_grasp_of_what_torch_cannot_differentiate_twice(batch):
    assert math.isfinite(proxies["grasp"]()(Hard(), batch))


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_blocks_are_found_however_deep_they_lie(depth, batch):
    inner = [nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 3), nn.ReLU(), nn.Conv2d(6, 4, 3)]
    body = nn.Sequential(*inner)
    for _ in range(depth):
        body = nn.Sequential(body)
    model = nn.Sequential(body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    shapes = [one.shape[1:] for one in block_features(model, {}, batch.inputs)]
    assert shapes == [(6, 6, 6), (6, 4, 4), (4, 2, 2)]


class InTurns(nn.Module):
    """A cell that runs once for each step."""

    def __init__(self):
        super().__init__()
        self.enter, self.cell, self.head = nn.Linear(4, 8), Steps(), nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.cell(self.enter(x))[:, -1])


class Steps(nn.Module):
    def __init__(self):
        super().__init__()
        self.gates = nn.ModuleList([nn.Linear(8, 8), nn.Linear(8, 8)])

    def forward(self, x):
        state, found = torch.zeros_like(x[:, 0]), []
        for step in x.unbind(1):
            state = torch.tanh(self.gates[0](step) + self.gates[1](state))
            found.append(state)
        return torch.stack(found, 1)


def test_blocks_of_a_recurrent_network():
    batch = ProxyBatch(torch.randn(8, 5, 4), torch.randn(8, 2), functional.mse_loss)
    assert [one.shape[1:] for one in block_features(InTurns(), {}, batch.inputs)] == [(5, 8), (5, 8)]
    assert set(together(InTurns(), batch, "expressivity,progressivity,trainability").values) == {
        "expressivity", "progressivity", "trainability",
    }  # fmt: skip
