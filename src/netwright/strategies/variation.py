"""How evolutionary strategies make a child of two parents: crossover, then mutation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import numpy as np

from netwright.core import Arch, SearchSpace
from netwright.core.errors import InvalidInput, SpaceExhausted, unknown
from netwright.spaces.crossovers import CROSSOVERS, Crossover

__all__ = ["Variation", "bred", "by_name", "check_variation", "child"]

F = TypeVar("F", bound=Callable[..., Any])


class Variation(Protocol):
    """A strategy that varies arches: the arguments of `child`."""

    @property
    def crossover(self) -> str | Crossover: ...
    @property
    def crossover_rate(self) -> float: ...
    @property
    def mutation_rate(self) -> float | None: ...


def bred(how: Variation, space: SearchSpace, first: Arch, second: Arch, rng: np.random.Generator) -> Arch:
    """A child of two parents, made as a strategy says."""
    return child(
        space,
        first,
        second,
        rng,
        crossover=how.crossover,
        crossover_rate=how.crossover_rate,
        mutation_rate=how.mutation_rate,
    )


def child(
    space: SearchSpace,
    first: Arch,
    second: Arch,
    rng: np.random.Generator,
    *,
    crossover: str | Crossover,
    crossover_rate: float,
    mutation_rate: float | None,
) -> Arch:
    """A child of two parents.

    Args:
        space: where they live.
        first, second: the parents.
        rng: all that is random.
        crossover: by name or as a function; `uniform` is the space's own.
        crossover_rate: chance of a crossover; else the child starts as a copy of the first parent.
        mutation_rate: chance of each decision to be changed after that; None: one over their number. A child that is
            still one of its parents has one decision changed in any case.
    """
    arch = first
    if rng.random() < crossover_rate and first != second:
        if crossover == "uniform":
            arch = space.crossover(first, second, rng)
        else:
            arch = by_name("crossover", crossover, CROSSOVERS)(space, first, second, rng)
    n_decisions = len(arch)
    rate = 1 / max(n_decisions, 1) if mutation_rate is None else mutation_rate
    n_changes = int((rng.random(n_decisions) < rate).sum())
    if n_changes == 0 and arch in (first, second):
        n_changes = 1
    try:
        for _ in range(n_changes):
            arch = space.mutate(arch, rng)
    except SpaceExhausted:  # constraints allow no change of this arch
        return space.sample(rng) if arch in (first, second) else arch
    return arch


def by_name(kind: str, given: str | F, known: Mapping[str, F]) -> F:
    """What a name stands for (`-` is `_`); anything else is returned as it is.

    Raises:
        NotFound: for an unknown name.
    """
    if not isinstance(given, str):
        return given
    found = known.get(given.replace("-", "_"))
    if found is None:
        raise unknown(kind, given, known)
    return found


def check_variation(crossover: str | Crossover, crossover_rate: float, mutation_rate: float | None) -> None:
    """Check the arguments of `child` when a strategy is made.

    Raises:
        NotFound: for an unknown crossover.
        InvalidInput: if the crossover can't be called, or a chance isn't one.
    """
    if not callable(by_name("crossover", crossover, CROSSOVERS)):
        names = ", ".join(CROSSOVERS)
        raise InvalidInput(
            f"`crossover` must be one of {names} or a function (space, first, second, rng), but got {crossover!r}."
        )
    if not 0 <= crossover_rate <= 1:
        raise InvalidInput(f"`crossover_rate` must be in 0 to 1, but got {crossover_rate!r}.")
    if mutation_rate is not None and not 0 <= mutation_rate <= 1:
        raise InvalidInput(f"`mutation_rate` must be in 0 to 1, or None for one decision, but got {mutation_rate!r}.")
