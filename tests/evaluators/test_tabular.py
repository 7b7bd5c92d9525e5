"""Metrics out of a table."""

from __future__ import annotations

import pickle
import re

import pytest

from netwright.core import Arch, Candidate, Context
from netwright.core.errors import EvaluationError, InvalidInput
from netwright.evaluators import Tabular

ONE, TWO = Arch({"x": 1}), Arch({"x": 2})
TABLE = Tabular({ONE: {"loss": 0.5}, TWO: {"loss": 0.25}}, low={0.5: {ONE: {"loss": 0.7}}, 0.25: {ONE: {"loss": 0.9}}})


@pytest.mark.parametrize(
    ("arch", "fidelity", "loss"), [(ONE, 1.0, 0.5), (TWO, 1.0, 0.25), (ONE, 0.5, 0.7), (ONE, 0.25, 0.9)]
)
def test_rows(arch, fidelity, loss):
    assert TABLE(Candidate(0, arch, fidelity), Context()) == {"loss": loss}


@pytest.mark.parametrize(
    ("arch", "fidelity", "said"),
    [
        (Arch({"x": 3}), 1.0, "the table of 2 arches doesn't have {'x': 3}."),
        (TWO, 0.5, "the table of 1 arches doesn't have {'x': 2}."),
        (ONE, 0.3, "the table has the fidelities 0.25, 0.5, 1, but was asked for 0.3."),
    ],
)
def test_what_is_not_there(arch, fidelity, said):
    with pytest.raises(EvaluationError, match=re.escape(said)):
        TABLE(Candidate(0, arch, fidelity), Context())


def test_an_empty_table():
    with pytest.raises(InvalidInput, match="`table` of Tabular must have at least one arch, but is empty"):
        Tabular({})


@pytest.mark.parametrize("fidelity", [0.0, 1.0, -0.5, 2.0])
def test_fidelities_are_between_zero_and_one(fidelity):
    said = f"the fidelities of `low` must be between 0 and 1, but got [{fidelity}]."
    with pytest.raises(InvalidInput, match=re.escape(said)):
        Tabular({ONE: {"loss": 1.0}}, low={fidelity: {}})


def test_it_can_be_pickled():
    copy = pickle.loads(pickle.dumps(TABLE))
    assert copy(Candidate(0, TWO), Context()) == {"loss": 0.25}
