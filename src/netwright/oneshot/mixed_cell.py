"""`MixedCell`: a cell whose edges are mixtures, computed with what its edges have in common.

All edges that leave a node read the same tensor. So ReLU and pooling are done once for each source, convolutions of
one kind become one convolution with the outputs of all targets, and their batch normalisation one that scales by the
mixture's weights on the way. The sums are the same as those of edges computed one by one, to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.nn.modules.pooling import _AvgPoolNd, _MaxPoolNd

from netwright.models.layers import Cell, ReLUConvNorm
from netwright.oneshot.arch_parameters import MixedChoice
from netwright.oneshot.mixture import Mixing, Mixture, Row
from netwright.oneshot.relaxation.partial_channels import Thin, rejoined, split_channels
from netwright.oneshot.relaxation.weighted_sum import weighted_sum

__all__ = ["MixedCell"]

_ALWAYS = Row(torch.ones(1), (0,), hard=True)


@dataclass(slots=True)
class _Job:
    """One operation on an edge, and what it weighs; no weight: it counts fully."""

    target: int
    operation: nn.Module
    weight: torch.Tensor | None


@dataclass(slots=True)
class _Sums:
    """What has come in at the nodes that aren't computed yet.

    Attributes:
        wide: sums for several targets, one after the other along the channels.
        whole: for each target, tensors that count fully.
        parts: for each target, tensors and their weights.
    """

    wide: dict[tuple[int, ...], torch.Tensor] = field(default_factory=dict)
    whole: dict[int, list[torch.Tensor]] = field(default_factory=dict)
    parts: dict[int, list[tuple[torch.Tensor, torch.Tensor]]] = field(default_factory=dict)

    def add(self, target: int, tensor: torch.Tensor, weight: torch.Tensor | None) -> None:
        if weight is None:
            self.whole.setdefault(target, []).append(tensor)
        else:
            self.parts.setdefault(target, []).append((weight, tensor))

    def add_wide(self, targets: tuple[int, ...], tensor: torch.Tensor) -> None:
        """A fresh tensor, which may be changed."""
        known = self.wide.get(targets)
        self.wide[targets] = tensor if known is None else tensor.add_(known)

    def of(self, node: int) -> torch.Tensor | None:
        """The sum at a node, none of whose edges is missing any more; None: nothing has come in."""
        whole = self.whole.pop(node, [])
        for targets in [targets for targets in self.wide if targets[0] == node]:
            tensor = self.wide.pop(targets)
            if len(targets) > 1:
                each = tensor.shape[1] // len(targets)
                first, rest = torch.split(tensor, [each, tensor.shape[1] - each], dim=1)
                known = self.wide.get(targets[1:])
                self.wide[targets[1:]] = rest if known is None else known + rest
                tensor = first
            whole.append(tensor)
        total: torch.Tensor | None = None
        for tensor in whole:
            total = tensor if total is None else total + tensor
        parts = self.parts.pop(node, [])
        if parts:
            weights = torch.stack([weight for weight, _ in parts])
            total = weighted_sum(weights, [tensor for _, tensor in parts], total)
        return total


class MixedCell(nn.Module):
    """A cell with mixtures on its edges.

    Args:
        cell: the cell; operations that are no mixtures count fully.
        entering: for each node, the row of its edges' weights, if it has one.
        mixing: the weights.
    """

    def __init__(self, cell: Cell, entering: dict[int, MixedChoice], mixing: Mixing) -> None:
        super().__init__()
        self.cell = cell
        self.entering = entering
        self.mixing = mixing
        number: dict[int, int] = {}  # of edges at each target so far
        self._numbers = []
        for _, target in cell.wiring:
            self._numbers.append(number.get(target, 0))
            number[target] = number.get(target, 0) + 1
        self._leaving = [
            [edge for edge, (source, _) in enumerate(cell.wiring) if source == node] for node in range(cell.n_nodes)
        ]

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        cell = self.cell
        if not self.mixing.measured:
            return cell(*inputs)
        states = list(inputs)
        if cell.inputs is not None:
            states = [module(x) for module, x in zip(cell.inputs, inputs, strict=True)]
        k = self.mixing.partial
        sums, passed = _Sums(), _Sums()
        for node in range(cell.n_nodes):
            if node >= cell.n_inputs:
                states.append(self._node(node, sums, passed, states[0]))
            if self._leaving[node]:
                x = states[node]
                if k > 1:
                    x, others = split_channels(x, k)
                    self._pass_on(node, others, passed)
                self._send(node, x, sums)
        ending = [states[node] for node in cell.ending]
        return torch.cat(ending, dim=1) if len(ending) > 1 else ending[0]

    def _node(self, node: int, sums: _Sums, passed: _Sums, x: torch.Tensor) -> torch.Tensor:
        total, k = sums.of(node), self.mixing.partial
        if k == 1:
            return self.cell.nothing(x) if total is None else total
        others = passed.of(node)
        if others is None:
            return self.cell.nothing(x)
        if total is None:
            total = self.cell.nothing(x)[:, : x.shape[1] // k]
        return rejoined(total, others, k)

    def _pass_on(self, node: int, others: torch.Tensor, passed: _Sums) -> None:
        """The channels that aren't mixed, to all targets; smaller where the edges make them so."""
        small: torch.Tensor | None = None
        for edge in self._leaving[node]:
            target = self.cell.wiring[edge][1]
            x = others
            if node < self.cell.n_inputs and self.cell.stride > 1:
                small = functional.max_pool2d(others, self.cell.stride, ceil_mode=True) if small is None else small
                x = small
            passed.add(target, x, self._edge_weight(edge))

    def _edge_weight(self, edge: int) -> torch.Tensor | None:
        mixed = self.entering.get(self.cell.wiring[edge][1])
        weights = None if mixed is None else self.mixing.edges.get(mixed.name)
        return None if weights is None else weights[self._numbers[edge]]

    def _send(self, node: int, x: torch.Tensor, sums: _Sums) -> None:
        """What leaves a node, computed together where it can be."""
        convolutions: dict[tuple[object, ...], list[_Job]] = {}
        pools: dict[str, list[_Job]] = {}
        for edge in self._leaving[node]:
            target = self.cell.wiring[edge][1]
            operation, of_edge = self.cell.operations[edge], self._edge_weight(edge)
            mixture = operation if isinstance(operation, Mixture) else None
            row = _ALWAYS if mixture is None else self.mixing.row(mixture.mixed.name)
            for i in row.active:
                weight = _product(None if row.hard else row.weights[i], of_edge)
                if mixture is None:
                    sums.add(target, self._whole(operation, x), weight)
                    continue
                if mixture.nothing[i]:
                    continue
                option = _settled(mixture.options[i])
                job = _Job(target, option, weight)
                if mixture.skips[i]:
                    sums.add(target, mixture.skipped(x), weight)
                elif isinstance(option, (_AvgPoolNd, _MaxPoolNd)):
                    pools.setdefault(repr(option), []).append(job)
                elif (kind := _kind(option)) is not None:
                    convolutions.setdefault(kind, []).append(job)
                else:
                    sums.add(target, self._thinned(mixture, i)(x), weight)
        for jobs in pools.values():
            pooled = jobs[0].operation(x)
            for job in jobs:
                sums.add(job.target, pooled, job.weight)
        if convolutions:
            positive = torch.relu(x)
            for jobs in convolutions.values():
                targets = tuple(job.target for job in jobs)
                if len(set(targets)) == len(targets):
                    sums.add_wide(targets, _together(positive, jobs, self.mixing.partial))
                else:  # edges between the same two nodes
                    for job in jobs:
                        sums.add_wide((job.target,), _together(positive, [job], self.mixing.partial))

    def _whole(self, operation: nn.Module, x: torch.Tensor) -> torch.Tensor:
        k = self.mixing.partial
        return operation(x) if k == 1 else Thin(operation, k).train(self.training)(x)

    def _thinned(self, mixture: Mixture, option: int) -> nn.Module:
        k = self.mixing.partial
        return mixture.options[option] if k == 1 else mixture.thin(option, k)


