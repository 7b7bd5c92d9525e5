"""The winner, trained for good on the train and validation parts, and measured once on the test part."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from netwright.core import Arch
from netwright.core.errors import EvaluationError
from netwright.evaluators import Fitting, TrainingPlan, fit, score
from netwright.evaluators.checkpoints import load_checkpoint
from netwright.evaluators.examples_in_memory import in_memory
from netwright.models import Built, built, deployed
from netwright.spaces import Space
from netwright.tasks import Split, Task

__all__ = ["Trained", "rebuilt", "train_winner"]

_log = logging.getLogger(__name__)
_FINE_TUNING = 0.3  # of the learning rate, where the weights are trained already
_WORTH_IT = 0.8  # a final training of fewer passes than this share of the search's is no gain


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained network.

    Attributes:
        built: the deployed model (raw inputs in) with its calls.
        metrics: on the test part.
        seconds: what the training took.
        epochs: passes over the data; the last one may be incomplete.
        trained_on: which parts it learned from.
        note: what else is to be said.
    """

    built: Built
    metrics: dict[str, float]
    seconds: float
    epochs: float
    trained_on: str
    note: str = ""


def train_winner(
    space: Space,
    arch: Arch,
    task: Task,
    plan: TrainingPlan,
    *,
    seed: int,
    device: str = "cpu",
    allotted: float | None = None,
    checkpoint: Path | None = None,
    search_examples: float = 0.0,
    weights: Mapping[str, torch.Tensor] | None = None,
    on_epoch: Callable[[int, int, Mapping[str, float]], None] | None = None,
) -> Trained:
    """Train an arch on the train and validation parts; its schedule comes to its end in the time allotted.

    Where the time is too short to beat what the search itself trained, or the training fails, the weights of the
    search's checkpoint are taken instead, if there are any.

    Args:
        space, arch: what is trained.
        task: the data.
        plan: how; the arch's choices replace parts of it.
        seed: of the weights, the shuffling and the augmentation.
        device: where.
        allotted: seconds for the training; None: as long as the plan's epochs take.
        checkpoint: the file that the search left for this arch.
        search_examples: examples that the checkpoint's training saw, counted again in each epoch.
        weights: what the training begins with, at a lower learning rate; fresh ones if not given.
        on_epoch: told (epochs done, epochs in all, values).

    Raises:
        EvaluationError: if the training fails and there is no checkpoint.
    """
    start = time.time()
    plan = plan.with_choices(space.training(arch))
    there = checkpoint is not None and checkpoint.exists()
    if there and allotted is not None and allotted <= 0.05:
        return _from_checkpoint(space, arch, task, plan, checkpoint, start, device, "there was no time left for it")
    both = Split(
        np.concatenate([task.train.inputs, task.validation.inputs]),
        np.concatenate([task.train.targets, task.validation.targets]),
    )
    examples = in_memory(task, both, device=device, channels_last=plan.channels_last)
    network = _network(space, arch, task, plan, seed=seed, device=device)
    if weights is not None:
        network.model.load_state_dict(weights)
        plan = replace(plan, lr=_FINE_TUNING * plan.lr)
    fitting = Fitting.begin(network.model, plan, seed=seed)

    def tell(fitting: Fitting) -> None:
        if on_epoch is not None:
            done, total = len(fitting.losses), plan.epochs
            if allotted is not None and fitting.epochs_done:
                total = min(total, max(done, round(fitting.epochs_done * allotted / (time.time() - start))))
            on_epoch(done, total, {"train_loss": fitting.losses[-1]})

    steps: list[int] = []
    try:
        left = None if allotted is None else max(0.05, allotted - (time.time() - start))
        fit(fitting, examples, task, plan, allotted=left, on_epoch=tell, on_step=steps.append)
    except Exception as error:  # it diverged, is out of memory, or a user's own module fails
        if not there:
            raise
        _log.warning("the final training failed, so the search's own weights are taken: %s", error)
        return _from_checkpoint(space, arch, task, plan, checkpoint, start, device, f"it failed ({error})")
    seen = len(steps) * min(plan.batch_size, len(examples))
    if there and seen < _WORTH_IT * search_examples:
        return _from_checkpoint(space, arch, task, plan, checkpoint, start, device, "its time was too short")
    epochs = seen / len(examples)
    if not fitting.losses:
        raise EvaluationError("the budget left no time for a single batch of the final training: give it more.")
    note = "" if fitting.epochs_done >= plan.epochs else f"{epochs:.1f} epochs fitted into the time"
    return Trained(
        _deployed(network, task),
        _tested(network, task, plan, device),
        time.time() - start,
        epochs,
        "train and validation",
        note,
    )


def rebuilt(space: Space, arch: Arch, task: Task, weights: Mapping[str, torch.Tensor], *, device: str) -> Built:
    """A network that was trained before, from its exported weights: like a fresh one, it can be pickled and exported.

    Args:
        space, arch, task: as it was trained.
        weights: of the deployed model.
        device: where.
    """
    network = built(space, arch, input_shape=task.input_shape, n_outputs=task.n_outputs, device=device)
    found = _deployed(network, task)
    found.model.load_state_dict(weights)
    return found


def _network(space: Space, arch: Arch, task: Task, plan: TrainingPlan, *, seed: int, device: str) -> Built:
    found = built(space, arch, input_shape=task.input_shape, n_outputs=task.n_outputs, seed=seed, device=device)
    if plan.channels_last and task.modality == "image":
        found.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's types
    return found


def _from_checkpoint(
    space: Space, arch: Arch, task: Task, plan: TrainingPlan, file: Path | None, start: float, device: str, why: str
) -> Trained:
    assert file is not None
    network = _network(space, arch, task, plan, seed=0, device=device)
    state = load_checkpoint(file)
    network.model.load_state_dict(state["model"])
    note = f"these are the weights of the search: {why}"
    return Trained(
        _deployed(network, task),
        _tested(network, task, plan, device),
        time.time() - start,
        float(state["epochs_done"]),
        "train",
        note,
    )


def _deployed(network: Built, task: Task) -> Built:
    network.model.eval().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]  # as above
    tokens = task.modality == "text"
    found = deployed(
        network,
        input_mean=None if tokens else task.input_mean,
        input_std=None if tokens else task.input_std,
        target_mean=task.target_mean,
        target_std=task.target_std,
    )
    found.model.eval()
    return found


def _tested(network: Built, task: Task, plan: TrainingPlan, device: str) -> dict[str, float]:
    """Metrics on the test part in float32: what the exported model gives."""
    examples = in_memory(task, task.test, device=device, channels_last=plan.channels_last)
    return score(network.model, examples, task, task.test)
