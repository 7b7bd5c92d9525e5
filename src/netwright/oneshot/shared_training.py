"""`fit_shared`: the training loop of a supernet. A step trains the paths that a sampler names, on one batch.

The loop for one path a step, without what follows here: `with supernet.path(arch): loss(supernet(x), y).backward()`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from netwright.core import Arch
from netwright.core.errors import EvaluationError
from netwright.core.streams import Streams
from netwright.evaluators.examples_in_memory import ExamplesInMemory
from netwright.evaluators.plan import TrainingPlan
from netwright.evaluators.schedules import lr_share
from netwright.oneshot.diary import Diary
from netwright.oneshot.distributed import Ranks
from netwright.oneshot.gradient_means import GradientMeans
from netwright.oneshot.naming_errors import naming_errors
from netwright.oneshot.samplers.path_sampler import Score, Turn
from netwright.oneshot.shared_fitting import SharedFitting
from netwright.oneshot.supernet import Supernet
from netwright.tasks import Task

__all__ = ["fit_shared"]


def fit_shared(
    fitting: SharedFitting,
    examples: ExamplesInMemory,
    validation: ExamplesInMemory,
    task: Task,
    plan: TrainingPlan,
    *,
    until_epoch: int | None = None,
    allotted: float | None = None,
    diary: Diary | None = None,
    ranks: Ranks | None = None,
    on_epoch: Callable[[SharedFitting], None] | None = None,
    clock: Callable[[], float] = time.time,
) -> SharedFitting:
    """Train a supernet until an epoch is done or the time is up, whichever comes first.

    Args:
        fitting: the training; changed in place and returned.
        examples: the train part, in memory; of several ranks, each gives its own share.
        validation: what samplers that look at paths score them on.
        task: gives the loss.
        plan: how to train; `plan.epochs` is the whole schedule.
        until_epoch: stop after this epoch; the whole plan if not given.
        allotted: seconds for the whole schedule, earlier runs included; it then comes to its end in time.
        diary: is told the losses of each epoch, and which paths were trained.
        ranks: this process among several that train together.
        on_epoch: called after each epoch, a last incomplete one included.

    Raises:
        EvaluationError: when the loss is no longer a finite number, or a module raises for some inputs.
    """
    until_epoch = plan.epochs if until_epoch is None else min(until_epoch, plan.epochs)
    device, supernet = examples.inputs.device, fitting.supernet
    steps_an_epoch = max(1, len(examples) // min(plan.batch_size, len(examples)))
    streams, begun, earlier = Streams(fitting.seed), clock(), fitting.seconds
    means = GradientMeans(supernet)
    supernet.train()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), means:
        if device.type == "cuda":  # dropout draws on the device there; not continued to the bit, but reproducible
            torch.cuda.manual_seed(int(fitting.noise.sum()) + fitting.epochs_done)
        torch.random.set_rng_state(fitting.noise)
        while fitting.epochs_done < until_epoch and not fitting.stopped:
            total, done = torch.zeros((), device=device), 0
            for inputs, targets in examples.training_batches(plan, fitting.generator):
                progress = (fitting.epochs_done + done / steps_an_epoch) / plan.epochs
                if allotted is not None:
                    progress = max(progress, (earlier + clock() - begun) / max(allotted, 1e-9))
                    progress = progress if ranks is None else ranks.agreed(progress, device)
                    if progress >= 1 and fitting.steps_done:
                        fitting.stopped = "the time for training is up"
                        break
                rng = streams(fitting.steps_done)
                turns = fitting.paths.step(rng, progress, _look(supernet, validation, task, plan, rng, ranks))
                for group in fitting.optimizer.param_groups:
                    group["lr"] = plan.lr * lr_share(plan, progress)
                total += _step(fitting, inputs, targets, turns, task, plan, means, ranks)
                done, fitting.steps_done = done + 1, fitting.steps_done + 1
                if diary is not None:
                    for turn in turns:
                        diary.count(turn.arch, times=int(turn.learns))
            if not math.isfinite(mean := float(total) / max(done, 1)):
                raise EvaluationError(
                    f"the supernet's loss is {mean} (lr {plan.lr:g}): it diverged. Give a `plan` with a smaller `lr`."
                )
            fitting.losses += [mean] if done else []
            fitting.epochs_done += not fitting.stopped
            fitting.noise = torch.random.get_rng_state()
            fitting.seconds = earlier + clock() - begun
            if ranks is not None:
                ranks.average_statistics(supernet)
            if diary is not None and done:
                diary.epoch(len(fitting.losses), losses={"train": mean}, seconds=fitting.seconds)
            if on_epoch is not None and done:
                on_epoch(fitting)
    return fitting


def _step(
    fitting: SharedFitting,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    turns: Sequence[Turn],
    task: Task,
    plan: TrainingPlan,
    means: GradientMeans,
    ranks: Ranks | None,
) -> torch.Tensor:
    """One batch through all paths of a step, and one update; the mean loss, still on the device."""
    supernet, optimizer = fitting.supernet, fitting.optimizer
    optimizer.zero_grad(set_to_none=True)
    total, n_learning = torch.zeros((), device=inputs.device), sum(turn.learns for turn in turns)
    means.expect(n_learning)
    told: torch.Tensor | None = None  # (batch, n_outputs): what the teacher says
    for turn in turns:
        with (
            naming_errors(turn.arch),
            torch.set_grad_enabled(turn.learns),
            torch.autocast(inputs.device.type, torch.bfloat16, enabled=plan.precision == "bfloat16"),
        ):
            outputs = supernet.path(turn.arch)(inputs)
        outputs = outputs.float()
        if turn.learns:
            parts = []
            if turn.targets or told is None:
                hard = task.loss(outputs, targets, label_smoothing=plan.label_smoothing)
                parts.append((turn.targets or turn.teaching) * hard)
            if turn.teaching and told is not None:
                parts.append(turn.teaching * _distance(outputs, told, task))
            loss = parts[0] if len(parts) == 1 else parts[0] + parts[1]
            loss.backward()  # type: ignore[no-untyped-call]  # torch's own
            total += loss.detach() / n_learning
        if turn.teaches:
            told = outputs.detach()
    means.divide()
    if ranks is not None:
        ranks.average_gradients(supernet.parameters())
    if plan.clip:
        nn.utils.clip_grad_norm_(supernet.parameters(), plan.clip)
    optimizer.step()
    return total


def _distance(outputs: torch.Tensor, told: torch.Tensor, task: Task) -> torch.Tensor:
    """From what the teacher says: cross-entropy with its probabilities, or squared error."""
    if task.kind == "classification":
        return functional.cross_entropy(outputs, told.softmax(-1))
    return functional.mse_loss(outputs, told)


def _look(
    supernet: Supernet,
    validation: ExamplesInMemory,
    task: Task,
    plan: TrainingPlan,
    rng: np.random.Generator,
    ranks: Ranks | None,
) -> Score:
    """A path's loss on a random batch of the validation part, with that batch's statistics of normalisation."""
    batch: list[tuple[torch.Tensor, torch.Tensor]] = []

    def score(arch: Arch) -> float:
        if not batch:
            rows = rng.permutation(len(validation))[: plan.batch_size]
            batch.append(validation.batch(torch.from_numpy(rows).to(validation.inputs.device)))
        inputs, targets = batch[0]
        with (
            naming_errors(arch),
            torch.no_grad(),
            torch.autocast(inputs.device.type, torch.bfloat16, enabled=plan.precision == "bfloat16"),
        ):
            outputs = supernet.path(arch)(inputs)
        loss = float(task.loss(outputs.float(), targets))
        return loss if ranks is None else ranks.agreed(loss, inputs.device)

    return score
