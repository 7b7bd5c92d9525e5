"""Several proxies of one model share passes, and say the same as each by itself."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import nn
from torch.nn import functional

from netwright.core.errors import EvaluationError, InvalidInput, NotFound
from netwright.core.registry import proxies
from netwright.evaluators.proxies import THIRTEEN, ProxyBatch, proxies_from, together
from netwright.testing.proxy_contract import toy_models


@pytest.mark.parametrize("name", list(toy_models()))
def test_together_is_as_each_by_itself(name):
    model, batch = toy_models()[name]
    found = together(model, batch, list(proxies))
    assert set(found.values) | set(found.failed) == set(proxies)
    assert not set(found.values) & set(found.failed)
    for proxy, value in found.values.items():
        assert value == pytest.approx(proxies[proxy]()(model, batch), rel=1e-5, abs=1e-9), proxy
    for proxy, why in found.failed.items():
        with pytest.raises(EvaluationError):
            proxies[proxy]()(model, batch)
        assert len(why) > 20


class Counting(nn.Module):
    """Counts its forward passes."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
        self.passes = 0

    def forward(self, x):
        self.passes += 1
        return self.body(x)


def test_one_forward_pass_serves_all_that_look_at_it():
    model = Counting()
    batch = ProxyBatch(torch.randn(8, 4), torch.arange(8) % 3, functional.cross_entropy)
    together(model, batch, "epe_nas,fisher,grad_norm,grasp,jacov,l2_norm,nwot,params,plain,snip")
    assert model.passes == 1


@dataclass(frozen=True)
class Depth:
    def __call__(self, model, batch):
        return float(len(list(model.modules())))


def test_ones_own_proxies_are_called_by_themselves():
    model, batch = toy_models()["table, partly frozen"]
    found = together(model, batch, {"depth": Depth(), "snip": proxies["snip"]()})
    assert list(found.values) == ["depth", "snip"]
    assert found.values["depth"] == len(list(model.modules()))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q = nn.Linear(4, 8)
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        y = self.q(x).unflatten(-1, (2, 4)).transpose(1, 2)
        return self.head(functional.scaled_dot_product_attention(y, y, y).transpose(1, 2).flatten(2).mean(1))


def test_fused_attention_has_a_curvature():
    batch = ProxyBatch(torch.randn(8, 5, 4), torch.randn(8, 2), functional.mse_loss)
    found = together(Attention(), batch)
    assert set(found.failed) == {"nwot"}  # there are no activation functions
    assert set(found.values) | {"nwot"} == set(THIRTEEN)


def test_a_score_that_is_no_number():
    model = nn.Linear(3, 2)
    batch = ProxyBatch(torch.randn(4, 3), torch.randn(4, 2), nn.functional.mse_loss)
    found = together(model, batch, {"own": lambda *_: "high", "params": proxies["params"]()})
    assert list(found.values) == ["params"]
    assert "must give a number, but gave 'high'" in found.failed["own"]


def test_names():
    assert list(proxies_from("zen")) == ["zen"]
    with pytest.raises(NotFound, match="unknown proxy 'synflo': did you mean 'synflow'"):
        proxies_from("synflo")
    with pytest.raises(InvalidInput, match="at least one proxy"):
        proxies_from([])
