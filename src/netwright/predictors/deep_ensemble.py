"""Training of several small networks at once: each parameter has one more dimension, the members of an ensemble.

Lakshminarayanan et al. 2017, Deep ensembles, https://arxiv.org/abs/1612.01474. There each member says a variance, too,
and learns by its likelihood, which few arches can't tell. Here each member learns from all arches but its own share,
by the squared error, and what it says of these others is the variance that all have in common.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from netwright.predictors.learning import left_out
from netwright.predictors.protocols import Numbers

__all__ = ["Forward", "Schedule", "drawn", "mixture", "rank", "train"]

Forward = Callable[..., torch.Tensor]
"""From the data of a batch, each (batch, …), to the scores that each member gives, (members, batch)."""

_CHUNK = 2048  # arches that are scored at a time


@dataclass(frozen=True, slots=True)
class Schedule:
    """How the members learn.

    Attributes:
        steps: of Adam, its rate falling like a cosine.
        batch: how many arches each member sees in a step.
        rate: of the first step.
        decay: of the weights, as in AdamW.
    """

    steps: int
    batch: int
    rate: float
    decay: float


def drawn(generator: torch.Generator, *shape: int, fan_in: int) -> torch.Tensor:
    """Weights by He et al. 2015 that will learn; no fan-in at all: zeros."""
    if not fan_in:
        return torch.zeros(shape, requires_grad=True)
    return (torch.randn(shape, generator=generator) * math.sqrt(2.0 / fan_in)).requires_grad_()


def train(
    forward: Forward,
    parameters: Sequence[torch.Tensor],
    data: Sequence[torch.Tensor],
    scores: Numbers,
    schedule: Schedule,
    rng: np.random.Generator,
) -> float:
    """Fit all members at once, in place.

    Args:
        forward: the networks.
        parameters: theirs, each (members, …).
        data: what they get, each (n_arches, …).
        scores: what they should say, shape (n_arches,).
        schedule: how they learn.
        rng: for the batches, and for which member leaves out which arches.

    Returns:
        The mean squared error on arches that a member left out.
    """
    left = _learn(forward, parameters, data, scores, schedule, rng, _squared)
    return _error(left, _said(forward, data), scores)


def rank(
    forward: Forward,
    parameters: Sequence[torch.Tensor],
    data: Sequence[torch.Tensor],
    scores: Numbers,
    schedule: Schedule,
    rng: np.random.Generator,
) -> tuple[Forward, float]:
    """Teach all members which of two arches is better, in place; arguments as in `train`.

    Burges et al. 2005, RankNet, https://doi.org/10.1145/1102351.1102363: the difference of what a member says of two
    arches is the log-odds that one is better. So what it says is a score, and no pairs contradict each other.

    Returns:
        The networks, each with the line through what it says that fits the scores best; and as `train`.
    """
    left = _learn(forward, parameters, data, scores, schedule, rng, _pairs)
    said = _said(forward, data)
    centred = said - said.mean(axis=1, keepdims=True)
    spread = (centred**2).sum(axis=1)
    slopes = np.maximum(centred @ (scores - scores.mean()), 0.0) / np.where(spread > 0, spread, 1.0)
    starts = scores.mean() - slopes * said.mean(axis=1)
    slope, start = (torch.as_tensor(numbers[:, None], dtype=torch.float32) for numbers in (slopes, starts))

    def calibrated(*parts: torch.Tensor) -> torch.Tensor:
        return forward(*parts) * slope + start

    return calibrated, _error(left, said * slopes[:, None] + starts[:, None], scores)


def mixture(forward: Forward, data: Sequence[torch.Tensor], error: float) -> tuple[Numbers, Numbers]:
    """The mean of all members and its standard deviation, shapes (n_arches,): how they differ, and how far they err."""
    said = _said(forward, data)
    return said.mean(axis=0), np.sqrt(said.var(axis=0) + error)


def _learn(
    forward: Forward,
    parameters: Sequence[torch.Tensor],
    data: Sequence[torch.Tensor],
    scores: Numbers,
    schedule: Schedule,
    rng: np.random.Generator,
    loss_of: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor],
) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Descend; returns which member left out which arch, -1 where none did."""
    n_arches, members = len(scores), len(parameters[0])
    left = left_out(n_arches, members, rng)
    weights = torch.as_tensor(left[None] != np.arange(members)[:, None], dtype=torch.float32)
    targets = torch.as_tensor(scores, dtype=torch.float32)
    batch = min(schedule.batch, n_arches)
    optimiser = torch.optim.AdamW(parameters, lr=schedule.rate, weight_decay=schedule.decay)
    order = np.empty(0, dtype=np.intp)
    for step in range(schedule.steps):
        if len(order) < batch:  # each arch comes once before any comes again
            order = rng.permutation(n_arches)
        chosen, order = torch.from_numpy(order[:batch]), order[batch:]
        optimiser.param_groups[0]["lr"] = schedule.rate * (1 + math.cos(math.pi * step / schedule.steps)) / 2
        optimiser.zero_grad()
        said = forward(*(part[chosen] for part in data))
        loss_of(said, targets[chosen], weights[:, chosen]).backward()  # type: ignore[no-untyped-call]  # torch's own
        optimiser.step()
    return left


def _squared(said: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The squared error; said and weights (members, batch), targets (batch,)."""
    return ((said - targets) ** 2 * weights).mean(dim=1).sum()


def _pairs(said: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The cross-entropy of which of two arches scores higher, over all pairs of a batch that aren't equal."""
    higher = (targets[:, None] > targets[None, :]).float()  # (batch, batch)
    counted = higher * weights[:, :, None] * weights[:, None, :]  # (members, batch, batch)
    losses = torch.nn.functional.softplus(said[:, None, :] - said[:, :, None])
    return ((losses * counted).sum(dim=(1, 2)) / counted.sum(dim=(1, 2)).clamp_min(1.0)).sum()


def _error(left: np.ndarray[Any, np.dtype[np.intp]], said: Numbers, scores: Numbers) -> float:
    """The mean squared error on arches that a member left out."""
    n_arches = len(scores)
    if left[0] < 0:
        return 1.0 / n_arches
    return float(np.mean((said[left, np.arange(n_arches)] - scores) ** 2))


def _said(forward: Forward, data: Sequence[torch.Tensor]) -> Numbers:
    """What all members say of all arches, (members, n_arches)."""
    with torch.no_grad():
        return np.concatenate([part.double().numpy() for part in _in_chunks(forward, data)], axis=1)


def _in_chunks(forward: Forward, data: Sequence[torch.Tensor]) -> Iterator[torch.Tensor]:
    """What all members say, (members, chunk) each time."""
    for start in range(0, len(data[0]), _CHUNK):
        yield forward(*(part[start : start + _CHUNK] for part in data))
