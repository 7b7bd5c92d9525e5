"""Policy gradient (Zoph & Le 2017, https://arxiv.org/abs/1611.01578; REINFORCE is Williams 1992)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netwright.core import Candidate, History, SearchSpace
from netwright.strategies.controller import Learning, proposed
from netwright.strategies.numbers import check_numbers

__all__ = ["Reinforce"]


@dataclass(frozen=True, slots=True)
class Reinforce:
    """An LSTM writes each arch decision by decision; what did better than the moving average becomes more likely.

    Differs from the paper: one layer of 32 units instead of two of 35; a record's reward is its standing among the last
    200 instead of the cubed accuracy, so any metric will do; an entropy bonus (added in later papers) and large steps
    of Adam, as fits a thousand evaluations instead of ten thousands. Skip connections are decisions of the space like
    all others. Of several objectives the first one counts.

    The gradient takes every record for a sample of the present policy. With several workers, after given arches, or
    within `Deduplicated` (which leaves out what is known, and mutates when it runs out of tries) that is only roughly
    so. The entropy bonus keeps the policy broad enough for it to matter little.

    Attributes:
        hidden: units of the LSTM.
        batch: records that one update is made of.
        learning_rate: of Adam.
        entropy: weight of the mean entropy of an arch's steps; rewards have a standard deviation of about 1.
        baseline_decay: of the moving average of rewards.
    """

    hidden: int = 32
    batch: int = 10
    learning_rate: float = 0.02
    entropy: float = 2.5
    baseline_decay: float = 0.9

    def __post_init__(self) -> None:
        check_numbers(self)
        self._learning()  # it checks the numbers

    def _learning(self) -> Learning:
        return Learning(self.hidden, self.batch, self.learning_rate, self.entropy, self.baseline_decay)

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """An arch that the controller writes; it may be a known one.

        Raises:
            InvalidInput: if the space has no fixed list of decisions.
        """
        return proposed(self, self._learning(), space, history, rng)
