"""Training of several small networks at once: each parameter has one more dimension, the members of an ensemble.

Lakshminarayanan et al. 2017, Deep ensembles, https://arxiv.org/abs/1612.01474: each member says a mean and a variance
and learns by its likelihood; the ensemble is their mixture. Here the gradient of the mean is weighted by the variance
to the power of 0.5 (Seitzer et al. 2022, https://arxiv.org/abs/2203.09168), so that arches that fit badly aren't given
up; and there are no adversarial examples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from netwright.predictors.protocols import Numbers

__all__ = ["Forward", "Schedule", "drawn", "mixture", "train"]

Forward = Callable[..., torch.Tensor]
"""From the data of a batch, each (members or 1, batch, …), to (members, batch, 2): mean and log variance."""

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
    generator: torch.Generator,
) -> None:
    """Fit all members at once, in place; each sees its own batches.

    Args:
        forward: the networks.
        parameters: theirs, each (members, …).
        data: what they get, each (n_arches, …).
        scores: what they should say, shape (n_arches,).
        schedule: how they learn.
        generator: of the batches.
    """
    targets = torch.as_tensor(scores, dtype=torch.float32)
    n_arches, members = len(targets), len(parameters[0])
    batch = min(schedule.batch, n_arches)
    optimiser = torch.optim.AdamW(parameters, lr=schedule.rate, weight_decay=schedule.decay)
    order = torch.empty((members, 0), dtype=torch.long)
    for step in range(schedule.steps):
        if order.shape[1] < batch:  # each arch comes once before any comes again
            order = torch.argsort(torch.rand((members, n_arches), generator=generator), dim=1)
        chosen, order = order[:, :batch], order[:, batch:]
        optimiser.param_groups[0]["lr"] = schedule.rate * (1 + math.cos(math.pi * step / schedule.steps)) / 2
        optimiser.zero_grad()
        said = forward(*(part[chosen] for part in data))
        mean, log_variance = said[..., 0], said[..., 1].clamp(-8.0, 4.0)
        likelihood = (targets[chosen] - mean) ** 2 / log_variance.exp() + log_variance
        (0.5 * likelihood * log_variance.detach().mul(0.5).exp()).mean(dim=1).sum().backward()  # type: ignore[no-untyped-call]  # torch's own
        optimiser.step()


def mixture(forward: Forward, data: Sequence[torch.Tensor]) -> tuple[Numbers, Numbers]:
    """The mean and standard deviation of all members together, shapes (n_arches,)."""
    means, deviations = [], []
    with torch.no_grad():
        for start in range(0, len(data[0]), _CHUNK):
            said = forward(*(part[None, start : start + _CHUNK] for part in data))
            mean, variance = said[..., 0], said[..., 1].clamp(-8.0, 4.0).exp()
            means.append(mean.mean(dim=0).double().numpy())
            deviations.append((variance.mean(dim=0) + mean.var(dim=0, correction=0)).sqrt().double().numpy())
    return np.concatenate(means), np.concatenate(deviations)
