"""`fit`: the training loop. Whole batches from memory; nothing in Python for a single example.

How far a training is, its *progress* from 0 to 1, drives the learning rate. It is the share of steps done; where a
training has an allotted time, it is the share of time used if that is larger, so the schedule always comes to its end.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from netwright.core.errors import EvaluationError
from netwright.evaluators.examples_in_memory import ExamplesInMemory
from netwright.evaluators.optimizers import make_optimizer
from netwright.evaluators.plan import TrainingPlan
from netwright.evaluators.schedules import lr_share
from netwright.models.idle_taps import steady
from netwright.tasks import Task

__all__ = ["Fitting", "fit"]

_LOOK_EVERY = 16  # steps between looks at the loss: each one waits for the device


@dataclass(slots=True)
class Fitting:
    """A training under way: all that is needed to go on exactly where it stopped.

    Attributes:
        model: being trained, in place; takes standardised inputs.
        optimizer: its optimizer.
        generator: of shuffling and augmentation.
        noise: the state of torch's own generator, which dropout draws from.
        epochs_done: whole epochs so far.
        losses: the mean training loss of each epoch.
        validation: curves of the validation part, as `Training` logs them.
        inherited: the share of the weights that came from a parent; 0 where training began with fresh ones.
        verdict: why a stopping rule would have stopped the training; '' if it wouldn't.
        verdict_epoch: when; 0 if it wouldn't.
        stopped: why the training ended before its epochs were done; '' if it didn't. Whoever is told of an epoch may
            set it, and so end the training.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    noise: torch.Tensor
    epochs_done: int = 0
    losses: list[float] = field(default_factory=list)
    validation: dict[str, list[float]] = field(default_factory=dict)
    inherited: float = 0.0
    verdict: str = ""
    verdict_epoch: int = 0
    stopped: str = ""

    @classmethod
    def begin(cls, model: nn.Module, plan: TrainingPlan, *, seed: int) -> Fitting:
        """A training that hasn't started."""
        generator = torch.Generator().manual_seed(seed)
        noise = torch.Generator().manual_seed(seed + 1).get_state()
        return cls(model, make_optimizer(model, plan), generator, noise)

    def state(self) -> dict[str, Any]:
        """Everything as plain tensors and numbers, for a checkpoint."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "noise": self.noise,
            "epochs_done": self.epochs_done,
            "losses": list(self.losses),
            "validation": {name: list(values) for name, values in self.validation.items()},
            "inherited": self.inherited,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to what `state` returned."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        self.noise = state["noise"]
        self.epochs_done = int(state["epochs_done"])
        self.losses = [float(loss) for loss in state["losses"]]
        self.validation = {name: list(values) for name, values in state.get("validation", {}).items()}
        self.inherited = float(state.get("inherited", 0.0))


def fit(
    fitting: Fitting,
    examples: ExamplesInMemory,
    task: Task,
    plan: TrainingPlan,
    *,
    until_epoch: int | None = None,
    deadline: float | None = None,
    allotted: float | None = None,
    on_epoch: Callable[[Fitting], None] | None = None,
    on_step: Callable[[int], None] | None = None,
    clock: Callable[[], float] = time.time,
) -> Fitting:
    """Train until an epoch is done or the time is up, whichever comes first.

    Args:
        fitting: the training; changed in place and returned.
        examples: the train part, in memory.
        task: gives the loss.
        plan: how to train; `plan.epochs` is the whole schedule.
        until_epoch: stop after this epoch; the whole plan if not given.
        deadline: a moment by `clock` at which to stop, within one batch.
        allotted: seconds for the whole schedule, which then comes to its end in time even if fewer epochs fit.
        on_epoch: called after each epoch (of the last one, only what was done).
        on_step: called after each batch with its number in the epoch, from 1.

    Raises:
        EvaluationError: when the loss is no longer a finite number.
    """
    until_epoch = plan.epochs if until_epoch is None else min(until_epoch, plan.epochs)
    device = examples.inputs.device
    steps_an_epoch = max(1, len(examples) // min(plan.batch_size, len(examples)))
    model, optimizer = fitting.model, fitting.optimizer
    start = clock()
    model.train()
    guarded = steady(model) if plan.precision == "bfloat16" else nullcontext()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), guarded:
        if device.type == "cuda":  # dropout draws on the device there; not continued to the bit, but reproducible
            torch.cuda.manual_seed(int(fitting.noise.sum()) + fitting.epochs_done)
        torch.random.set_rng_state(fitting.noise)
        while fitting.epochs_done < until_epoch and not fitting.stopped:
            total = torch.zeros((), device=device)
            done = 0
            for inputs, targets in examples.training_batches(plan, fitting.generator):
                now = clock()
                progress = (fitting.epochs_done + done / steps_an_epoch) / plan.epochs
                if allotted is not None:
                    progress = max(progress, (now - start) / allotted)
                    if progress >= 1:
                        fitting.stopped = "the time for training is up"
                        break
                if deadline is not None and now >= deadline:
                    fitting.stopped = "the deadline is met"
                    break
                for group in optimizer.param_groups:
                    group["lr"] = plan.lr * lr_share(plan, progress)
                total += _step(model, optimizer, inputs, targets, task, plan)
                done += 1
                if on_step is not None:
                    on_step(done)
                if done % _LOOK_EVERY == 0 and not math.isfinite(float(total)):
                    break
            mean = float(total) / max(done, 1)
            if not math.isfinite(mean):
                epoch = fitting.epochs_done + 1
                raise EvaluationError(f"the training loss is {mean} in epoch {epoch} (lr {plan.lr:g}): it diverged.")
            if done:
                fitting.losses.append(mean)
            if not fitting.stopped:
                fitting.epochs_done += 1
            if on_epoch is not None and done:
                fitting.noise = torch.random.get_rng_state()
                on_epoch(fitting)
        fitting.noise = torch.random.get_rng_state()
    return fitting


def _step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    task: Task,
    plan: TrainingPlan,
) -> torch.Tensor:
    """One batch; returns its loss, still on the device."""
    with torch.autocast(inputs.device.type, torch.bfloat16, enabled=plan.precision == "bfloat16"):
        outputs = model(inputs)
    loss = task.loss(outputs.float(), targets, label_smoothing=plan.label_smoothing)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]  # torch's own
    if plan.clip:
        nn.utils.clip_grad_norm_(model.parameters(), plan.clip)
    optimizer.step()
    return loss.detach()
