"""Every registered proxy keeps the contract; proxies that break it are found out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest
import torch
from torch import nn

from netwright.core.errors import EvaluationError
from netwright.core.registry import proxies
from netwright.evaluators.proxies import THIRTEEN, Proxy, ProxyBatch, SharedProxy
from netwright.testing import check_proxy


@pytest.mark.parametrize("name", list(proxies))
def test_registered_proxies(name):
    proxy = proxies[name]()
    assert isinstance(proxy, Proxy)
    assert isinstance(proxy, SharedProxy)
    check_proxy(proxy)


def test_all_of_the_thirteen_are_there():
    assert len(THIRTEEN) == 13
    assert set(THIRTEEN) | {"zico", "meco", "expressivity", "progressivity", "trainability"} == set(proxies)


@pytest.mark.parametrize("name", list(proxies))
def test_the_summary_names_the_paper(name):
    text = proxies[name].__doc__
    assert re.search(r"\b(19|20)\d\d\b|arXiv:", text)
    assert "igher is" in text


@dataclass(frozen=True)
class Broken:
    how: str = ""

    def __call__(self, model, batch):
        if self.how == "grows":
            with torch.no_grad():
                next(model.parameters()).add_(1)
        elif self.how == "mode":
            model.train(not model.training)
        elif self.how == "gradient":
            loss = batch.loss(model(batch.inputs), batch.targets)
            loss.backward()
        elif self.how == "draws":
            torch.randn(3)
        elif self.how == "batch":
            batch.targets.add_(1)
        elif self.how == "hook":
            model.register_forward_hook(lambda *_: None)
        elif self.how == "short":
            raise EvaluationError("no.")
        elif self.how == "never":
            raise EvaluationError("this proxy never has a number to give.")
        elif self.how == "nan":
            return float("nan")
        elif self.how == "by identity":
            return float(id(model))
        return 1.0


@dataclass
class Mutable:
    calls: list[int] = field(default_factory=list)

    def __call__(self, model, batch):
        return 1.0


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("grows", "changed its weights"),
        ("mode", "changed its modes"),
        ("gradient", "(changed its|global random state)"),
        ("draws", "global random state of torch"),
        ("batch", "must not change the batch"),
        ("hook", "changed its hooks"),
        ("short", "must say why"),
        ("never", "gives a number for none"),
        ("nan", "finite float"),
        ("by identity", "must give the same"),
    ],
)
def test_broken_proxies_are_found(how, said):
    with pytest.raises(AssertionError, match=said):
        check_proxy(Broken(how))


def test_a_proxy_that_can_change_is_found():
    with pytest.raises(AssertionError, match="frozen dataclass"):
        check_proxy(Mutable())


def test_ones_own_models():
    model = nn.Linear(2, 1)
    batch = ProxyBatch(torch.randn(4, 2), torch.randn(4, 1), nn.functional.mse_loss)
    check_proxy(proxies["grad_norm"](), {"mine": (model, batch)})
