"""`Mixture`: the options of a choice as one module, weighted; and what the mixtures of a network have in common.

Options of weight zero in hard samples are not computed at all. None as an option is the identity in a `Sequential`,
and nothing on an edge of a cell, as it is in a single arch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from netwright.core.errors import InvalidInput, InvalidSpace
from netwright.oneshot.arch_parameters import MixedChoice
from netwright.oneshot.relaxation.partial_channels import Thin, rejoined, split_channels
from netwright.oneshot.relaxation.weighted_sum import weighted_sum

__all__ = ["MixedDepth", "Mixing", "Mixture", "Row"]


@dataclass(frozen=True, slots=True)
class Row:
    """The weights of one choice in a forward pass.

    Attributes:
        weights: (options,).
        active: the indices of the options that are computed.
        hard: whether each active one weighs 1, and no gradient of that is wanted.
    """

    weights: torch.Tensor
    active: tuple[int, ...]
    hard: bool = False


@dataclass(slots=True, eq=False)
class Mixing:
    """What the mixtures of one network are told before a forward pass.

    Attributes:
        rows: of each choice by name; empty: the network is being measured.
        edges: the weights of the edges that enter a node, by the name of the row; empty: all count fully.
        partial: 1/partial of the channels are mixed, the others are passed on.
        skip_dropout: how much of the skip connections' output is dropped in training.
        depth_share: of blocks that follow each other and are alike, the share that is computed.
        measured: whether the network has seen its input.
    """

    rows: dict[str, Row] = field(default_factory=dict)
    edges: dict[str, torch.Tensor] = field(default_factory=dict)
    partial: int = 1
    skip_dropout: float = 0.0
    depth_share: float = 1.0
    measured: bool = False

    def row(self, name: str) -> Row:
        """The weights of a choice.

        Raises:
            InvalidInput: if nothing was sampled.
        """
        if name not in self.rows:
            raise InvalidInput(f"{name!r} has no weights yet: call `sample()` of the relaxed network first.")
        return self.rows[name]


class Mixture(nn.Module):
    """The weighted sum of a choice's options.

    Args:
        mixed: the choice.
        options: a module for each option, or None.
        mixing: the weights.
        identity: what None is: the identity, or nothing.
    """

    def __init__(
        self, mixed: MixedChoice, options: Sequence[nn.Module | None], mixing: Mixing, *, identity: bool
    ) -> None:
        super().__init__()
        self.mixed = mixed
        self.mixing = mixing
        self.nothing = tuple(option is None and not identity for option in options)
        self.skips = tuple(isinstance(o, nn.Identity) or (o is None and identity) for o in options)
        self.options = nn.ModuleList([nn.Identity() if option is None else option for option in options])
        self._thin: dict[tuple[int, int], Thin] = {}  # of an option, by 1/share of its channels
        self._shapes: dict[tuple[int, ...], tuple[int, ...]] = {}  # of outputs, by the inputs'

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.mixing.measured:
            return self._measured(x)
        row = self.mixing.row(self.mixed.name)
        if self.mixing.partial > 1:
            return self._partly(x, row)
        weights, outputs = self._outputs(x, row, self.options)
        return self.total(weights, outputs, x, row)

    def total(
        self, weights: list[torch.Tensor], outputs: list[torch.Tensor], x: torch.Tensor, row: Row
    ) -> torch.Tensor:
        """The weighted sum of what the active options gave."""
        if not outputs:
            return self.zeros(x)
        if row.hard:
            return outputs[0] if len(outputs) == 1 else torch.stack(outputs).sum(0)
        return weighted_sum(torch.stack(weights), outputs)

    def skipped(self, x: torch.Tensor) -> torch.Tensor:
        """What a skip connection passes on."""
        share = self.mixing.skip_dropout if self.training else 0.0
        return functional.dropout(x, share) if share else x

    def thin(self, option: int, k: int) -> Thin:
        """An option on 1/k of its channels."""
        found = self._thin.get((option, k))
        if found is None:
            found = self._thin[option, k] = Thin(self.options[option], k)
        return found.train(self.training)

    def zeros(self, x: torch.Tensor) -> torch.Tensor:
        """Nothing, in the shape that the options have."""
        shape = self._shapes.get(tuple(x.shape[1:]))
        if shape is None:
            with torch.no_grad():
                i = next((i for i, nothing in enumerate(self.nothing) if not nothing), None)
                shape = tuple(x.shape[1:]) if i is None else tuple(self.options[i](x[:1]).shape[1:])
            self._shapes[tuple(x.shape[1:])] = shape
        return x.new_zeros(len(x), *shape)

    def _outputs(self, x: torch.Tensor, row: Row, options: Any) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        weights, outputs = [], []
        for i in row.active:
            if not self.nothing[i]:
                outputs.append(self.skipped(x) if self.skips[i] else options[i](x))
                weights.append(row.weights[i])
        return weights, outputs

    def _partly(self, x: torch.Tensor, row: Row) -> torch.Tensor:
        """1/k of the channels mixed, the others passed on, and all of them shuffled (Xu et al. 2020)."""
        k = self.mixing.partial
        some, others = split_channels(x, k)
        thin = {i: self.thin(i, k) for i in row.active if not (self.nothing[i] or self.skips[i])}
        weights, outputs = self._outputs(some, row, thin)
        if outputs:
            y = self.total(weights, outputs, some, row)
        else:
            whole = self.zeros(x)
            y = whole[:, : some.shape[1]]
        return rejoined(y, others, k)

    def _measured(self, x: torch.Tensor) -> torch.Tensor:
        """The output of the first option, after all have been seen to give the same shape."""
        found: dict[Any, tuple[int, ...]] = {}
        first: torch.Tensor | None = None
        for option, key, nothing in zip(self.options, self.mixed.options, self.nothing, strict=True):
            if not nothing:
                y = option(x)
                found[key] = tuple(y.shape[1:])
                first = y if first is None else first
        if len(set(found.values())) > 1:
            said = ", ".join(f"{key!r} gives {shape}" for key, shape in found.items())
            raise InvalidSpace(
                f"the options of {self.mixed.name!r} must give one shape to be mixed, but for inputs of shape "
                f"{tuple(x.shape[1:])} {said}: make them agree, or use `spos`, which trains one option at a time."
            )
        if first is None:
            first = torch.zeros_like(x)
        self._shapes[tuple(x.shape[1:])] = tuple(first.shape[1:])
        return first


class MixedDepth(nn.Module):
    """Blocks one after the other whose output is the weighted sum of what each allowed depth gives.

    Args:
        mixed: the choice of the depth.
        blocks: the blocks; None is no layer.
        minimum: the smallest depth.
        mixing: the weights.
    """

    def __init__(self, mixed: MixedChoice, blocks: Sequence[nn.Module | None], minimum: int, mixing: Mixing) -> None:
        super().__init__()
        self.mixed = mixed
        self.minimum = minimum
        self.mixing = mixing
        self.blocks = nn.ModuleList([nn.Identity() if block is None else block for block in blocks])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.mixing.measured:
            return self._measured(x)
        row = self.mixing.row(self.mixed.name)
        weights, outputs = [], []
        deepest = max(row.active) + self.minimum
        for depth in range(deepest + 1):
            i = depth - self.minimum
            if i in row.active:
                weights.append(row.weights[i])
                outputs.append(x)
            if depth < deepest:
                x = self.blocks[depth](x)
        if row.hard:
            return outputs[0] if len(outputs) == 1 else torch.stack(outputs).sum(0)
        return weighted_sum(torch.stack(weights), outputs)

    def _measured(self, x: torch.Tensor) -> torch.Tensor:
        shapes = {}
        for depth in range(len(self.blocks) + 1):
            if depth >= self.minimum:
                shapes[depth] = tuple(x.shape[1:])
            if depth < len(self.blocks):
                x = self.blocks[depth](x)
        if len(set(shapes.values())) > 1:
            said = ", ".join(f"{depth} gives {shape}" for depth, shape in shapes.items())
            raise InvalidSpace(
                f"the depths of {self.mixed.name!r} must give one shape to be mixed, but {said}: let the blocks keep "
                "the shape, or use `ofa`, which trains one depth at a time."
            )
        return x
