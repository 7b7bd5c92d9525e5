"""`Predicted`: what a predictor that has learned from records says of an arch, instead of training it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from netwright.core import Arch, Candidate, Context, Objective, Record, SearchSpace
from netwright.core.errors import InvalidInput
from netwright.predictors.gaussian_process import GaussianProcess
from netwright.predictors.protocols import Fitted, Predictor

__all__ = ["Predicted"]


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """Scores candidates by a predictor: a surrogate benchmark, in which a search costs seconds.

    Train a few arches, predict all others, and train the best again: Wen et al. 2020, Neural predictor for NAS,
    https://arxiv.org/abs/1912.00848; surrogates as benchmarks: Zela et al. 2022, https://arxiv.org/abs/2008.09777.
    Methods that choose by themselves what to train next, such as `weak_nas` and `brp_nas`, need no such evaluator.

    Args:
        space: of the arches.
        arches: those that were evaluated.
        values: of each in the metric, shape (n_arches,).
        objective: the metric that is predicted, and whether more of it is better: `loss`, `max:accuracy`.
        predictor: learns from them when the first arch is asked about; once in each process.
        seed: of what it draws.

    The metrics are the one that is predicted, and its standard deviation as `METRIC_std`. `of` takes records.

    Example:
        >>> from netwright import Space, choice
        >>> space = Space({"x": choice([0, 1, 2]), "y": choice([0, 1, 2])})
        >>> known = [Arch({"x": x, "y": y}) for x, y in ((0, 0), (0, 2), (1, 1), (2, 0), (2, 1))]
        >>> predicted = Predicted(space, known, [float(arch["x"] + arch["y"]) for arch in known])
        >>> found = predicted(Candidate(0, Arch({"x": 2, "y": 2})), Context())
        >>> sorted(found), bool(found["loss"] > 2)
        (['loss', 'loss_std'], True)

    Raises:
        InvalidInput: if there are no arches, or not one finite value for each.
    """

    space: SearchSpace
    arches: Sequence[Arch]
    values: Sequence[float]
    objective: str | Objective = "loss"
    predictor: Predictor = field(default_factory=GaussianProcess)
    seed: int = 0

    def __post_init__(self) -> None:
        if not len(self.arches) or len(self.arches) != len(self.values) or not np.isfinite(self.values).all():
            raise InvalidInput(
                "Predicted needs at least one arch and a finite value for each, but got "
                f"{len(self.arches)} arches and the values {list(self.values)[:5]}: leave out what failed."
            )
        _objective(self.objective)

    @classmethod
    def of(
        cls,
        space: SearchSpace,
        records: Sequence[Record],
        objective: str | Objective = "loss",
        *,
        predictor: Predictor = GaussianProcess(),  # noqa: B008  # frozen
        seed: int = 0,
    ) -> Predicted:
        """Of records: those of the highest fidelity that have the metric.

        Example:
            >>> from netwright import Space, choice
            >>> space = Space({"x": choice([0, 1, 2])})
            >>> records = [Record(i, Arch({"x": i}), metrics={"error": i / 2}) for i in range(3)]
            >>> Predicted.of(space, records, "error").values
            (0.0, 0.5, 1.0)

        Raises:
            InvalidInput: if no record has it.
        """
        name = _objective(objective).metric
        there = [record for record in records if np.isfinite(record.metrics.get(name, np.nan))]
        if not there:
            known = sorted({one for record in records for one in record.metrics})
            raise InvalidInput(
                f"none of the {len(records)} records has a finite {name!r}; they have {', '.join(known) or 'nothing'}."
            )
        top = max(record.fidelity for record in there)
        there = [record for record in there if record.fidelity == top]
        values = tuple(float(record.metrics[name]) for record in there)
        return cls(space, tuple(record.arch for record in there), values, objective, predictor, seed)

    def __call__(self, candidate: Candidate, context: Context) -> Mapping[str, float]:
        """The prediction for the candidate's arch, whatever its fidelity."""
        mean, std = _fitted(self).predict([candidate.arch])
        objective = _objective(self.objective)
        return {objective.metric: objective.value(float(mean[0])), f"{objective.metric}_std": float(std[0])}


def _objective(given: str | Objective) -> Objective:
    return given if isinstance(given, Objective) else Objective.parse(given)


@lru_cache(maxsize=8)
def _fitted(predicted: Predicted) -> Fitted:
    """Learned once for each object: it is hashed by identity."""
    objective = _objective(predicted.objective)
    losses = np.array([objective.loss({objective.metric: value}) for value in predicted.values], dtype=np.float64)
    return predicted.predictor.fit(predicted.space, predicted.arches, losses, np.random.default_rng(predicted.seed))
