"""`TrainingPlan`: how a model is trained. A space's `training` choices replace parts of it, arch by arch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from netwright.core.errors import InvalidInput, problems, unknown
from netwright.tasks import Task

__all__ = ["Precision", "TrainingPlan"]

Precision = Literal["float32", "bfloat16"]
_SCHEDULES = ("onecycle", "cosine", "constant")


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """Everything about a training run but the model, the data and the seed.

    Attributes:
        epochs: passes over the train part in a full training (fidelity 1).
        batch_size: examples in a batch; the last incomplete batch of an epoch is left out (epochs are shuffled).
        optimizer: any class of `torch.optim` by name, in any case: `sgd` (with Nesterov momentum), `adamw`, ….
        lr: the highest learning rate of the schedule.
        momentum: for optimizers that have one.
        weight_decay: of matrices and kernels; biases and normalisations are not decayed.
        label_smoothing: of classification, in [0, 1).
        schedule: `onecycle` (linear warm-up, then cosine to zero; Smith & Topin 2018, arXiv:1708.07120), `cosine`
            (Loshchilov & Hutter 2017, arXiv:1608.03983) or `constant`.
        warmup: share of the training in which `onecycle` rises.
        crop: pixels by which images are shifted at random, each way; borders are reflected.
        flip: whether images are mirrored at random.
        cutout: side of a square that is blanked out at a random place, in pixels (DeVries & Taylor 2017,
            arXiv:1708.04552); 0: none.
        clip: largest norm of the gradient; 0: not clipped.
        precision: of the forward and backward pass; weights are float32 in any case.
        channels_last: whether images lie in memory with their channels last, which convolutions like.

    Example:
        >>> TrainingPlan(epochs=3, lr=0.2).with_choices({"optimizer": "AdamW"}).optimizer
        'AdamW'

    Raises:
        InvalidInput: naming every value that is out of its range.
    """

    epochs: int = 20
    batch_size: int = 128
    optimizer: str = "sgd"
    lr: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.0
    schedule: Literal["onecycle", "cosine", "constant"] = "onecycle"
    warmup: float = 0.2
    crop: int = 0
    flip: bool = False
    cutout: int = 0
    clip: float = 0.0
    precision: Precision = "float32"
    channels_last: bool = True

    def __post_init__(self) -> None:
        wrong = [
            f"`{name}` must be a whole number of at least {least}, but is {value!r}."
            for name, least in (("epochs", 1), ("batch_size", 1), ("crop", 0), ("cutout", 0))
            if not isinstance(value := getattr(self, name), int) or isinstance(value, bool) or value < least
        ]
        for name, low, high, ends in (
            ("lr", 0.0, float("inf"), "above 0"),
            ("momentum", 0.0, 1.0, "in [0, 1)"),
            ("weight_decay", 0.0, float("inf"), "at least 0"),
            ("label_smoothing", 0.0, 1.0, "in [0, 1)"),
            ("warmup", 0.0, 1.0, "in [0, 1)"),
            ("clip", 0.0, float("inf"), "at least 0"),
        ):
            value = getattr(self, name)
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not number or not low <= value < high or (name == "lr" and value == 0):
                wrong.append(f"`{name}` must be {ends}, but is {value!r}.")
        wrong += [
            f"`{name}` must be True or False, but is {value!r}."
            for name in ("flip", "channels_last")
            if not isinstance(value := getattr(self, name), bool)
        ]
        if self.schedule not in _SCHEDULES:
            wrong.append(f"`schedule` must be one of {', '.join(_SCHEDULES)}, but is {self.schedule!r}.")
        if self.precision not in ("float32", "bfloat16"):
            wrong.append(f"`precision` must be float32 or bfloat16, but is {self.precision!r}.")
        if not isinstance(self.optimizer, str) or not self.optimizer:
            wrong.append(f"`optimizer` must be the name of a class of torch.optim, but is {self.optimizer!r}.")
        if wrong:
            raise InvalidInput(problems("a training plan can't be like this", wrong))

    @classmethod
    def for_task(cls, task: Task, **changes: Any) -> TrainingPlan:
        """What usually works for this kind of data: SGD and augmentation for images, AdamW for everything else.

        Example:
            >>> from netwright.tasks import load
            >>> TrainingPlan.for_task(load("blobs")).optimizer, TrainingPlan.for_task(load("stripes")).crop
            ('adamw', 1)
        """
        n = len(task.train)
        batch_size = 128 if n >= 10_000 else 64 if n >= 1_500 else 32
        if task.modality == "image":
            side = min(task.input_shape[1:])
            usual: dict[str, Any] = {
                "batch_size": batch_size,
                "lr": 0.1,
                "crop": max(1, side // 14) if side >= 8 else 0,
                "flip": task.flip,
                "label_smoothing": 0.1 if task.kind == "classification" else 0.0,
            }
        else:
            usual = {"batch_size": batch_size, "optimizer": "adamw", "lr": 3e-3, "weight_decay": 1e-2, "clip": 1.0}
        return cls(**{**usual, **changes})

    def with_choices(self, choices: Mapping[str, Any]) -> TrainingPlan:
        """The plan with what an arch decides about training.

        Raises:
            NotFound: for a name that is no part of a plan.
        """
        names = [f.name for f in fields(self)]
        for name in choices:
            if name not in names:
                raise unknown("choice of the training", name, names)
        return replace(self, **choices)
