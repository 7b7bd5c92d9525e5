"""Policy gradient as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.strategies import Deduplicated, Reinforce
from netwright.strategies.writing import Writing

__all__ = ["reinforce"]


@methods.register
def reinforce(space: SearchSpace, *, batch: int = 10, learning_rate: float = 0.02, entropy: float = 2.5) -> Recipe:
    """An LSTM controller learns to write arches by policy gradient, none twice (Zoph & Le 2017, arXiv:1611.01578).

    The paper trains again what the controller writes again. An evaluation is dear and the record is there, so here it
    is asked for something else.

    Example:
        >>> from netwright import Space, choice
        >>> reinforce(Space({"x": choice([1, 2])}), entropy=1.0).strategy.strategy
        Reinforce(hidden=32, batch=10, learning_rate=0.02, entropy=1.0, baseline_decay=0.9)

    Raises:
        InvalidInput: if the space has no fixed list of decisions.
    """
    Writing(space)  # says at once what can't be written
    return Recipe(Deduplicated(Reinforce(batch=batch, learning_rate=learning_rate, entropy=entropy)))
