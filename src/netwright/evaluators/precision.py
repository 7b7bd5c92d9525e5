"""Which precision trains fastest here: measured, not guessed."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, replace

import torch
from torch import nn

from netwright.evaluators.examples_in_memory import ExamplesInMemory
from netwright.evaluators.fitting import Fitting, fit
from netwright.evaluators.plan import Precision, TrainingPlan
from netwright.tasks import Task

__all__ = ["Speed", "measure_speed", "seconds_per_example"]

_GAIN = 1.1  # bfloat16 must be this many times as fast to be worth its rounding


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a model trains.

    Attributes:
        precision: the faster one.
        seconds_per_example: of a training step in that precision.
        compared: seconds for an example by precision; only `float32` where the device can't do better.
    """

    precision: Precision
    seconds_per_example: float
    compared: dict[str, float]


def measure_speed(
    model: nn.Module, examples: ExamplesInMemory, task: Task, plan: TrainingPlan, *, seconds: float = 1.5
) -> Speed:
    """Train copies of a model for a moment in each precision that the device supports; the model stays as it is.

    Args:
        model: takes standardised inputs.
        examples: a part of the data, in memory.
        seconds: for each precision, about. On a machine (or a model) that is much slower than that, float32 is taken
            without a look at others.
    """
    device = examples.inputs.device.type
    compared: dict[str, float] = {}
    for precision in _supported(device):
        compared[precision] = seconds_per_example(
            copy.deepcopy(model), examples, task, replace(plan, precision=precision), seconds=seconds
        )
        if compared[precision] * min(plan.batch_size, len(examples)) > 2 * seconds:
            break
    slow, fast = compared["float32"], compared.get("bfloat16", float("inf"))
    if fast * _GAIN < slow:
        return Speed("bfloat16", fast, compared)
    return Speed("float32", slow, compared)


def _supported(device: str) -> tuple[Precision, ...]:
    if device == "cuda":
        return ("float32", "bfloat16") if torch.cuda.is_bf16_supported() else ("float32",)
    # torch has no public name for the question whether bfloat16 is native to the processor.
    native = torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()  # type: ignore[no-untyped-call]  # noqa: SLF001
    return ("float32", "bfloat16") if native else ("float32",)


def seconds_per_example(
    model: nn.Module, examples: ExamplesInMemory, task: Task, plan: TrainingPlan, *, seconds: float = 1.5
) -> float:
    """What training takes: the fastest batch but the very first, which pays for what is set up once.

    At least two batches are timed, or one that takes longer than all of them should.

    Args:
        model: takes standardised inputs; it is trained a little.
        examples: a part of the data, in memory.
        seconds: for all batches, about.
    """
    batch = examples.first(plan.batch_size)
    one = replace(plan, epochs=1, lr=1e-9)  # costs the same as any other, and can't diverge
    fitting = fit(Fitting.begin(model, one, seed=0), batch, task, one)
    times: list[float] = []
    start = time.perf_counter()
    while len(times) < 20:
        fitting.epochs_done = 0
        before = time.perf_counter()
        fit(fitting, batch, task, one)
        times.append(time.perf_counter() - before)
        if time.perf_counter() - start > (seconds if len(times) >= 2 else 2 * seconds):
            break
    return min(times) / len(batch)
