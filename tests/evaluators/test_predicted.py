"""Predictions as scores."""

from __future__ import annotations

import numpy as np
import pytest

from netwright import Arch, Space, choice
from netwright.core import Candidate, Context, Record
from netwright.core.errors import InvalidInput
from netwright.evaluators.predicted import Predicted
from netwright.loop import Search
from netwright.predictors import Ridge
from netwright.strategies import RegularizedEvolution
from netwright.testing import check_evaluator

SPACE = Space({f"x{i}": choice([0, 1, 2]) for i in range(4)})


def _accuracy(arch):
    return 1 - sum(arch.values()) / 10


def _records(n=30):
    arches = list(SPACE.enumerate())
    chosen = [arches[i] for i in np.random.default_rng(0).permutation(len(arches))[:n]]
    return [Record(i, arch, metrics={"accuracy": _accuracy(arch)}) for i, arch in enumerate(chosen)]


def test_a_search_in_predictions_finds_what_is_good():
    predicted = Predicted.of(SPACE, _records(), "accuracy")
    search = Search(
        SPACE,
        RegularizedEvolution(population=10, tournament=4),
        predicted,
        objectives="accuracy",
        budget="80 candidates",
        seed=0,
    )
    assert _accuracy(search.run().best.arch) >= 0.9


def test_contract():
    check_evaluator(Predicted.of(SPACE, _records(), "accuracy", predictor=Ridge()), SPACE)


def test_values_come_in_the_units_and_the_direction_of_the_metric():
    predicted = Predicted.of(SPACE, _records(60), "max:accuracy")
    best, worst = (predicted(Candidate(0, Arch({f"x{i}": x for i in range(4)})), Context()) for x in (0, 2))
    assert best["accuracy"] == pytest.approx(1.0, abs=0.1)
    assert worst["accuracy"] == pytest.approx(0.2, abs=0.1)
    assert best["accuracy_std"] > 0


def test_only_the_highest_fidelity_counts():
    low = [Record(99 + r.id, r.arch, fidelity=0.1, metrics={"accuracy": 0.0}) for r in _records()]
    assert (
        Predicted.of(SPACE, low + _records(), "accuracy").values == Predicted.of(SPACE, _records(), "accuracy").values
    )


def test_nothing_to_learn_from():
    with pytest.raises(InvalidInput, match="none of the 3 records has a finite 'loss'; they have accuracy"):
        Predicted.of(SPACE, _records(3))
    with pytest.raises(InvalidInput, match="at least one arch and a finite value for each, but got 1 arches"):
        Predicted(SPACE, [SPACE.default()], [float("nan")])
