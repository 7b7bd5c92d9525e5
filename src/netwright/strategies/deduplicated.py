"""A wrapper that spends no evaluation twice on the same network."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from netwright.core import Arch, Candidate, History, SearchSpace, Strategy
from netwright.core.errors import InvalidInput, SpaceExhausted
from netwright.strategies.inner import check_inner
from netwright.strategies.numbers import check_numbers

__all__ = ["Deduplicated"]

_NEAR, _ANYWHERE = 20, 200  # mutations and random arches that are tried
_FEW = 100_000  # so many arches are looked through one by one


@dataclass(frozen=True, slots=True)
class Deduplicated:
    """Asks another strategy again while it proposes what is known: by its decisions, or by `space.canonical`.

    Attributes:
        strategy: what is asked.
        tries: how often, before a new arch is looked for nearby (mutations) and then anywhere (random arches).
    """

    strategy: Strategy
    tries: int = 20

    def __post_init__(self) -> None:
        check_numbers(self)
        check_inner("Deduplicated", strategy=self.strategy)
        if self.tries < 1:
            raise InvalidInput(f"`tries` of Deduplicated must be at least 1, but got {self.tries}.")

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """A candidate that was not seen at this fidelity or a higher one.

        Raises:
            SpaceExhausted: if every arch of a finite space is known, or none is found.
        """
        for _ in range(self.tries):
            candidate = self.strategy.propose(space, history, rng)
            if not history.seen(candidate.arch, candidate.fidelity):
                return candidate
        arch = candidate.arch
        try:
            for _ in range(_NEAR):  # drift away from what is known
                arch = space.mutate(arch, rng)
                if not history.seen(arch, candidate.fidelity):
                    return replace(candidate, arch=arch)
        except SpaceExhausted:
            pass  # this arch has no mutations
        return replace(candidate, arch=self._anywhere(space, history, rng, candidate.fidelity), parent=None)

    def _anywhere(self, space: SearchSpace, history: History, rng: np.random.Generator, fidelity: float) -> Arch:
        for _ in range(_ANYWHERE):
            arch = space.sample(rng)
            if not history.seen(arch, fidelity):
                return arch
        if space.size() <= _FEW:  # few are left: look through them all
            for arch in space.enumerate():
                if not history.seen(arch, fidelity):
                    return arch
        raise SpaceExhausted(f"no unseen arch was found after {len(history)} records.")
