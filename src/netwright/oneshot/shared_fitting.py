"""`SharedFitting`: the training of a supernet under way, and its checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from netwright.core.arch import Decided
from netwright.evaluators.checkpoints import read_checkpoint, write_checkpoint
from netwright.evaluators.optimizers import begin_momentum, make_optimizer
from netwright.evaluators.plan import TrainingPlan
from netwright.oneshot.samplers.path_sampler import LearningPaths, Paths
from netwright.oneshot.supernet import Supernet

__all__ = ["SCHEDULE", "SharedFitting"]

SCHEDULE = " | schedule: "
"""What comes after this in a checkpoint's key doesn't matter once the training is finished."""


@dataclass(slots=True)
class SharedFitting:
    """The training of a supernet under way: all that is needed to go on exactly where it stopped.

    Attributes:
        supernet: being trained, in place; takes standardised inputs.
        paths: what is trained in each step.
        optimizer: of all shared weights; those that a step doesn't use stay as they are.
        generator: of shuffling and augmentation; paths are drawn from `seed` and the number of the step.
        noise: the state of torch's own generator, which dropout draws from.
        seconds: of training so far, earlier runs included.
        stopped: why the training ended before its epochs were done; '' if it didn't.
        parts: a decision and its values that have supernets of their own, which began with this one's weights; with one
            value, this is one of them. None where nothing is split.
    """

    supernet: Supernet
    paths: Paths
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    noise: torch.Tensor
    seed: int
    epochs_done: int = 0
    steps_done: int = 0
    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0
    stopped: str = ""
    parts: tuple[str, tuple[Decided, ...]] | None = None

    @classmethod
    def begin(cls, supernet: Supernet, paths: Paths, plan: TrainingPlan, *, seed: int) -> SharedFitting:
        """A training that hasn't started."""
        if plan.channels_last and len(supernet.input_shape) == 3:
            supernet.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's types
        generator = torch.Generator().manual_seed(seed)
        noise = torch.Generator().manual_seed(seed + 1).get_state()
        optimizer = make_optimizer(supernet, plan)
        begin_momentum(optimizer, supernet)  # what a path leaves out would have none when others have
        return cls(supernet, paths, optimizer, generator, noise, seed)

    def state(self) -> dict[str, Any]:
        """Everything as plain tensors, numbers and texts, for a checkpoint."""
        return {
            "supernet": self.supernet.state_dict(),
            "paths": self.paths.state() if isinstance(self.paths, LearningPaths) else None,
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "parts": self.parts,
            **{name: getattr(self, name) for name in ("noise", "epochs_done", "steps_done", "losses", "seconds")},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to what `state` returned."""
        self.supernet.load_state_dict(state["supernet"])
        if isinstance(self.paths, LearningPaths):
            self.paths.restore(state["paths"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        for name in ("noise", "epochs_done", "steps_done", "seconds"):
            setattr(self, name, state[name])
        self.losses = [float(loss) for loss in state["losses"]]

    def save(self, file: Path, *, key: str, finished: bool = False) -> None:
        """Write a checkpoint, at once or not at all; where it can't be written, training goes on without.

        Args:
            file: is replaced.
            key: tells this training from others.
            finished: whether there is nothing left to train.
        """
        write_checkpoint(file, {**self.state(), "key": key, "finished": finished})

    def go_on_from(self, file: Path, *, key: str) -> bool:
        """Continue from a checkpoint of the same training, if there is one; whether that training is finished.

        A key may end in a schedule (after `SCHEDULE`): a training that is finished is taken whatever its schedule was.
        """
        state = read_checkpoint(file)
        if state is None:
            return False
        there = str(state.get("key"))
        if there != key and not (state.get("finished") and there.partition(SCHEDULE)[0] == key.partition(SCHEDULE)[0]):
            return False
        self.restore(state)
        return bool(state["finished"])
