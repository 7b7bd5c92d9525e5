"""ENAS as a method."""

from __future__ import annotations

from netwright.core import Recipe, SearchSpace
from netwright.core.registry import methods
from netwright.oneshot.architecture_only import ArchitectureOnly, needs_networks
from netwright.oneshot.preparing import OneShot
from netwright.oneshot.samplers import ControllerDriven
from netwright.strategies import Deduplicated, Reinforce
from netwright.strategies.writing import Writing

__all__ = ["enas"]


@methods.register
def enas(space: SearchSpace, *, every: int = 20, epochs: int | None = None) -> Recipe:
    """A controller and shared weights learn in turns; then the controller writes arches (Pham et al. 2018).

    https://arxiv.org/abs/1802.03268. As in the paper, the winner is the best on validation data of what the trained
    controller writes, and it is trained from scratch. See `samplers.ControllerDriven` for how they take turns.

    Args:
        space: of networks.
        every: steps of the shared weights between two of the controller.
        epochs: of the supernet; as many as fit if not given.

    Example:
        >>> from netwright import Space, choice, nn
        >>> enas(Space(nn.Sequential(choice([nn.ReLU(), nn.SiLU()])))).prepare.sampler.every
        20

    Raises:
        InvalidInput: if the space's arches aren't networks, or it has decisions that can't be written.
    """
    Writing(needs_networks("enas", space))  # says at once what can't be written
    sampler = ControllerDriven(every=every)
    return Recipe(ArchitectureOnly(Deduplicated(Reinforce())), prepare=OneShot(sampler, None, epochs))
