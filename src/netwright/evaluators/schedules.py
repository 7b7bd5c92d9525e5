"""The learning rate over the course of a training, as a share of its highest value."""

from __future__ import annotations

import math

from netwright.evaluators.plan import TrainingPlan

__all__ = ["lr_share"]


def lr_share(plan: TrainingPlan, progress: float) -> float:
    """The factor of the plan's `lr` when `progress` (in 0..1) of the training is done.

    Example:
        >>> plan = TrainingPlan(schedule="onecycle", warmup=0.2)
        >>> [round(lr_share(plan, progress), 2) for progress in (0.0, 0.1, 0.2, 0.6, 1.0)]
        [0.04, 0.52, 1.0, 0.5, 0.0]
    """
    progress = min(max(progress, 0.0), 1.0)
    if plan.schedule == "constant":
        return 1.0
    warmup = plan.warmup if plan.schedule == "onecycle" else 0.0
    if progress < warmup:
        return 0.04 + 0.96 * progress / warmup
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))
