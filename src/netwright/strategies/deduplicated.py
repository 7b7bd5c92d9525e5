"""A wrapper that spends no evaluation twice on the same network."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from netwright.core import Arch, Candidate, History, Record, SearchSpace, Strategy
from netwright.core.errors import InvalidInput, SpaceExhausted

__all__ = ["Deduplicated"]


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
        if self.tries < 1:
            raise InvalidInput(f"`tries` of Deduplicated must be at least 1, but got {self.tries}.")

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """An unseen arch.

        Raises:
            SpaceExhausted: if every arch of a finite space is known, or none is found.
        """
        known: set[Arch] = history.fold((self, "known"), _Note(space), set)
        busy = {space.canonical(candidate.arch) for candidate in history.pending.values()}

        def new(arch: Arch) -> bool:
            form = space.canonical(arch)
            return form not in known and form not in busy

        candidate = self.strategy.propose(space, history, rng)
        for _ in range(self.tries):
            if candidate.fidelity < 1 or new(candidate.arch):
                return candidate
            candidate = self.strategy.propose(space, history, rng)
        arch = candidate.arch
        for _ in range(self.tries):  # drift away from what is known
            arch = space.mutate(arch, rng)
            if new(arch):
                return replace(candidate, arch=arch)
        for _ in range(10 * self.tries):
            arch = space.sample(rng)
            if new(arch):
                return history.candidate(arch)
        if space.size() <= 100_000:  # few are left: look through them all
            unseen = next((other for other in space.enumerate() if new(other)), None)
            if unseen is not None:
                return history.candidate(unseen)
        raise SpaceExhausted(f"no unseen arch was found after {len(known)} different ones.")


@dataclass(frozen=True, slots=True)
class _Note:
    space: SearchSpace

    def __call__(self, known: set[Arch], record: Record) -> set[Arch]:
        known.add(self.space.canonical(record.arch))
        return known
