"""A wrapper that proposes only what holds limits on cheap costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from netwright.core import Arch, Candidate, Constraint, History, Record, SearchSpace, Strategy, constraints_from
from netwright.core.errors import InvalidInput, SpaceExhausted
from netwright.strategies.continued import continued
from netwright.strategies.inner import check_inner
from netwright.strategies.numbers import check_numbers

__all__ = ["Constrained"]

_MENDING = 4  # mutations for each time that the strategy may be asked


@dataclass(frozen=True, slots=True)
class Constrained:
    """Asks another strategy again while it proposes what breaks a limit; then mends what comes nearest.

    For limits that are so tight that most arches break them, and costs that take much less time than a candidate:
    `evaluators.Limited` alone would fill the history with infeasible records, which a model has to be fitted on, and
    end the search after a thousand of them. While the strategy is asked again, what it proposed counts as pending.
    Mending takes mutations that break the limits less, while there are some. What can't be mended is proposed as it is:
    keep `Limited` around the evaluator, which makes an infeasible record of it. `Deduplicated` goes inside of this one.

    Attributes:
        strategy: what is asked.
        costs: cheap metrics of an arch by name, such as `evaluators.ModelCost`; an arch for which it raises breaks the
            limits. A function that has a name, or a frozen object, so that this is hashable and picklable.
        constraints: limits on those costs, such as `"params<=100k"`.
        tries: how often the strategy is asked, before four times as many mutations are tried.

    Example:
        >>> from netwright import Space, integer
        >>> from netwright.loop import Search
        >>> from netwright.strategies import Random
        >>> space = Space({"width": integer(1, 100), "depth": integer(1, 100)})
        >>> def params(arch):
        ...     return {"params": arch["width"] ** 2 * arch["depth"]}
        >>> search = Search(space, Constrained(Random(), params, "params<=1k"))
        >>> all(params(search.ask().arch)["params"] <= 1000 for _ in range(50))
        True

    Raises:
        InvalidInput: if `costs` can't be called, there is no constraint, or one can't be read.
    """

    strategy: Strategy
    costs: Callable[[Arch], Mapping[str, float]]
    constraints: str | Constraint | Sequence[str | Constraint]
    tries: int = 50

    def __post_init__(self) -> None:
        check_numbers(self)
        check_inner("Constrained", strategy=self.strategy)
        if not callable(self.costs):
            raise InvalidInput(f"`costs` of Constrained must be callable with an arch, but got {self.costs!r}.")
        found = constraints_from(self.constraints)
        if not found:
            raise InvalidInput("`constraints` of Constrained must be one limit at least, such as 'params<=100k'.")
        if self.tries < 1:
            raise InvalidInput(f"`tries` of Constrained must be at least 1, but got {self.tries!r}.")
        object.__setattr__(self, "constraints", found)

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """The strategy's candidate, or one near it, that holds the limits; the nearest to them if none is found."""
        known: dict[Arch, float] = history.fold((self, "violations"), _unchanged, dict)
        inner = continued((self, "history"), space, history).history
        refused: list[Candidate] = []
        exhausted: SpaceExhausted | None = None
        try:
            while len(refused) < self.tries:
                candidate = self.strategy.propose(space, inner, rng)
                if self._violation(candidate.arch, known) == 0:
                    return candidate
                refused.append(candidate)
                inner.start(replace(candidate, id=-len(refused)))
        except SpaceExhausted as error:  # nothing else, though something near may do
            exhausted = error
            if not refused:
                raise
        finally:
            for number in range(1, len(refused) + 1):
                inner.drop(-number)
        nearest = min(refused, key=lambda candidate: known[candidate.arch])
        mended = self._mended(nearest, space, history, rng, known)
        if exhausted is not None and (known[mended.arch] > 0 or history.seen(mended.arch, mended.fidelity)):
            raise exhausted
        return mended

    def _mended(
        self,
        candidate: Candidate,
        space: SearchSpace,
        history: History,
        rng: np.random.Generator,
        known: dict[Arch, float],
    ) -> Candidate:
        """A candidate that holds the limits, some mutations away."""
        arch, broken = candidate.arch, known[candidate.arch]
        for _ in range(_MENDING * self.tries):
            try:
                other = space.mutate(arch, rng)
            except SpaceExhausted:  # of this arch, by the space's own constraints
                break
            less = self._violation(other, known)
            if less == 0 and not history.seen(other, candidate.fidelity):
                return replace(candidate, arch=other)
            if less <= broken:
                arch, broken = other, less
        return replace(candidate, arch=arch)

    def _violation(self, arch: Arch, known: dict[Arch, float]) -> float:
        """By how much an arch breaks the limits; infinite where the costs can't be computed. Computed once."""
        if arch not in known:
            try:
                costs = self.costs(arch)
            except Exception:  # noqa: BLE001  # an arch that can't be built has no costs
                known[arch] = float("inf")
            else:
                known[arch] = sum(limit.violation(costs) for limit in self._limits(costs))
        return known[arch]

    def _limits(self, costs: Mapping[str, float]) -> Sequence[Constraint]:
        limits: Sequence[Constraint] = self.constraints  # type: ignore[assignment]  # read at construction
        missing = [limit.metric for limit in limits if limit.metric not in costs]
        if missing:
            there = ", ".join(costs) or "none"
            raise InvalidInput(f"`costs` of Constrained must give {', '.join(missing)}, but gives: {there}.")
        return limits


def _unchanged(known: dict[Arch, float], _: Record) -> dict[Arch, float]:
    return known
