"""What any zero-cost proxy has to hold: reproducible, at ease with any module and task, and without a trace."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Mapping

import torch
from torch import nn
from torch.nn import functional

from netwright.core.errors import EvaluationError
from netwright.evaluators.proxies import Proxy, ProxyBatch
from netwright.testing.copies import pickled_copy
from netwright.testing.global_state import unchanged_global_state

__all__ = ["check_proxy", "toy_models"]

Case = tuple[nn.Module, ProxyBatch]


def check_proxy(proxy: Proxy, cases: Mapping[str, Case] | None = None) -> None:
    """Check that a proxy keeps its contract, on one's own models or on several small ones.

    Checked: it is a frozen, hashable, picklable object; it gives a finite number, or an `EvaluationError` that says
    why not, and a number for some model; the same again for the same model and batch, also where gradients are
    switched off; weights, buffers, modes, hooks, gradients, `requires_grad`, the batch and the global random state
    stay as they were, also after an error.

    Args:
        proxy: the proxy.
        cases: models and batches by name; networks for images, tables, sequences and tokens if not given.

    Example:
        >>> from netwright.core.registry import proxies
        >>> check_proxy(proxies["snip"]())

    Raises:
        AssertionError: saying which rule is broken.
    """
    frozen = dataclasses.is_dataclass(proxy) and type(proxy).__dataclass_params__.frozen
    if not frozen:
        raise AssertionError(f"{proxy!r} must be a frozen dataclass.")
    if pickled_copy(proxy) != proxy or hash(pickled_copy(proxy)) != hash(proxy):
        raise AssertionError(f"a pickled copy of {proxy!r} must be equal to it.")
    tried = toy_models() if cases is None else cases
    found = {name: _checked(proxy, name, *case) for name, case in tried.items()}
    if all(value is None for value in found.values()):
        raise AssertionError(f"{proxy!r} gives a number for none of the models: {', '.join(found)}.")


def toy_models() -> dict[str, Case]:
    """Small models of many kinds, each with a batch: images, tables, sequences, tokens; classes and numbers."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(7)
        images, classes = torch.randn(8, 3, 8, 8), torch.arange(8) % 3
        numbers = torch.randn(8, 2)
        convolutions = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1),
            nn.BatchNorm2d(6),
            nn.ReLU(inplace=True),
            nn.Dropout(0.2),
            _Shortcut(6),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(6, 3),
        )
        table = nn.Sequential(nn.Linear(5, 16), nn.GELU(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 2))
        table[2].requires_grad_(requires_grad=False)
        return {
            "images": (convolutions, ProxyBatch(images, classes, functional.cross_entropy)),
            "images in place": (
                nn.Sequential(nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(192, 3)).eval(),
                ProxyBatch(images, classes, functional.cross_entropy, seed=3),
            ),
            "table, partly frozen": (table, ProxyBatch(torch.randn(8, 5), numbers, functional.mse_loss)),
            "sequence": (_Sequence(), ProxyBatch(torch.randn(8, 6, 4), numbers, functional.mse_loss)),
            "tokens": (_Tokens(), ProxyBatch(torch.arange(48).view(8, 6) % 11, classes, functional.cross_entropy)),
            "recurrent": (_Recurrent(), ProxyBatch(torch.randn(8, 6, 4), numbers, functional.mse_loss)),
        }


class _Shortcut(nn.Module):
    """With activations that are called as functions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(x + self.norm(self.conv(x)))


class _Sequence(nn.Module):
    """Attention with layer normalisation, and a head on the mean."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Linear(4, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.head = nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.head(self.layer(self.enter(x)).mean(1))
        return y


class _Tokens(nn.Module):
    """An embedding, a hidden layer, a head: its inputs are whole numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 8)
        self.hidden = nn.Linear(8, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.head(torch.relu(self.hidden(self.embed(x).mean(1))))
        return y


class _Recurrent(nn.Module):
    """A recurrent layer, whose activations are out of sight."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.GRU(4, 8, batch_first=True)
        self.head = nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.head(self.layer(x)[0][:, -1])
        return y


def _checked(proxy: Proxy, name: str, model: nn.Module, batch: ProxyBatch) -> float | None:
    """The score, or None where the proxy says that there is none."""
    where = f"{proxy!r} on {name!r}"
    for parameter in model.parameters():  # gradients of somebody else's
        parameter.grad = torch.full_like(parameter, 0.5)
    before, given = _state(model), (batch.inputs.clone(), batch.targets.clone())
    values: list[float | None] = []
    for number in range(3):
        with unchanged_global_state(where), torch.set_grad_enabled(number != 1):
            try:
                score = proxy(copy.deepcopy(model) if number == 2 else model, batch)
            except EvaluationError as error:
                if len(str(error)) < 20:
                    raise AssertionError(f"{where} must say why there is no score, but says {error}.") from error
                values.append(None)
            else:
                if not isinstance(score, float) or not math.isfinite(score):
                    raise AssertionError(
                        f"{where} must give a finite float, or an EvaluationError, but gave {score!r}."
                    )
                values.append(score)
        _compare(where, before, _state(model))
        if not (torch.equal(given[0], batch.inputs) and torch.equal(given[1], batch.targets)):
            raise AssertionError(f"{where} must not change the batch.")
    if batch.inputs.requires_grad or len(set(values)) > 1:
        raise AssertionError(f"{where} must give the same for the same model and batch, but gave {values}.")
    for parameter in model.parameters():
        parameter.grad = None
    return values[0]


def _state(model: nn.Module) -> dict[str, object]:
    """Everything that must stay, as values that can be compared."""
    hooks = [
        (name, len(module._forward_hooks), len(module._forward_pre_hooks), len(module._backward_hooks))  # noqa: SLF001  # where torch keeps them
        for name, module in model.named_modules()
    ]
    parameters = dict(model.named_parameters())
    return {
        "weights": {name: one.detach().clone() for name, one in parameters.items()},
        "buffers": {name: one.clone() for name, one in model.named_buffers()},
        "gradients": {name: one.grad.clone() for name, one in parameters.items() if one.grad is not None},
        "modes": [module.training for module in model.modules()],
        "requires_grad": [one.requires_grad for one in parameters.values()],
        "hooks": hooks,
        "parameters": [id(one) for one in parameters.values()],
        "attributes": [sorted(vars(module)) for module in model.modules()],
    }


def _compare(where: str, before: dict[str, object], after: dict[str, object]) -> None:
    for name, old in before.items():
        new = after[name]
        if isinstance(old, dict) and isinstance(new, dict):
            same = old.keys() == new.keys() and all(torch.equal(old[key], new[key]) for key in old)
        else:
            same = old == new
        if not same:
            raise AssertionError(f"{where} must leave the model as it was, but changed its {name}.")
