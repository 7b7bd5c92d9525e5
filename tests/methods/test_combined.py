"""Methods made of other methods."""

from __future__ import annotations

import pytest

from netwright import Space, choice
from netwright.core import Recipe
from netwright.core.errors import InvalidInput, NotFound
from netwright.core.registry import methods
from netwright.methods.auto import auto
from netwright.strategies import Bandit, Deduplicated, Grid, LocalSearch, Narrowed, Random, StartingWith

SPACE = Space({"x": choice([1, 2, 3])})


def test_narrowed_takes_another_method_by_name():
    recipe = methods["narrowed"](SPACE, method="local-search", every=10, deviations=3.0)
    assert recipe == Recipe(Narrowed(StartingWith(Deduplicated(LocalSearch())), every=10, deviations=3.0))
    inner = methods["narrowed"](SPACE, method="auto", expected_candidates=5).strategy.strategy
    assert inner == auto(SPACE, expected_candidates=5).strategy
    with pytest.raises(NotFound, match="unknown method 'locl-search': did you mean"):
        methods["narrowed"](SPACE, method="locl-search")


def test_bandit_takes_other_methods_by_name():
    recipe = methods["bandit"](SPACE, of=("random", "grid"), workers=3, sharing="all")
    assert recipe == Recipe(Bandit((Deduplicated(Random()), Grid()), workers=3, sharing="all"))
    with pytest.raises(InvalidInput, match="Bandit needs a tuple of two or more strategies"):
        methods["bandit"](SPACE, of=("random",))


def test_methods_that_score_in_their_own_way():
    def halved(space):
        return Recipe(Random(), evaluator=lambda usual: usual)

    methods.add("halved", halved)
    try:
        assert methods["narrowed"](SPACE, method="halved").evaluator is not None
        with pytest.raises(InvalidInput, match="`bandit` needs methods that score alike, but halved brings its own"):
            methods["bandit"](SPACE, of=("random", "halved"))
    finally:
        del methods._found["halved"]
