"""One evaluation for all arches that work the same; also across workers and restarts."""

from __future__ import annotations

import json

import pytest

from netwright import Space, integer
from netwright.core import Arch, Candidate, Context
from netwright.core.errors import EvaluationError
from netwright.evaluators import Cached
from netwright.testing import check_evaluator
from netwright.testing.copies import pickled_copy


def _form(arch):
    return arch.replace(x=min(arch["x"], 3))


SPACE = Space({"x": integer(0, 9)}, canonical=_form)


class Counting:
    """Counts what it is asked, by arch and fidelity."""

    def __init__(self):
        self.asked = []

    def __call__(self, candidate, context):
        self.asked.append((candidate.arch["x"], candidate.fidelity))
        context.log(loss=0.5)
        return {"loss": candidate.arch["x"] / candidate.fidelity}


def candidate(number, x, fidelity=1.0):
    return Candidate(number, Arch({"x": x}), fidelity)


@pytest.mark.parametrize("with_folder", [False, True])
def test_each_network_once_at_each_fidelity(with_folder, tmp_path):
    counting = Counting()
    cached = Cached(counting, SPACE)
    folder = tmp_path if with_folder else None
    found = [
        cached(candidate(number, x, fidelity), Context(number, checkpoints=folder))["loss"]
        for number, (x, fidelity) in enumerate([(1, 1.0), (5, 1.0), (7, 1.0), (7, 0.5), (9, 0.5), (1, 1.0)])
    ]
    assert counting.asked == [(1, 1.0), (5, 1.0), (7, 0.5)]
    assert found == [1.0, 5.0, 5.0, 14.0, 14.0, 1.0]


def test_curves_come_along():
    cached, context = Cached(Counting(), SPACE), Context()
    cached(candidate(0, 4), Context())
    cached(candidate(1, 5), context)
    assert context.curves == {"loss": [0.5]}


def test_a_copy_finds_what_the_folder_holds(tmp_path):
    first, second = Counting(), Counting()
    Cached(first, SPACE)(candidate(0, 4), Context(checkpoints=tmp_path))
    assert Cached(second, SPACE)(candidate(0, 5), Context(checkpoints=tmp_path)) == {"loss": 4.0}
    assert not second.asked
    assert Cached(second, SPACE, name="other")(candidate(0, 5), Context(checkpoints=tmp_path)) == {"loss": 5.0}


def test_what_failed_or_was_cut_short_is_asked_for_again():
    class Failing(Counting):
        def __call__(self, candidate, context):
            super().__call__(candidate, context)
            if len(self.asked) == 1:
                raise EvaluationError("no")
            if len(self.asked) == 2:
                context.partial = "the deadline is met"
            return {"loss": float(len(self.asked))}

    failing = Failing()
    cached = Cached(failing, SPACE)
    with pytest.raises(EvaluationError, match="no"):
        cached(candidate(0, 4), Context())
    assert [cached(candidate(i, 4), Context())["loss"] for i in range(1, 4)] == [2.0, 3.0, 3.0]


def test_a_damaged_file_costs_time_only(tmp_path):
    counting = Counting()
    cached = Cached(counting, SPACE)
    for damage in ("", "[]", json.dumps({"metrics": 3, "curves": {}})):
        cached(candidate(0, 4), Context(checkpoints=tmp_path))
        (file,) = tmp_path.glob("*.json")
        file.write_text(damage)
    assert len(counting.asked) == 3


def _slow_loss(candidate, context):
    return {"loss": float(candidate.arch["x"])}


def test_workers_share_it(tmp_path):
    """Each worker has a copy of its own."""
    copies = [pickled_copy(Cached(_slow_loss, SPACE)) for _ in range(2)]
    values = [
        copies[number % 2](candidate(number, number % 10), Context(checkpoints=tmp_path))["loss"]
        for number in range(20)
    ]
    assert values == 2 * [0.0, 1.0, 2.0, *7 * [3.0]]
    assert len(list(tmp_path.glob("*.json"))) == 4


def test_it_keeps_the_contract_and_travels():
    cached = Cached(_slow_loss, SPACE)
    cached(candidate(0, 1), Context())
    copy = pickled_copy(cached)
    assert (copy.evaluator, copy.name, copy._known) == (cached.evaluator, cached.name, {})
    check_evaluator(Cached(_slow_loss, SPACE), SPACE)
