"""The part of a space that shared weights can tell apart: its networks, not how each of them is trained."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from netwright.core import Candidate, History, Record, SearchSpace, Strategy
from netwright.core.errors import InvalidInput
from netwright.spaces import Space
from netwright.spaces.decisions import decisions_of
from netwright.spaces.domains import Categorical
from netwright.spaces.nodes import Call, Choice, Repeat

__all__ = ["ArchitectureOnly", "needs_networks", "without_training"]


def without_training(space: Space) -> Space:
    """The same space with its training choices left at their defaults.

    Example:
        >>> from netwright import choice, nn
        >>> space = Space(nn.Sequential(nn.LazyLinear(choice([4, 8]))), training={"lr": choice([0.1, 0.2])})
        >>> space.size(), without_training(space).size()
        (4, 2)
    """
    in_model = {decision.name for decision in decisions_of(space.tree)}
    only = [decision for decision in space.decisions if decision.name not in in_model]
    return space.narrowed({d.name: Categorical((d.domain.default,)) for d in only}) if only else space


@dataclass(frozen=True, slots=True)
class ArchitectureOnly:
    """Asks another strategy about the space without its training choices, which shared weights don't tell apart.

    Attributes:
        strategy: what is asked.

    Example:
        >>> from netwright.strategies import Random
        >>> ArchitectureOnly(Random())
        ArchitectureOnly(strategy=Random())
    """

    strategy: Strategy

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """What the other strategy proposes."""
        if isinstance(space, Space):
            space = history.fold((self, space), _unchanged, partial(without_training, space))
        return self.strategy.propose(space, history, rng)


def _unchanged(space: Space, _: Record) -> Space:
    return space


def needs_networks(
    method: str, space: SearchSpace, *, does: str = "trains one network that contains all arches"
) -> Space:
    """The space, if its arches are networks, and not all the same one; what the method `does` is for the errors.

    Raises:
        InvalidInput: if it is something else; the text says what to use there.
    """
    tree = getattr(space, "tree", None)
    if not isinstance(space, Space) or not isinstance(tree, Call | Choice | Repeat):
        raise InvalidInput(
            f"`{method}` {does}, so it needs a space of networks, such as "
            f"Space(nn.Sequential(...)), but got {space!r}: use 'regularized_evolution' or 'auto' there."
        )
    if not decisions_of(tree):
        raise InvalidInput(
            f"`{method}` {does}, but {space.name!r} has only one: there is no choice in its model. Use 'auto' there."
        )
    return space
