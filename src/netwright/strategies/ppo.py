"""Proximal policy optimisation (Schulman et al. 2017, https://arxiv.org/abs/1707.06347).

As the strategy of NASNet (Zoph et al. 2018, https://arxiv.org/abs/1707.07012).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netwright.core import Candidate, History, SearchSpace
from netwright.strategies.controller import Learning, proposed
from netwright.strategies.numbers import check_numbers

__all__ = ["PPO"]


@dataclass(frozen=True, slots=True)
class PPO:
    """An LSTM writes each arch decision by decision, and makes several clipped steps on each batch of records.

    Differs from NASNet: 32 units instead of 100, batches of 10 arches instead of 20, and the learning rate and the
    weight of the entropy are larger, as fits a thousand evaluations instead of ten thousands; a record's reward is its
    standing among the last 200 instead of the accuracy, so any metric will do. As there, a moving average stands in for
    the value function. Each written step is an action with a ratio of its own. Of several objectives
    the first one counts.

    The ratios are taken to the policy at the start of the update, which wrote all of the batch only with one worker and
    no wrapper around: see `Reinforce`, which has the same limits.

    Attributes:
        hidden: units of the LSTM.
        batch: records that one update is made of.
        learning_rate: of Adam.
        entropy: weight of the mean entropy of an arch's steps; rewards have a standard deviation of about 1.
        baseline_decay: of the moving average of rewards.
        epochs: gradient steps on each batch.
        clip: how far (relatively) the probability of a step may move on one batch.
    """

    hidden: int = 32
    batch: int = 10
    learning_rate: float = 0.01
    entropy: float = 2.5
    baseline_decay: float = 0.9
    epochs: int = 3
    clip: float = 0.2

    def __post_init__(self) -> None:
        check_numbers(self)
        self._learning()  # it checks the numbers

    def _learning(self) -> Learning:
        return Learning(
            self.hidden, self.batch, self.learning_rate, self.entropy, self.baseline_decay, self.epochs, self.clip
        )

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """An arch that the controller writes; it may be a known one.

        Raises:
            InvalidInput: if the space has no fixed list of decisions.
        """
        return proposed(self, self._learning(), space, history, rng)
