"""What `Reinforce` and `PPO` share: a policy that writes arches, and how it learns from records.

The learning is the same but for its rule: proximal policy optimisation makes several clipped steps on each batch where
the plain policy gradient makes one.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from netwright.core import Arch, Candidate, History, Record, SearchSpace, Strategy
from netwright.core.errors import InvalidInput, InvalidSpace
from netwright.strategies.numbers import check_numbers
from netwright.strategies.recurrent_policy import RecurrentPolicy
from netwright.strategies.writing import Step, Writing

__all__ = ["Controller", "Learning", "proposed"]

Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

_TRIES = 100  # texts that break constraints, before a random arch is taken
_RECENT = 200  # records that a new one is compared with
_SEED = 0  # of the initial weights: the search's own seed decides what is drawn from them


@dataclass(frozen=True, slots=True)
class Learning:
    """How a controller learns.

    Attributes:
        hidden: units of its LSTM.
        batch: records that one update is made of.
        learning_rate: of Adam.
        entropy: weight of the mean entropy of an arch's steps; rewards have a standard deviation of about 1. The mean,
            because in a longer text each step has a smaller part in the reward, but as much entropy.
        baseline_decay: of the moving average of rewards.
        epochs: gradient steps on each batch.
        clip: how far (relatively) a step's probability may move on one batch; None: not limited.
    """

    hidden: int
    batch: int
    learning_rate: float
    entropy: float
    baseline_decay: float
    epochs: int = 1
    clip: float | None = None

    def __post_init__(self) -> None:
        check_numbers(self)
        wrong = [
            f"`{name}` must be {rule}, but got {getattr(self, name)!r}"
            for name, rule, holds in [
                ("hidden", "a whole number of at least 1", _whole(self.hidden)),
                ("batch", "a whole number of at least 1", _whole(self.batch)),
                ("epochs", "a whole number of at least 1", _whole(self.epochs)),
                ("learning_rate", "a positive number", 0 < self.learning_rate < math.inf),
                ("entropy", "a number of at least 0", 0 <= self.entropy < math.inf),
                ("baseline_decay", "a number in [0, 1)", 0 <= self.baseline_decay < 1),
                ("clip", "a positive number", self.clip is None or 0 < self.clip < math.inf),
            ]
            if not holds
        ]
        if wrong:
            raise InvalidInput(f"{'; '.join(wrong)}.")


def proposed(
    strategy: Strategy, learning: Learning, space: SearchSpace, history: History, rng: np.random.Generator
) -> Candidate:
    """An arch that the strategy's controller writes; its weights are a fold over the history.

    A space that is narrowed on the way is another space, whose controller learns from all records anew.
    """
    controller = history.fold((strategy, space), Controller.note, partial(Controller, space, learning))
    return history.candidate(controller.sample(rng))


class Controller:
    """The state of a search by reinforcement learning: a function of the space and the records alone.

    A record's reward is its standing among the last 200 records of its fidelity (by `Record.rank`, so that failures
    and broken limits are the worst): the share that it beats, ties as half, scaled to mean 0 and standard deviation 1.
    So the scale of the metric doesn't matter, and among good arches small differences still count.

    Args:
        space: what is searched.
        learning: how it learns.
    """

    def __init__(self, space: SearchSpace, learning: Learning) -> None:
        self.space = space
        self.learning = learning
        self.writing = Writing(space)
        self.policy = RecurrentPolicy(self.writing.widths, learning.hidden, np.random.default_rng(_SEED))
        self.adam = _Adam(self.policy.weights.size, learning.learning_rate)
        self.baseline = 0.0
        self._waiting: list[tuple[Record, list[Step]]] = []  # for the next update
        self._recent: deque[Record] = deque(maxlen=_RECENT)

    def sample(self, rng: np.random.Generator) -> Arch:
        """An arch that the policy writes; a random one if 100 in a row break the constraints."""
        for _ in range(_TRIES):
            arch = self._written(rng)
            if self._legal(arch):
                return arch
        return self.space.sample(rng)

    def state(self) -> dict[str, Any]:
        """All that it has learned, as arrays and numbers; records that wait for an update are not in it."""
        return {"weights": self.policy.weights, "baseline": self.baseline, "adam": self.adam.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to what `state` returned."""
        self.policy.weights[:] = state["weights"]
        self.baseline = float(state["baseline"])
        self.adam.restore(state["adam"])

    def _legal(self, arch: Arch) -> bool:
        try:
            self.space.validate(arch)
        except InvalidSpace:
            return False
        return True

    def _written(self, rng: np.random.Generator) -> Arch:
        state = self.policy.begin()

        def choose(place: int, priors: Array) -> int:
            nonlocal state
            probabilities, output, memory = self.policy.step(state, place, priors)
            edges = np.cumsum(probabilities)
            option = int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))
            state = self.policy.token(place, option), output, memory
            return option

        return self.writing.write(choose, rng)

    def note(self, record: Record) -> Controller:
        """Take a record in; every `batch` of them is learned from at once. What isn't of the space is passed over."""
        if self._legal(record.arch) and (text := list(self.writing.read(record.arch))):
            self._recent.append(record)
            self._waiting.append((record, text))
            if len(self._waiting) == self.learning.batch:
                records, texts = zip(*self._waiting, strict=True)
                self._waiting.clear()
                self.learn(texts, self._rewards(records))
        return self

    def _rewards(self, records: tuple[Record, ...]) -> Array:
        ranks: dict[float, list[tuple[bool, float, float]]] = {}
        for record in self._recent:
            ranks.setdefault(record.fidelity, []).append(record.rank)
        for same in ranks.values():
            same.sort()
        standings = []
        for record in records:
            same = ranks[record.fidelity]
            beaten = len(same) - (bisect_left(same, record.rank) + bisect_right(same, record.rank)) / 2
            standings.append(beaten / len(same))
        return math.sqrt(12) * (np.array(standings) - 0.5)  # a uniform number's deviation is 1/√12

    def learn(self, texts: Sequence[list[Step]], rewards: Array) -> None:
        """Make texts with a reward above the baseline more likely, others less."""
        learning, policy = self.learning, self.policy
        advantages = rewards - self.baseline
        for reward in rewards.tolist():
            self.baseline += (1 - learning.baseline_decay) * (reward - self.baseline)
        arrays = policy.texts(texts)
        chosen = arrays.options[..., None] == np.arange(policy.widest)  # (T, N, O)
        bonus = learning.entropy / arrays.counts.sum(0)[:, None]  # (N, 1)
        before: Array | None = None
        for _ in range(learning.epochs):
            passed = policy.forward(arrays)
            logs = passed.log_probs
            own = np.take_along_axis(logs, arrays.options[..., None], -1)[..., 0]  # (T, N)
            before = own if before is None else before
            ratio = np.exp(own - before)
            pull = ratio * advantages
            if learning.clip is not None:  # beyond the limit, the minimum of equation 7 of PPO is flat
                far = np.where(advantages > 0, ratio > 1 + learning.clip, ratio < 1 - learning.clip)
                pull = np.where(far, 0.0, pull)
            probabilities = np.exp(logs)
            finite = np.where(probabilities > 0, logs, 0.0)
            entropies = -(probabilities * finite).sum(-1, keepdims=True)
            # d log p(own) / d scores, and d entropy / d scores
            ascent = pull[..., None] * (chosen - probabilities)
            ascent -= bonus * probabilities * (finite + entropies)
            ascent *= arrays.counts[..., None] / len(texts)
            policy.weights += self.adam.step(policy.gradient(arrays, passed, ascent))


class _Adam:
    """Kingma & Ba 2015, https://arxiv.org/abs/1412.6980."""

    def __init__(self, size: int, learning_rate: float) -> None:
        self._rate = learning_rate
        self._mean, self._square, self._steps = np.zeros(size), np.zeros(size), 0

    def state(self) -> dict[str, Any]:
        return {"mean": self._mean, "square": self._square, "steps": self._steps}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._mean, self._square = np.array(state["mean"]), np.array(state["square"])
        self._steps = int(state["steps"])

    def step(self, gradient: Array) -> Array:
        """How far to go along a gradient."""
        self._steps += 1
        self._mean += 0.1 * (gradient - self._mean)
        self._square += 0.001 * (gradient**2 - self._square)
        mean, square = self._mean / (1 - 0.9**self._steps), self._square / (1 - 0.999**self._steps)
        return self._rate * mean / (np.sqrt(square) + 1e-8)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