def _settled(module: nn.Module) -> nn.Module:
    """A layer that waited for its input is behind another."""
    return getattr(module, "settled", None) or module


def _product(a: torch.Tensor | None, b: torch.Tensor | None) -> torch.Tensor | None:
    return b if a is None else a if b is None else a * b


def _kind(option: nn.Module) -> tuple[object, ...] | None:
    """What convolutions of the same source must agree in to be done as one; None: it isn't one."""
    if type(option) is not ReLUConvNorm:
        return None
    conv, norm = option.conv, option.norm
    if norm.momentum is None or norm.weight is None or norm.running_mean is None:
        return None
    return (conv.kernel_size, conv.stride, conv.in_channels, conv.out_channels, norm.eps, norm.momentum, norm.training)


def _together(positive: torch.Tensor, jobs: Sequence[_Job], k: int) -> torch.Tensor:
    """Convolution and normalisation of several targets; the weights are folded into the normalisation's scale."""
    layers: list[Any] = [job.operation for job in jobs]
    convs, norms = [layer.conv for layer in layers], [layer.norm for layer in layers]
    conv, norm = convs[0], norms[0]
    n_out = conv.out_channels // k
    kernels = [c.weight for c in convs]
    if k > 1:
        kernels = [kernel[:n_out, : conv.in_channels // k] for kernel in kernels]
    z = functional.conv2d(positive, _cat(kernels), None, conv.stride, conv.padding)
    scale, shift = torch.stack([n.weight[:n_out] for n in norms]), torch.stack([n.bias[:n_out] for n in norms])
    if any(job.weight is not None for job in jobs):
        ones = torch.ones((), device=z.device)
        weights = torch.stack([ones if job.weight is None else job.weight for job in jobs])[:, None]
        scale, shift = scale * weights, shift * weights
    means, variances = [n.running_mean[:n_out] for n in norms], [n.running_var[:n_out] for n in norms]
    mean, variance = _cat(means), _cat(variances)
    y = functional.batch_norm(
        z, mean, variance, scale.flatten(), shift.flatten(), norm.training, norm.momentum or 0.0, norm.eps
    )
    if norm.training and len(norms) > 1:
        torch._foreach_copy_([*means, *variances], [*torch.split(mean, n_out), *torch.split(variance, n_out)])
    return y


def _cat(tensors: list[torch.Tensor]) -> torch.Tensor:
    return torch.cat(tensors) if len(tensors) > 1 else tensors[0]
