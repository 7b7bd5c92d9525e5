"""A user's own file of layers, for tests: classes, functions and constants that an export must carry along."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812  # as half the world writes it
from torch import nn
from torch import nn as torch_nn

if TYPE_CHECKING:
    from collections.abc import Sequence

SLOPE = 0.1
WIDTHS = {"narrow": 2, "wide": 4}
x = torch.zeros(3)  # a script's own variable: named like an argument below, and of no concern to an export


def slope_of(degrees: float) -> float:
    """Uses a module and a constant."""
    return math.tan(math.radians(degrees)) + SLOPE


@dataclass(frozen=True)
class Scale:
    """A base class, so that order matters."""

    factor: float = 2.0

    def apply(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factor


class Parent(torch_nn.Module):
    """A class that another one inherits from."""

    def __init__(self, in_features: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, WIDTHS["wide"] * width)


class Child(Parent):
    """Uses all of the above; its annotations name what exists for type checkers only."""

    def __init__(self, in_features: int, width: int, scales: Sequence[float] = (1.0, 2.0)) -> None:
        super().__init__(in_features, width)
        self.scales = [Scale(factor) for factor in scales]
        self.slope = slope_of(45)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.leaky_relu(self.linear(x), self.slope)
        for scale in self.scales:
            x = scale.apply(x)
        return x


class WithLazyParts(nn.Module):
    """Has a lazy layer of its own inside."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.LazyLinear(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x)


class LooksAtValues(nn.Module):
    """Can't run without values: as some layers in the wild."""

    def __init__(self, in_features: int) -> None:
        super().__init__()
        self.rates = [rate.item() for rate in torch.linspace(0, 1, 3)]
        self.linear = nn.Linear(in_features, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x) if float(x.sum()) == 0 else 2 * self.linear(x)


class MakesTensors(nn.Module):
    """Makes a tensor in its forward pass without naming a device."""

    def __init__(self, in_features: int) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x + torch.arange(x.shape[1]))


class NeverCalled(nn.Module):
    """Holds a part that it doesn't use."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def build(width: int) -> nn.Module:
    """Named like a function of the exported file."""
    return nn.Linear(width, 2)
