"""Bayesian optimisation: evaluate what a predictor with uncertainty promises most of.

Jones et al. 1998, https://doi.org/10.1023/A:1008306431147; for architectures Kandasamy et al. 2018, NASBOT,
https://arxiv.org/abs/1802.07191, and Ru et al. 2021, https://arxiv.org/abs/2006.07556.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, get_args

import numpy as np

from netwright.core import Candidate, History, Record, SearchSpace
from netwright.core.errors import InvalidInput
from netwright.predictors.gaussian_process import GaussianProcess
from netwright.predictors.protocols import Predictor
from netwright.predictors.proxies import Consensus, Proxies, with_proxies
from netwright.predictors.targets import NormalTargets, Targets
from netwright.predictors.whole_space import encoded, has_reals
from netwright.strategies.acquisition import (
    Acquisition,
    AugmentedExpectedImprovement,
    ExpectedImprovement,
    acquisition_from,
)
from netwright.strategies.arch_pools import N_BEST, Scope, best_unseen, most_promising, random_unseen
from netwright.strategies.numbers import check_numbers
from netwright.strategies.surrogate import Liar, Surrogate, check_surrogate, penalised, scalarised, table_of

__all__ = ["BayesianOptimisation"]

_LEAST = 0.05  # of a standard deviation: an improvement that is worth looking where little is known
_DRAWS = 32  # from what the models of several objectives say


@dataclass(frozen=True, slots=True)
class BayesianOptimisation:
    """Random arches first; then a predictor learns from all records, and the most promising unseen arch is next.

    A space of up to 50,000 arches is scored as a whole, one arch for each network (`space.canonical`); of a larger one,
    mutations and crossovers of the best records and random arches. No network is proposed twice.

    Attributes:
        predictor: guesses the score of an arch and how sure that is: any of `netwright.predictors`.
        acquisition: what is promising: `expected_improvement`, `upper_confidence_bound`, `thompson`, or an object. If
            not given, the improvement that is expected, and where hardly any is left, the mean; where there are reals,
            the improvement by how much an evaluation would tell (`AugmentedExpectedImprovement`), as the mean would
            tune them for ever around the best record.
        n_initial: random arches before the predictor is asked.
        targets: what it learns: normal scores of the losses with the poor end cut off, unless another is given.
        liar: what candidates that are being evaluated are taken to score (Ginsbourger et al. 2010, the constant liar):
            the `mean`, `best` or `worst` score so far.
        pool: how many arches of a large space are scored for each proposal.
        scope: `whole`, or `nearby` to treat a small space like a large one: for acquisitions that draw each arch's
            promise on its own, the best draw of very many says little.
        every: after how many records a predictor other than the Gaussian process is fitted anew. With more than one,
            it isn't told of what is being evaluated.
        prior: cheap scores of arches (zero-cost proxies, FLOPs, …). The predictor learns from them too, and how far to
            trust them; and the first arch is not random, but the best of `pool` random ones by their consensus. The
            second is random: from what is good alone nothing is learned of what makes it good.

    Of several objectives each has a model of its own; what they say is scalarised by random weights for each proposal
    (ParEGO, Knowles 2006; with a model for each objective, Daulton et al. 2020, https://arxiv.org/abs/2006.05078).
    Records that break limits rank behind all others, less violation first, and failed ones last: where they are is
    learned too.

    Example:
        >>> BayesianOptimisation(acquisition="thompson", n_initial=8).n_initial
        8
    """

    predictor: Predictor = field(default_factory=lambda: GaussianProcess(targets="losses"))
    acquisition: str | Acquisition | None = None
    n_initial: int = 3
    targets: Targets = field(default_factory=NormalTargets)
    liar: Liar = "mean"
    pool: int = 200
    scope: Scope = "whole"
    every: int = 1
    prior: Proxies | None = None

    def __post_init__(self) -> None:
        check_numbers(self)
        if self.n_initial < 1 or self.pool < 1 or self.every < 1:
            raise InvalidInput(
                "`n_initial`, `pool` and `every` of BayesianOptimisation must be at least 1, but got "
                f"n_initial={self.n_initial}, pool={self.pool}, every={self.every}."
            )
        if self.scope not in get_args(Scope):
            raise InvalidInput(f"`scope` must be 'whole' or 'nearby', but got {self.scope!r}.")
        check_surrogate(self.predictor, self.liar)
        if self.acquisition is not None:
            acquisition_from(self.acquisition)
        self.informed()

    def informed(self) -> Predictor:
        """The predictor, with the prior where there is one.

        Raises:
            InvalidInput: if it can't take one.
        """
        return self.predictor if self.prior is None else with_proxies(self.predictor, self.prior)

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """The most promising arch that nobody has evaluated.

        Raises:
            SpaceExhausted: if every network of the space is known.
        """
        n_objectives = len(history.objectives)
        states = history.fold((self, "surrogates"), _note, lambda: [Surrogate() for _ in range(n_objectives)])
        if history.next_id < self.n_initial or not any(record.losses for record in states[0].records):
            if self.prior is None or history.next_id:
                return random_unseen(space, history, rng, self)
            guesses = partial(encoded, space, Consensus(self.prior))
            return best_unseen(space, history, rng, self, promises=lambda a: guesses(a)[:, 0], count=self.pool)
        model = _Model(self, space, states, history, rng)
        return most_promising(
            space, history, rng, self, promises=model.promises, best=model.best, count=self.pool, scope=self.scope
        )


class _Model:
    """What one proposal knows: the scores of the records, and the promise of any arch."""

    def __init__(
        self,
        strategy: BayesianOptimisation,
        space: SearchSpace,
        states: Sequence[Surrogate],
        history: History,
        rng: np.random.Generator,
    ) -> None:
        self.space, self.rng = space, rng
        self._strategy, self._states = strategy, states
        self._endless = strategy.acquisition is None and has_reals(space)
        given = ExpectedImprovement(least=_LEAST) if strategy.acquisition is None else strategy.acquisition
        self._acquire = acquisition_from(given)
        self._busy = [history.pending[number].arch for number in sorted(history.pending)]
        records = states[0].records
        n_objectives = len(states)
        self._scores = np.stack([self._scored(records, objective) for objective in range(n_objectives)], axis=1)
        self._weights = np.ones(1)
        if n_objectives > 1:
            drawn = rng.exponential(size=n_objectives)  # uniform over those that sum up to 1
            self._weights = drawn / drawn.sum()
        together = scalarised(self._scores, self._weights)
        self._level, self._spread = float(together.mean()), float(together.std()) or 1.0
        self._least = (
            float(together.min() - self._level) / self._spread if n_objectives > 1 else float(self._scores.min())
        )
        order = np.argsort(together, kind="stable")[:N_BEST].tolist()
        self.best = [records[i] for i in order if records[i].losses]

    def _scored(self, records: Sequence[Record], objective: int) -> Any:
        """The scores of records in one objective: an objective with outliers would not count elsewhere."""
        return self._strategy.targets(penalised(records, table_of(records, len(self._states))[:, objective]))

    def promises(self, arches: Any) -> Any:
        if not self._endless or not self.best:
            return self._acquire(*self._guessed(arches), self._least, self.rng)
        # Nothing is taken off a space of reals by being evaluated: what is as well known as the best records must be.
        mean, std = self._guessed([*arches, *(record.arch for record in self.best)])
        n = len(arches)
        acquire = AugmentedExpectedImprovement(float(std[n:].max()))
        return acquire(mean[:n], std[:n], float(mean[n:].min()), self.rng)

    def _guessed(self, arches: Any) -> tuple[Any, Any]:
        """The mean and standard deviation of the (scalarised) score of each arch."""
        guesses = [
            state.predict(
                self.space,
                self._strategy.informed(),
                self._scores[:, objective],
                arches,
                learned_from=partial(self._scored, objective=objective),
                every=self._strategy.every,
                busy=self._busy,
                liar=self._strategy.liar,
            )
            for objective, state in enumerate(self._states)
        ]
        if len(guesses) == 1:
            return guesses[0]
        return self._together(np.stack([mean for mean, _ in guesses], 1), np.stack([std for _, std in guesses], 1))

    def _together(self, mean: Any, std: Any) -> Any:
        """The mean and standard deviation of the scalarised scores, by draws; in units of the records' own."""
        draws = np.stack([
            scalarised(mean + std * offsets, self._weights, among=self._scores)
            for offsets in np.random.default_rng(0).standard_normal((_DRAWS, mean.shape[1]))
        ])  # fmt: skip
        return (draws.mean(axis=0) - self._level) / self._spread, draws.std(axis=0) / self._spread


def _note(states: list[Surrogate], record: Record) -> list[Surrogate]:
    for state in states:
        state.note(record)
    return states
