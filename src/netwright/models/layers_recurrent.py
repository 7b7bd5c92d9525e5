"""Recurrent cells made of highway nodes: the layers of the spaces of ENAS and DARTS for sequences.

`RecurrentCell` is a container like `Cell`: it gets its nodes as arguments and holds no weights of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

__all__ = ["From", "Highway", "LastStep", "LockedDropout", "OutputBias", "RecurrentCell", "RowsAsSteps", "TiedDecoder"]


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


class From(nn.Module):
    """A node of a recurrent cell that takes one earlier node: what enters it is also what it carries on.

    Args:
        source: the earlier node.
        node: a `Highway`, or another module of two inputs.
    """

    def __init__(self, source: int, node: nn.Module) -> None:
        super().__init__()
        self.source = source
        self.node = node

    def forward(self, states: list[torch.Tensor] | torch.Tensor) -> torch.Tensor:
        state = states[:, self.source] if isinstance(states, torch.Tensor) else states[self.source]
        return self.node(state, state)


class RecurrentCell(nn.Module):
    """A tree of highway nodes at each step of a sequence: (batch, time, features) → (batch, time, size).

    Pham et al. 2018, ENAS, https://arxiv.org/abs/1802.03268, section 2.1. Node 0 takes in the step's features beside
    the state before; every later node takes one earlier node; the mean of some is the new state. It starts at zero.

    Args:
        nodes: node 1 and so on: `From` an earlier one; or other modules, which get all earlier states at once
            (batch, nodes, size), such as mixtures of such nodes.
        entry: node 0: called with the features beside the state before, and that state.
        output: the nodes whose mean is the new state: those that are `unused` by others, or all from 1 on (`mean`).

    Attributes:
        ending: the nodes whose mean is taken.
    """

    def __init__(self, nodes: Sequence[nn.Module], *, entry: nn.Module, output: str) -> None:
        super().__init__()
        taken = {node.source for node in nodes if isinstance(node, From)}
        self.ending = [place for place in range(1 + len(nodes)) if place > 0 or output == "unused"]
        if output == "unused":
            self.ending = [place for place in self.ending if place not in taken]
        self.entry = entry
        self.nodes = nn.ModuleList(nodes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        state = x.new_zeros((x.shape[0], self.size))
        outputs = []
        for features in x.unbind(1):
            state = self.step(features, state)
            outputs.append(state)
        return torch.stack(outputs, dim=1)

    def step(self, features: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        """The new state, from a step's features (batch, features) and the state before (batch, size)."""
        states = [self.entry(torch.cat([features, state], dim=-1), state)]
        for node in self.nodes:
            states.append(node(states if isinstance(node, From) else torch.stack(states, dim=1)))
        ending = [states[place] for place in self.ending]
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
