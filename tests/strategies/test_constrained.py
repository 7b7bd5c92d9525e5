"""Only what holds limits on cheap costs is proposed."""

from __future__ import annotations

import pytest

from netwright import Space, choice, integer
from netwright.core import Constraint, History
from netwright.core.errors import InvalidInput, SpaceExhausted
from netwright.core.streams import Streams
from netwright.evaluators import Function, Limited
from netwright.loop import Search
from netwright.strategies import (
    Constrained,
    Deduplicated,
    Grid,
    LocalSearch,
    OptunaSampler,
    Random,
    RegularizedEvolution,
)

SPACE = Space({"width": integer(1, 30), "depth": integer(1, 30)})


def _params(arch):
    return {"params": float(arch["width"] ** 2 * arch["depth"]), "depth": float(arch["depth"])}


def _broken(arch):
    if arch["width"] > 10:
        raise ValueError("can't be built")
    return {"params": float(arch["width"])}


@pytest.mark.parametrize(
    "inner",
    [Random(), Deduplicated(Random()), LocalSearch(), RegularizedEvolution(10, 3), OptunaSampler("random")],
    ids=repr,
)
def test_proposals_hold_the_limits(inner):
    search = Search(SPACE, Constrained(inner, _params, ("params<=150", "depth>=2")))
    for _ in range(60):
        candidate = search.ask()
        costs = _params(candidate.arch)
        assert costs["params"] <= 150
        assert costs["depth"] >= 2
        search.tell(candidate, costs["params"])


def test_where_limited_alone_would_end_the_search():
    """One arch in 2,000 holds the limits; mutations that break them less lead there."""
    width, depth = integer(1, 300), integer(1, 300)
    space = Space({"width": width, "depth": depth})
    evaluator = Limited(Function(lambda arch: -float(arch["depth"])), _params, (Constraint("params", 30),))
    alone = Search(space, Random(), evaluator, constraints="params<=30", budget="5 candidates")
    assert len([record for record in alone.run().records if record.scored]) < 5
    assert "1000 candidates in a row break the constraints" in alone.stopped_by
    wrapped = Search(space, Constrained(Random(), _params, "params<=30"), evaluator, constraints="params<=30",
                     budget="5 candidates")  # fmt: skip
    history = wrapped.run()
    assert len([record for record in history.records if record.scored]) == 5
    assert len(history) < 30


def test_the_strategys_own_candidate_where_it_holds():
    loose = Constrained(RegularizedEvolution(5, 2), _params, "params<=1M")

    def loss(candidate, context):
        return {"loss": float(candidate.arch["width"])}

    bare = Search(SPACE, loose.strategy, loss, budget="40 candidates").run().records
    assert Search(SPACE, loose, loss, budget="40 candidates").run().records == bare


def test_a_strategy_without_chance_gets_on():
    """What was refused counts as pending, so grid search goes on to the next arch."""
    search = Search(SPACE, Constrained(Grid(), _params, "params<=4", tries=1000))
    found = [search.ask().arch for _ in range(5)]
    assert [(a["width"], a["depth"]) for a in found] == [(1, 1), (1, 2), (1, 3), (1, 4), (2, 1)]
    with pytest.raises(SpaceExhausted):
        search.ask()


def test_refused_candidates_leave_no_trace():
    search = Search(SPACE, Constrained(Random(), _params, "params<=20"))
    for _ in range(10):
        search.ask()
    assert sorted(search.history.pending) == list(range(10))
    inner = search.history._folds[search.strategy, "history"][0].history
    assert sorted(inner.pending) == list(range(9))


def test_what_can_not_be_mended_is_proposed_as_it_is():
    space = Space({"width": choice([5, 6])})
    candidate = Constrained(Random(), _params_of_width, "params<=1").propose(space, History(), Streams(0)(0))
    assert candidate.arch["width"] == 5  # breaks the limit least
    single = Space({"width": choice([7])})
    assert (
        Constrained(Random(), _params_of_width, "params<=1").propose(single, History(), Streams(0)(0)).arch["width"]
        == 7
    )


def _params_of_width(arch):
    return {"params": arch["width"]}


def test_an_arch_without_costs_breaks_the_limits():
    space = Space({"width": integer(1, 1000)})
    search = Search(space, Constrained(Random(), _broken, "params<=10", tries=100))
    assert all(search.ask().arch["width"] <= 10 for _ in range(5))


def test_costs_are_computed_once():
    asked = []

    def costs(arch):
        asked.append(arch)
        return _params(arch)

    search = Search(Space({"width": integer(1, 5), "depth": integer(1, 5)}), Constrained(Random(), costs, "params<=20"))
    for _ in range(40):
        search.tell(search.ask(), 1.0)
    assert len(asked) == len(set(asked)) <= 25


def test_bad_arguments():
    with pytest.raises(InvalidInput, match="`costs` of Constrained must be callable with an arch, but got 3"):
        Constrained(Random(), 3, "params<=1")
    with pytest.raises(InvalidInput, match="`constraints` of Constrained must be one limit at least"):
        Constrained(Random(), _params, ())
    with pytest.raises(InvalidInput, match="a constraint must look like params<=100k"):
        Constrained(Random(), _params, "params")
    with pytest.raises(InvalidInput, match="`tries` of Constrained must be at least 1, but got 0"):
        Constrained(Random(), _params, "params<=1", tries=0)
    with pytest.raises(InvalidInput, match="`costs` of Constrained must give flops, but gives: params, depth"):
        Search(SPACE, Constrained(Random(), _params, "flops<=1")).ask()
