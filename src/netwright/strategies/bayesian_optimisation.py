"""Bayesian optimisation: evaluate what a predictor with uncertainty promises most of.

Jones et al. 1998, https://doi.org/10.1023/A:1008306431147; for architectures Kandasamy et al. 2018, NASBOT,
https://arxiv.org/abs/1802.07191, and Ru et al. 2021, https://arxiv.org/abs/2006.07556.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, get_args

import numpy as np

from netwright.core import Arch, Candidate, History, Record, SearchSpace
from netwright.core.errors import InvalidInput, SpaceExhausted
from netwright.predictors.gaussian_process import GaussianProcess
from netwright.predictors.protocols import Predictor
from netwright.predictors.targets import NormalTargets, Targets
from netwright.strategies.acquisition import Acquisition, acquisition_from
from netwright.strategies.arch_pools import DistinctArches, distinct_arches, nearby_arches, unseen_arch
from netwright.strategies.surrogate import Liar, Surrogate, penalised, scalarised, table_of

__all__ = ["BayesianOptimisation"]

_BEST = 10  # records near which a large space is looked at
_AGAIN = 0.25  # the share of the pool that is then made near the most promising of it


@dataclass(frozen=True, slots=True)
class BayesianOptimisation:
    """Random arches first; then a predictor learns from all records, and the most promising unseen arch is next.

    A space of up to 50,000 arches is scored as a whole, one arch for each network (`space.canonical`); of a larger one,
    mutations and crossovers of the best records and random arches. No network is proposed twice.

    Attributes:
        predictor: guesses the score of an arch and how sure that is: any of `netwright.predictors`.
        acquisition: what is promising: `expected_improvement`, `upper_confidence_bound`, `thompson`, or an object.
        n_initial: random arches before the predictor is asked.
        targets: what it learns: normal scores of the losses with the poor end cut off, unless another is given.
        liar: what candidates that are being evaluated are taken to score (Ginsbourger et al. 2010, the constant liar):
            the `mean`, `best` or `worst` score so far.
        pool: how many arches of a large space are scored for each proposal.
        scope: `whole`, or `nearby` to treat a small space like a large one: for acquisitions that draw each arch's
            promise on its own, the best draw of very many says little.
        every: after how many records a predictor other than the Gaussian process is fitted anew. With more than one,
            it isn't told of what is being evaluated.

    Several objectives are scalarised by random weights for each proposal (ParEGO, Knowles 2006). Records that break
    limits rank behind all others, less violation first, and failed ones last; so where they are is learned too.

    Example:
        >>> BayesianOptimisation(acquisition="thompson", n_initial=8).n_initial
        8
    """

    predictor: Predictor = field(default_factory=lambda: GaussianProcess(targets="losses"))
    acquisition: str | Acquisition = "expected_improvement"
    n_initial: int = 5
    targets: Targets = field(default_factory=NormalTargets)
    liar: Liar = "mean"
    pool: int = 200
    scope: Literal["whole", "nearby"] = "whole"
    every: int = 1

    def __post_init__(self) -> None:
        if self.n_initial < 1 or self.pool < 1 or self.every < 1:
            raise InvalidInput(
                "`n_initial`, `pool` and `every` of BayesianOptimisation must be at least 1, but got "
                f"n_initial={self.n_initial}, pool={self.pool}, every={self.every}."
            )
        if self.scope not in ("whole", "nearby"):
            raise InvalidInput(f"`scope` must be 'whole' or 'nearby', but got {self.scope!r}.")
        if self.liar not in get_args(Liar):
            raise InvalidInput(f"`liar` must be one of {', '.join(get_args(Liar))}, but got {self.liar!r}.")
        if not callable(getattr(self.predictor, "fit", None)):
            raise InvalidInput(
                f"`predictor` must have a method fit(space, arches, losses, rng), but got {self.predictor!r}."
            )
        acquisition_from(self.acquisition)

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """The most promising arch that nobody has evaluated.

        Raises:
            SpaceExhausted: if every network of the space is known.
        """
        state = history.fold((self, "surrogate"), _note, Surrogate)
        distinct = distinct_arches(space) if self.scope == "whole" else None
        free = None if distinct is None else self._free(distinct, history)
        if history.next_id < self.n_initial or not any(record.losses for record in state.records):
            if distinct is None or free is None:
                return history.candidate(unseen_arch(space, history, rng))
            return history.candidate(distinct.arches[free[int(rng.random() * len(free))]])
        model = _Model(self, space, state, history, rng)
        if distinct is None or free is None:
            arch, parent = self._most_promising_nearby(model, history)
            return history.candidate(arch, parent=parent)
        promises = model.promises(distinct.arches)[free]
        return history.candidate(distinct.arches[free[_first_best(promises, rng)]])

    def _free(self, distinct: DistinctArches, history: History) -> Any:
        """The places of the arches that nobody has evaluated."""
        taken: _Taken = history.fold((self, "taken"), lambda taken, record: taken.note(distinct, record),
                                     lambda: _Taken(np.zeros(len(distinct.arches), dtype=bool)))  # fmt: skip
        free = ~taken.places
        for other in history.pending.values():
            place = distinct.index(other.arch)
            if place is not None and other.fidelity >= 1:
                free[place] = False
        places = np.flatnonzero(free)
        if not len(places):
            raise SpaceExhausted(f"all {len(free)} networks of the space are known.")
        return places

    def _most_promising_nearby(self, model: _Model, history: History) -> tuple[Arch, int | None]:
        space, rng = model.space, model.rng
        pool = nearby_arches(space, history, model.best, self.pool, rng)
        if not pool:
            return unseen_arch(space, history, rng), None
        promises = model.promises([arch for arch, _ in pool])
        top = [pool[i] for i in np.argsort(-promises, kind="stable")[:_BEST]]
        climbed: dict[Arch, int | None] = {}
        for i in range(int(_AGAIN * self.pool)):
            arch, parent = top[i % len(top)]
            try:
                child = space.mutate(arch, rng)
            except SpaceExhausted:  # constraints allow no change of this arch
                continue
            if not history.seen(child, 1.0):
                climbed.setdefault(child, parent)
        if climbed:
            pool += climbed.items()
            promises = np.append(promises, model.promises(list(climbed)))
        return pool[_first_best(promises, rng)]


@dataclass(slots=True)
class _Taken:
    """Which arches of a small space are known."""

    places: np.ndarray[Any, np.dtype[np.bool_]]

    def note(self, distinct: DistinctArches, record: Record) -> _Taken:
        place = distinct.index(record.arch)
        if place is not None and record.fidelity >= 1:
            self.places[place] = True
        return self


class _Model:
    """What one proposal knows: the scores of the records, and the promise of any arch."""

    def __init__(
        self,
        strategy: BayesianOptimisation,
        space: SearchSpace,
        state: Surrogate,
        history: History,
        rng: np.random.Generator,
    ) -> None:
        self.space, self.rng = space, rng
        self._strategy, self._state = strategy, state
        self._acquire = acquisition_from(strategy.acquisition)
        self._busy = [history.pending[number].arch for number in sorted(history.pending)]
        self._n_objectives = len(history.objectives)
        self._weights = np.full(self._n_objectives, 1 / self._n_objectives)
        self._learned_from = partial(self._scored, weights=self._weights)
        if self._n_objectives > 1:
            drawn = rng.exponential(size=self._n_objectives)  # uniform over those that sum up to 1
            self._weights = drawn / drawn.sum()
        losses = self._losses(state.records, self._weights)
        self._scores = strategy.targets(losses)
        order = np.argsort(losses, kind="stable")[:_BEST].tolist()
        self.best = [state.records[i] for i in order if np.isfinite(losses[i])]

    def _losses(self, records: Sequence[Record], weights: Any) -> Any:
        table = table_of(records, self._n_objectives)
        return penalised(records, table[:, 0] if self._n_objectives == 1 else scalarised(table, weights))

    def _scored(self, records: Sequence[Record], weights: Any) -> Any:
        return self._strategy.targets(self._losses(records, weights))

    def promises(self, arches: Any) -> Any:
        mean, std = self._state.predict(
            self.space,
            self._strategy.predictor,
            self._scores,
            arches,
            learned_from=self._learned_from,
            changing=self._n_objectives > 1,
            every=self._strategy.every,
            busy=self._busy,
            liar=self._strategy.liar,
        )
        return self._acquire(mean, std, float(self._scores.min()), self.rng)


def _note(state: Surrogate, record: Record) -> Surrogate:
    return state.note(record)


def _first_best(promises: Any, rng: np.random.Generator) -> int:
    """Where the highest promise is; of those that are equal but for rounding, a random one."""
    near = np.flatnonzero(promises >= promises.max() - 1e-6)
    return int(near[int(rng.random() * len(near))])
