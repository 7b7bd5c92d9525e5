"""Expected hypervolume improvement: Bayesian optimisation of a whole Pareto front, by BoTorch.

Emmerich et al. 2006, https://doi.org/10.1109/TEVC.2005.859463; computed exactly as in Yang et al. 2019,
https://doi.org/10.1007/s10898-019-00798-7, by BoTorch (Balandat et al. 2020, https://arxiv.org/abs/1910.06403).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from netwright.core import Arch, Candidate, History, Record, SearchSpace
from netwright.core.errors import InvalidInput, MissingDependency
from netwright.predictors.gaussian_process import GaussianProcess
from netwright.predictors.protocols import Predictor
from netwright.predictors.targets import NormalTargets, Targets
from netwright.strategies.acquisition import ExpectedImprovement
from netwright.strategies.arch_pools import N_BEST, most_promising, random_unseen
from netwright.strategies.numbers import check_numbers
from netwright.strategies.surrogate import Liar, Surrogate, check_surrogate, penalised

__all__ = ["ExpectedHypervolume", "require_botorch"]

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

_MARGIN = 0.1  # by which the point that volumes are measured from is worse than the worst score
_AT_A_TIME = 2_000  # arches whose improvement is computed at a time: it takes memory for each part of the front


@dataclass(frozen=True, slots=True)
class ExpectedHypervolume:
    """Random arches first; then the unseen arch that is expected to add most to what the Pareto front dominates.

    Each objective has a predictor of its own. They learn scores of the losses, so the volume is one of scores: no
    objective counts more because its numbers are larger. It is measured from the worst score in each objective, which
    the targets cut off, so that the ends of the front count too. With one objective it is expected improvement.

    Attributes:
        predictor: guesses the score of an arch in one objective, and how sure that is.
        n_initial: random arches before the predictors are asked.
        targets: what they learn of the losses.
        liar: what candidates that are being evaluated are taken to score: the `mean`, `best` or `worst` so far.
        pool: how many arches of a large space are looked at for each proposal; a small one is looked at as a whole.

    Records that break limits rank behind all others in every objective, and failed ones last. Needs BoTorch (the extra
    `botorch`) where there are several objectives.

    Example:
        >>> ExpectedHypervolume(n_initial=10).n_initial
        10
    """

    predictor: Predictor = field(default_factory=lambda: GaussianProcess(targets="losses"))
    n_initial: int = 8
    targets: Targets = field(default_factory=NormalTargets)
    liar: Liar = "mean"
    pool: int = 200

    def __post_init__(self) -> None:
        check_numbers(self)
        if self.n_initial < 1 or self.pool < 1:
            raise InvalidInput(
                "`n_initial` and `pool` of ExpectedHypervolume must be at least 1, but got "
                f"n_initial={self.n_initial}, pool={self.pool}."
            )
        check_surrogate(self.predictor, self.liar)

    def propose(self, space: SearchSpace, history: History, rng: np.random.Generator) -> Candidate:
        """The arch that nobody has evaluated and that promises most.

        Raises:
            SpaceExhausted: if every network of the space is known.
            MissingDependency: if there are several objectives, but BoTorch is not installed.
        """
        n_objectives = len(history.objectives)
        if n_objectives > 1:
            require_botorch()
        states = history.fold((self, "surrogates"), _note, lambda: [Surrogate() for _ in range(n_objectives)])
        records = states[0].records
        if history.next_id < self.n_initial or not any(record.losses for record in records):
            return random_unseen(space, history, rng, self)
        scores = np.stack([self._scored(records, objective) for objective in range(n_objectives)], axis=1)
        busy = [history.pending[number].arch for number in sorted(history.pending)]

        def promises(arches: Sequence[Arch]) -> Numbers:
            guesses = [
                state.predict(
                    space,
                    self.predictor,
                    scores[:, objective],
                    arches,
                    learned_from=partial(self._scored, objective=objective),
                    busy=busy,
                    liar=self.liar,
                )
                for objective, state in enumerate(states)
            ]
            if n_objectives == 1:
                return ExpectedImprovement()(*guesses[0], float(scores.min()), rng)
            mean, std = (np.stack(numbers, axis=1) for numbers in zip(*guesses, strict=True))
            return improvement(mean, std, scores)

        # Children in a large space are made of the records of the front, and of those next to it in one objective.
        order = np.argsort(scores.min(axis=1), kind="stable").tolist()
        front = _front(scores)
        there = set(front)
        chosen = [*front, *(i for i in order if i not in there)][: max(N_BEST, len(front))]
        best = [records[i] for i in chosen if records[i].losses]
        return most_promising(space, history, rng, self, promises=promises, best=best, count=self.pool)

    def _scored(self, records: Sequence[Record], objective: int) -> Numbers:
        """The scores of records in one objective."""
        losses = np.array([r.losses[objective] if r.losses else np.inf for r in records], dtype=np.float64)
        return self.targets(penalised(records, losses))


def improvement(mean: Numbers, std: Numbers, scores: Numbers) -> Numbers:
    """The logarithm of the expected improvement of the hypervolume that records dominate.

    Args:
        mean, std: of each arch in each objective, shape (n_arches, n_objectives); lower is better.
        scores: of the records, shape (n_records, n_objectives).

    Raises:
        MissingDependency: without BoTorch.
    """
    require_botorch()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # BoTorch's own, of what torch will drop one day
        import torch
        from botorch.acquisition.multi_objective.analytic import ExpectedHypervolumeImprovement
        from botorch.utils.multi_objective.box_decompositions.non_dominated import FastNondominatedPartitioning

        known = torch.as_tensor(-scores[_front(scores)])  # BoTorch maximises
        reference = torch.as_tensor(-scores.max(axis=0) - _MARGIN)
        promise = ExpectedHypervolumeImprovement(
            model=_told(torch, -mean, std**2),
            ref_point=reference.tolist(),
            partitioning=FastNondominatedPartitioning(ref_point=reference, Y=known),  # type: ignore[arg-type]  # bounds do
        )
        with torch.no_grad():
            places = torch.arange(len(mean), dtype=torch.float64).reshape(-1, 1, 1)
            found = torch.cat([promise(places[i : i + _AT_A_TIME]) for i in range(0, len(places), _AT_A_TIME)])
        logarithms: Numbers = np.log(np.maximum(found.numpy(), 1e-300))
    return logarithms


def require_botorch() -> None:
    """Raise `MissingDependency` if BoTorch can't be used."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import botorch  # noqa: F401
    except ImportError as error:
        raise MissingDependency(
            "the expected improvement of the hypervolume needs BoTorch, which is not installed: "
            "pip install 'netwright[botorch]'"
        ) from error


def _told(torch: Any, mean: Numbers, variance: Numbers) -> Any:
    """A BoTorch model that looks up what our predictors say: its inputs are the places of arches."""
    from botorch.models.model import Model

    class Posterior:
        def __init__(self, rows: Any) -> None:
            self.mean = means[rows]
            self.variance = variances[rows]

    class Told(Model):
        num_outputs = mean.shape[1]

        def posterior(self, X: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N803  # BoTorch's name
            return Posterior(X[..., 0].long())

    means, variances = torch.as_tensor(mean), torch.as_tensor(variance)
    return Told()


def _front(scores: Numbers) -> list[int]:
    """The places of the records that no other one beats in every objective."""
    order = np.lexsort(scores.T[::-1])
    front: list[int] = []
    for i in order.tolist():  # sorted by scores, a record can only be dominated by an earlier one
        if not front or not (scores[front] <= scores[i]).all(axis=1).any():
            front.append(i)
    return front


def _note(states: list[Surrogate], record: Record) -> list[Surrogate]:
    for state in states:
        state.note(record)
    return states
