"""The space contract finds what it is for: a space that breaks each rule."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn as torch_nn

from netwright import Arch, Space, choice, defer, integer, nn
from netwright.testing import check_networks, check_space


class Broken(Space):
    """A space with one method replaced."""

    def __init__(self, **methods) -> None:
        super().__init__({"x": integer(0, 5, label="x"), "y": choice([1, 2, 3], label="y")})
        self._methods = methods
        for name, method in methods.items():
            setattr(self, name, method)

    def __reduce__(self):
        return _again, (self._methods,)


def _again(methods):
    return Broken(**methods)


def _unchanged(arch, _):
    return arch


def _everything_else(arch, _):
    return Arch({"x": 5 - arch["x"], "y": arch["y"] % 3 + 1})


def _upwards(arch):
    return [arch.replace(x=arch["x"] + 1)] if arch["x"] < 5 else []


def _illegal(_):
    return Arch({"x": 9, "y": 1})


def _twice(arch):
    return [arch.replace(y=3 - arch["y"] // 2)] * 2


def _child_of_nobody(_, __, ___):
    return Arch({"x": 5, "y": 3})


def _constant(_):
    return np.zeros(4)


def _too_long(arch):
    return np.full(arch["x"] + 1, 0.5)


def _too_many():
    return 19


def _drifting(arch):
    return arch.replace(x=(arch["x"] + 1) % 6)


def _from_nowhere(_):
    return Arch({"x": int(np.random.randint(6)), "y": 1})  # noqa: NPY002  # what is to be found


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ({"mutate": _unchanged}, "`mutate` must change one decision, but changed"),
        ({"mutate": _everything_else}, r"`mutate` must change one decision, but changed \['x', 'y'\]"),
        ({"neighbours": _upwards}, "being a neighbour must be mutual"),
        ({"neighbours": _twice}, "a neighbour comes twice"),
        ({"crossover": _child_of_nobody}, "'[xy]' comes from neither parent"),
        ({"encode": _constant}, "different arches must have different encodings"),
        ({"encode": _too_long}, "every encoding must have length 4"),
        ({"size": _too_many}, r"`size\(\)` says 19, but `enumerate\(\)` gives 18 arches"),
        ({"canonical": _drifting}, "`canonical` of a canonical arch must be itself"),
        ({"sample": _from_nowhere}, "global random state of numpy|equal generators must draw equal arches"),
        ({"sample": _illegal}, "this is not an arch"),
    ],
)
def test_broken_spaces_are_found(methods, message):
    with pytest.raises((AssertionError, ValueError), match=message):
        check_space(Broken(**methods), n_samples=12)


class DeadEnd(torch_nn.Module):
    """Has a parameter that its output doesn't depend on."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = torch_nn.Parameter(torch.zeros(2))
        self.linear = torch_nn.Linear(2, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x)


class Restless(torch_nn.Module):
    """Is another network each time."""

    n_made = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).n_made += 1
        self.bias = torch_nn.Parameter(torch.full((2,), float(type(self).n_made)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.bias


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (defer(DeadEnd), "these parameters get no gradient: 0.unused"),
        (defer(Restless), "equal seeds must give equal weights"),
        (nn.Linear(3, 2), "the default arch must be buildable"),
    ],
)
def test_broken_networks_are_found(part, message):
    space = Space(nn.Sequential(part))
    with pytest.raises(AssertionError, match=message):
        check_networks(space, [space.default()], input_shape=(2,))
