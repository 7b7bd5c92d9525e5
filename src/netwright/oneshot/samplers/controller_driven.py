"""A controller that learns which paths to train (Pham et al. 2018, ENAS, https://arxiv.org/abs/1802.03268)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from netwright.core import Candidate, History, Record, SearchSpace
from netwright.core.errors import InvalidInput
from netwright.oneshot.extremes import Costs
from netwright.oneshot.samplers.path_sampler import Score, Turn
from netwright.spaces import Space
from netwright.strategies.controller import Controller, Learning

__all__ = ["ControllerDriven", "ControllerPaths", "Written"]

_LEARNING = Learning(hidden=32, batch=10, learning_rate=0.01, entropy=1.0, baseline_decay=0.9)


@dataclass(frozen=True, slots=True)
class ControllerDriven:
    """An LSTM writes the path of each step; in between it learns from what paths score on validation data.

    Attributes:
        learning: how the controller learns, by policy gradient.
        every: steps of the shared weights between two of the controller.
        warmup: share of the training before its first one: until then paths are random.

    Differs from the paper in that the two take turns every few steps and not epoch by epoch, and in the reward, which
    is the standing among the paths of the same batch: as the shared weights get better, so does every path.

    Example:
        >>> from netwright import choice, nn
        >>> space = Space(nn.Sequential(choice([nn.ReLU(), nn.SiLU()], label="op")))
        >>> paths = ControllerDriven(every=1, warmup=0.0).begin(space)
        >>> for step in range(200):
        ...     _ = paths.step(np.random.default_rng(step), 0.5, lambda arch: float(arch["op"] == "ReLU"))
        >>> [paths.controller.sample(np.random.default_rng(i))["op"] for i in range(9)].count("SiLU") > 6
        True

    Raises:
        InvalidInput: if `every` is below 1, or `warmup` no share.
    """

    learning: Learning = _LEARNING
    every: int = 20
    warmup: float = 0.1

    def __post_init__(self) -> None:
        if not isinstance(self.every, int) or self.every < 1 or not 0 <= self.warmup < 1:
            raise InvalidInput(
                "`every` of ControllerDriven must be at least 1 and `warmup` in [0, 1), but got "
                f"every={self.every!r}, warmup={self.warmup!r}."
            )

    def begin(self, space: Space, costs: Costs | None = None) -> ControllerPaths:
        """The paths of a training.

        Raises:
            InvalidInput: for a space with decisions that can't be written.
        """
        return ControllerPaths(space, self)


class ControllerPaths:
    """The paths of one training; see `ControllerDriven`."""

    def __init__(self, space: Space, settings: ControllerDriven) -> None:
        self.space = space
        self.settings = settings
        self.controller = Controller(space, settings.learning)
        self.steps = 0

    def step(self, rng: np.random.Generator, progress: float, score: Score) -> Sequence[Turn]:
        """A path that the controller writes, which learns first if it is its turn."""
        self.steps += 1
        if progress >= self.settings.warmup and self.steps % self.settings.every == 0:
            self._learn(rng, score)
        return (Turn(self.controller.sample(rng)),)

    def _learn(self, rng: np.random.Generator, score: Score) -> None:
        arches = [self.controller.sample(rng) for _ in range(self.settings.learning.batch)]
        losses = np.array([score(arch) for arch in arches])
        losses[~np.isfinite(losses)] = np.inf
        beaten = (losses[:, None] < losses).sum(1) + 0.5 * (losses[:, None] == losses).sum(1)
        rewards = np.sqrt(12) * (beaten / len(losses) - 0.5)  # as `Controller` scales standings
        texts = [list(self.controller.writing.read(arch)) for arch in arches]
        self.controller.learn(texts, rewards)

    def strategy(self) -> Written:
        """How the paper searches what was trained: by arches that the controller writes."""
        return Written(self.settings.learning, self.controller.policy.weights.tobytes())

    def state(self) -> Mapping[str, Any]:
        """The controller's weights and what belongs to them."""
        found = self.controller.state()
        adam = {name: np.asarray(value).tolist() for name, value in found["adam"].items()}
        return {**found, "weights": found["weights"].tolist(), "adam": adam, "steps": self.steps}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to what `state` returned."""
        self.controller.restore(state)
        self.steps = int(state["steps"])


@dataclass(frozen=True, slots=True, repr=False)
class Written:
    """A strategy: arches that a trained controller writes; it doesn't learn any more.

    Attributes:
        learning: of the controller.
        weights: its weights, float64.
    """

    learning: Learning
    weights: bytes

    def __repr__(self) -> str:
        return f"Written(<{len(self.weights) // 8} weights>)"

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """An arch that the controller writes."""
        controller = history.fold((self, space), _unchanged, partial(self._controller, space))
        return history.candidate(controller.sample(rng))

    def _controller(self, space: SearchSpace) -> Controller:
        controller = Controller(space, self.learning)
        weights = np.frombuffer(self.weights)
        if weights.shape != controller.policy.weights.shape:
            raise InvalidInput(
                f"this controller was trained on a space with {len(weights)} weights, but {space!r} needs "
                f"{len(controller.policy.weights)}: use it on the space that it was trained on."
            )
        controller.policy.weights[:] = weights
        return controller


def _unchanged(controller: Controller, _: Record) -> Controller:
    return controller
