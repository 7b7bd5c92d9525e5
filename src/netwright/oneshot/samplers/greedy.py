"""Greedy sampling: of several paths, train the better ones (You et al. 2020, GreedyNAS, https://arxiv.org/abs/2003.11236)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netwright.core import Arch
from netwright.core.errors import InvalidInput
from netwright.oneshot.extremes import Costs
from netwright.oneshot.samplers.path_sampler import Score, Turn
from netwright.spaces import Space

__all__ = ["Greedy"]


@dataclass(frozen=True, slots=True)
class Greedy:
    """Draws several paths, looks at their losses on a batch of validation data, and trains the better half of them.

    Good paths are kept in a pool, from which more and more of the drawn ones come. So little is spent on the many paths
    of a large space that nobody would choose.

    Attributes:
        n_drawn: paths that are looked at at a time.
        n_kept: how many of them are trained, one a step.
        pool: how many good paths are remembered.
        most_from_pool: the chance of a drawn path to come from the pool, at the end of the training; at its start it
            is 0, and it rises evenly.

    Example:
        >>> from netwright import choice, nn
        >>> space = Space(nn.Sequential(*[choice([nn.ReLU(), nn.SiLU()], label=f"op{i}") for i in range(4)]))
        >>> paths = Greedy(n_drawn=16, n_kept=1).begin(space)
        >>> relus = lambda arch: float(sum(op == "ReLU" for op in arch.values()))
        >>> [relus(paths.step(np.random.default_rng(i), 0.5, relus)[0].arch) < 2 for i in range(4)]
        [True, True, True, True]

    Raises:
        InvalidInput: if the numbers don't fit each other.
    """

    n_drawn: int = 10
    n_kept: int = 5
    pool: int = 200
    most_from_pool: float = 0.8

    def __post_init__(self) -> None:
        whole = all(isinstance(value, int) for value in (self.n_drawn, self.n_kept, self.pool))
        if not whole or not 1 <= self.n_kept <= self.n_drawn or self.pool < 1 or not 0 <= self.most_from_pool <= 1:
            raise InvalidInput(
                "`n_kept` of Greedy must be in 1..n_drawn, `pool` at least 1 and `most_from_pool` in 0 to 1, but got "
                f"n_drawn={self.n_drawn!r}, n_kept={self.n_kept!r}, pool={self.pool!r}, "
                f"most_from_pool={self.most_from_pool!r}."
            )

    def begin(self, space: Space, costs: Costs | None = None) -> GreedyPaths:
        """The paths of a training."""
        return GreedyPaths(space, self)


class GreedyPaths:
    """The paths of one training; see `Greedy`."""

    def __init__(self, space: Space, settings: Greedy) -> None:
        self.space = space
        self.settings = settings
        self.waiting: list[Arch] = []
        self.pool: dict[Arch, float] = {}

    def step(self, rng: np.random.Generator, progress: float, score: Score) -> Sequence[Turn]:
        """The next of the better paths; when there is none left, others are drawn first."""
        if not self.waiting:
            self._draw(rng, progress, score)
        return (Turn(self.waiting.pop(0)),)

    def _draw(self, rng: np.random.Generator, progress: float, score: Score) -> None:
        settings, known = self.settings, list(self.pool)
        chance = settings.most_from_pool * progress if known else 0.0
        drawn: dict[Arch, float] = {}
        for _ in range(settings.n_drawn):
            again = rng.random() < chance
            arch = known[int(rng.random() * len(known))] if again else self.space.sample(rng)
            if arch not in drawn:
                drawn[arch] = score(arch)
        order = sorted(drawn, key=lambda arch: drawn[arch] if np.isfinite(drawn[arch]) else np.inf)
        self.waiting = order[: settings.n_kept]
        for arch in drawn:
            self.pool.pop(arch, None)  # the newest loss counts
        self.pool |= {arch: drawn[arch] for arch in self.waiting}
        best = sorted(self.pool, key=self.pool.__getitem__)[: settings.pool]
        self.pool = {arch: self.pool[arch] for arch in best}

    def state(self) -> Mapping[str, Any]:
        """The pool, and the paths that wait."""
        pool = [[arch.to_json(), loss] for arch, loss in self.pool.items()]
        return {"waiting": [arch.to_json() for arch in self.waiting], "pool": pool}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to what `state` returned."""
        self.waiting = [Arch.from_json(text) for text in state["waiting"]]
        self.pool = {Arch.from_json(text): float(loss) for text, loss in state["pool"]}
