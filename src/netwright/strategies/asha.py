"""ASHA, asynchronous successive halving (Li et al. 2020, https://arxiv.org/abs/1810.05934)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from math import ceil
from typing import Literal

import numpy as np

from netwright.core import Arch, Candidate, History, SearchSpace, Strategy
from netwright.core.errors import InvalidInput, SpaceExhausted
from netwright.strategies.deduplicated import Deduplicated
from netwright.strategies.fidelities import USUAL_FIDELITIES, checked_fidelities, shares_kept
from netwright.strategies.inner import check_inner
from netwright.strategies.numbers import check_numbers
from netwright.strategies.one_loss_each import one_loss_each
from netwright.strategies.random import Random
from netwright.strategies.rungs import Rungs

__all__ = ["ASHA"]


@dataclass(frozen=True, slots=True)
class ASHA:
    """Trains many arches a little; whatever is among the best of its rung goes on to the next. Nobody waits.

    A promotion is a candidate of the same arch at the next fidelity, whose parent is the record below: an evaluator
    with checkpoints goes on with its training. New arches come from the strategy inside, which sees each arch once,
    with one loss (`one_loss_each`). What is refused before any training doesn't count, and what fails or breaks a limit
    never goes on. When the strategy inside has nothing new, the best of what is left go on, until all are fully
    trained.

    Attributes:
        strategy: where new arches come from: random ones in the paper, or any other strategy.
        fidelities: of the rungs, ascending, the last 1: see `rungs`.
        eta: one in so many goes on; fewer where the next rung costs more than so many times as much.
        decision: `promotion`: a record may go on whenever it is among the best, also later, when others turned out
            worse; `stopping`: it goes on at once or never, by those that were there before it.
        outright: arches that go on to the end whatever they come to on the way, once they are proposed: those that all
            others must beat.

    Differs from the paper in that the strategy inside may be any, in that the highest rung that has a record to promote
    comes first, among which the best, and in `outright`. Of several objectives the first one decides what goes on.

    Example:
        >>> from netwright import Space, integer
        >>> from netwright.loop import Search
        >>> def loss(candidate, context):
        ...     return {"loss": abs(candidate.arch["x"] - 42) + 10 / candidate.fidelity}
        >>> search = Search(Space({"x": integer(0, 99)}), ASHA(), loss, budget="40 candidates")
        >>> records = search.run().records
        >>> [sum(round(16 * record.fidelity) == epochs for record in records) for epochs in (1, 4, 16)]
        [29, 9, 2]

    Raises:
        InvalidInput: if an argument isn't what it should be.
    """

    strategy: Strategy = field(default_factory=lambda: Deduplicated(Random()))
    fidelities: tuple[float, ...] = USUAL_FIDELITIES
    eta: float = 4.0
    decision: Literal["promotion", "stopping"] = "promotion"
    outright: tuple[Arch, ...] = ()

    def __post_init__(self) -> None:
        check_numbers(self)
        check_inner("ASHA", strategy=self.strategy)
        object.__setattr__(self, "fidelities", checked_fidelities(self.fidelities))
        shares_kept(self.fidelities, self.eta)
        if not isinstance(self.outright, tuple) or not all(isinstance(arch, Arch) for arch in self.outright):
            raise InvalidInput(
                f"`outright` of ASHA must be a tuple of Arch, as in (space.default(),), but got {self.outright!r}."
            )
        if self.decision not in ("promotion", "stopping"):
            raise InvalidInput(f"`decision` of ASHA must be 'promotion' or 'stopping', but got {self.decision!r}.")

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """A promotion, if a record may go on; else a new arch at the lowest fidelity."""
        shares = shares_kept(self.fidelities, self.eta)
        stopping = self.decision == "stopping"

        def at_once(place: int, total: int, level: int) -> bool:
            return place < ceil(total * shares[level] - 1e-9)

        def later(place: int, total: int, level: int) -> bool:
            return place < int(total * shares[level] + 1e-9)

        state: Rungs = history.fold(
            (self, "rungs"),
            Rungs.note,
            partial(Rungs, self.fidelities, at_once if stopping else None, outright=set(self.outright)),
        )
        promotion = state.promotion(history, None if stopping else later)
        if promotion is not None:
            return promotion
        inner = one_loss_each((self, "inside"), space, history)
        try:
            return replace(self.strategy.propose(space, inner, rng), fidelity=self.fidelities[0])
        except SpaceExhausted:
            left = history.fold((self, "left"), Rungs.note, partial(Rungs, self.fidelities))
            promotion = left.promotion(history)
            if promotion is None:
                raise
            return promotion
