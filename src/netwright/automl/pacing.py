"""How fast a space's arches train here: measured on a few of them."""

from __future__ import annotations

import logging
import time

import numpy as np

from netwright.core import Arch
from netwright.core.errors import InvalidSpace
from netwright.evaluators import ModelCost, Pace, Training, TrainingPlan, seconds_per_example
from netwright.evaluators.training import cached_examples
from netwright.spaces import Space
from netwright.tasks import Task

__all__ = ["measured_pace"]

_log = logging.getLogger(__name__)
_OTHERS = 6  # arches, beside the default one
_FEWEST = 4  # arches in all: fewer say too little about three numbers
_MOST_DRAWN = 100
_DEAREST = 4  # times the default arch's FLOPs: dearer ones take long to be measured, and are left out anyway
_SECONDS = 0.3  # for each


def measured_pace(
    space: Space, task: Task, plan: TrainingPlan, default: Arch, speed: float, *, seed: int, device: str, seconds: float
) -> Pace | None:
    """The pace of training by an arch's costs; None where the time is too short for it.

    Args:
        space, task: what is trained.
        plan: how, its precision included.
        default: an arch that was measured before.
        speed: its seconds for an example.
        seed: of the random arches.
        device: where.
        seconds: that it may take, about.
    """
    costs, training = ModelCost(space, task.input_shape, task.n_outputs), Training(space, task, plan)
    examples = cached_examples(task, task.train, device, channels_last=plan.channels_last)
    rng, end = np.random.default_rng((seed, 1)), time.perf_counter() + seconds
    known, times = {default: costs(default)}, [speed]
    for _ in range(_MOST_DRAWN):
        if len(known) > _OTHERS or time.perf_counter() >= end:
            break
        arch = space.sample(rng)
        try:
            found = costs(arch)
            if arch in known or found["flops"] > _DEAREST * known[default]["flops"]:
                continue
            model = training.model(arch, seed=seed, device=device)
            took = seconds_per_example(model, examples, task, training.plan_of(arch), seconds=_SECONDS)
        except InvalidSpace:
            continue
        except Exception as error:  # noqa: BLE001  # whatever a user's own modules raise: a candidate's record tells it
            _log.debug("the speed of %s is not known: %s", dict(arch), error)
            continue
        known[arch] = found
        times.append(took)
    return Pace.fitted(list(known.values()), times) if len(known) >= _FEWEST else None
