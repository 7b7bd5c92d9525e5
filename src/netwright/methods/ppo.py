"""Proximal policy optimisation as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.strategies import PPO, Deduplicated
from netwright.strategies.writing import Writing

__all__ = ["ppo"]


@methods.register
def ppo(
    space: SearchSpace,
    *,
    batch: int = 10,
    learning_rate: float = 0.01,
    entropy: float = 2.5,
    epochs: int = 3,
    clip: float = 0.2,
) -> Recipe:
    """An LSTM controller learns by proximal policy optimisation, none twice (Zoph et al. 2018, arXiv:1707.07012).

    Example:
        >>> from netwright import Space, choice
        >>> ppo(Space({"x": choice([1, 2])}), clip=0.1).strategy.strategy
        PPO(hidden=32, batch=10, learning_rate=0.01, entropy=2.5, baseline_decay=0.9, epochs=3, clip=0.1)

    Raises:
        InvalidInput: if the space has no fixed list of decisions.
    """
    Writing(space)  # says at once what can't be written
    return Recipe(
        Deduplicated(PPO(batch=batch, learning_rate=learning_rate, entropy=entropy, epochs=epochs, clip=clip))
    )
