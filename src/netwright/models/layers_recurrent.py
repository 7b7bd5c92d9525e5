"""Recurrent cells made of highway nodes: the layers of the spaces of ENAS and DARTS for sequences.

`RecurrentCell` is a container like `Cell`: it gets its nodes as arguments and holds no weights of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

__all__ = ["Highway", "LastStep", "LockedDropout", "OutputBias", "RecurrentCell", "RowsAsSteps", "TiedDecoder"]


class Highway(nn.Module):
    """state + c * (activation(h) - state), where c and h come from what enters: c is a gate between 0 and 1.

    Zilly et al. 2017, Recurrent highway networks, https://arxiv.org/abs/1607.03474.

    Args:
        in_features: of what enters.
        size: of the state.
        activation: of h.
    """

    def __init__(self, in_features: int, size: int, activation: nn.Module) -> None:
        super().__init__()
        self.size = size
        self.gates = nn.Linear(in_features, 2 * size, bias=False)
        self.activation = activation

    def forward(self, x: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        c, h = self.gates(x).chunk(2, dim=-1)  # (B, size) each
        return state + torch.sigmoid(c) * (self.activation(h) - state)


class RecurrentCell(nn.Module):
    """A tree of highway nodes at each step of a sequence: (batch, time, features) → (batch, time, size).

    Pham et al. 2018, ENAS, https://arxiv.org/abs/1802.03268, section 2.1. Node 0 takes in the step's features beside
    the state before; every later node takes one earlier node; the mean of some is the new state. It starts at zero.

    Args:
        n_nodes: the number of nodes, node 0 included.
        edges: (source, target, node), or lists of such: the module of each node from 1 on, and where it takes from.
        entry: node 0: called with the features beside the state before, and that state.
        output: the nodes whose mean is the new state: those that are `unused` by others, or all from 1 on (`mean`).

    Attributes:
        wiring: (source, target) of each edge.
        operations: the module of each edge, in the same order.
        ending: the nodes whose mean is taken.
    """

    def __init__(self, n_nodes: int, edges: list[Any], *, entry: nn.Module, output: str | Sequence[int]) -> None:
        super().__init__()
        flat = [edge for item in edges for edge in (item if isinstance(item, list) else [item])]
        self.n_nodes = n_nodes
        self.wiring = [(source, target) for source, target, _ in flat]
        sources = {source for source, _ in self.wiring}
        named = {"mean": list(range(1, n_nodes)), "unused": [n for n in range(n_nodes) if n not in sources]}
        self.ending = named[output] if isinstance(output, str) else list(output)
        self.entry = entry
        self.operations = nn.ModuleList([module for _, _, module in flat])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        state = x.new_zeros((x.shape[0], self.size))
        outputs = []
        for features in x.unbind(1):
            state = self.step(features, state)
            outputs.append(state)
        return torch.stack(outputs, dim=1)

    def step(self, features: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        """The new state, from a step's features (batch, features) and the state before (batch, size)."""
        states = {0: self.entry(torch.cat([features, state], dim=-1), state)}
        for (source, target), node in zip(self.wiring, self.operations, strict=False):  # each after its source
            states[target] = node(states[source], states[source])
        ending = [states[node] for node in self.ending]
        return torch.stack(ending).mean(0) if len(ending) > 1 else ending[0]

    @property
    def size(self) -> int:
        """Of the state."""
        return int(self.entry.size)  # type: ignore[arg-type]  # a node's


class LastStep(nn.Module):
    """The last step of a sequence: (batch, time, features) → (batch, features)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, -1]


class RowsAsSteps(nn.Module):
    """The rows of an image as the steps of a sequence: (batch, channels, rows, columns) → (batch, rows, features)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.transpose(1, 2).flatten(2)


class LockedDropout(nn.Module):
    """Dropout with one mask for all steps of a sequence (Gal & Ghahramani 2016, https://arxiv.org/abs/1512.05287).

    Args:
        p: the share of features that is dropped.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or self.p == 0:
            return x
        kept = x.new_empty((x.shape[0], 1, x.shape[2])).bernoulli_(1 - self.p)
        return x * (kept / (1 - self.p))


class OutputBias(nn.Module):
    """Adds a number of its own to each output.

    Args:
        num_features: how many outputs.
    """

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(num_features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.bias


class TiedDecoder(nn.Module):
    """A model of tokens whose decoder has the weights of its embedding, and a bias of its own.

    Press & Wolf 2017, https://arxiv.org/abs/1608.05859.

    Args:
        embedding: tokens to vectors, an `nn.Embedding`.
        body: from these vectors to as many features, in the last axis.
        bias: what is added to the outputs.
    """

    def __init__(self, embedding: nn.Embedding, body: nn.Module, bias: nn.Module) -> None:
        super().__init__()
        self.embedding = embedding
        self.body = body
        self.bias = bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.bias(nn.functional.linear(self.body(self.embedding(x)), self.embedding.weight))
