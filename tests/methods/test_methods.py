"""The methods by name: what they are made of, and what they propose with a seed."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from netwright import Space, choice, nn
from netwright.core import Recipe
from netwright.core.errors import InvalidInput
from netwright.core.registry import methods
from netwright.methods.recipes import recipe_from
from netwright.strategies import (
    NSGA2,
    NSGA3,
    BayesianOptimisation,
    Deduplicated,
    Genetic,
    Grid,
    LocalSearch,
    Random,
    RegularizedEvolution,
    SimulatedAnnealing,
    Staged,
    StartingWith,
)

# Networks, as some methods accept nothing else.
SPACE = Space(nn.Sequential(choice({1: nn.ReLU(), 2: nn.LazyLinear(4), 3: nn.LazyLinear(8)}, label="x")))
ELASTIC = Space(nn.Sequential(nn.LazyLinear(choice([1, 2, 3], label="x"))))

_spec = importlib.util.spec_from_file_location("golden", Path(__file__).with_name("golden.py"))
golden = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(golden)


@pytest.mark.parametrize("name", golden.own())
def test_golden_proposals(name):
    known = json.loads(golden.FILE.read_text(encoding="utf-8"))
    assert name in known, "a new method: run `python tests/methods/golden.py`, look at what it proposes, and commit it"
    assert golden.proposals(name) == known[name], "seeds give something else: meant? Then run tests/methods/golden.py"


@pytest.mark.parametrize("name", list(methods))
def test_every_method_returns_a_recipe_and_says_what_it_is(name):
    space, recipe = golden.accepted(methods[name], [SPACE, ELASTIC])
    assert isinstance(recipe, Recipe)
    assert methods.summary(name).endswith(".")
    assert methods[name](space) == recipe


def test_what_they_are_made_of():
    assert methods["random"](SPACE) == Recipe(Deduplicated(Random()))
    assert methods["grid"](SPACE, resolution=3) == Recipe(Grid(3))
    assert methods["local-search"](SPACE) == Recipe(StartingWith(Deduplicated(LocalSearch())))
    assert methods["local-search"](SPACE, improvement="best").strategy.strategy.strategy == LocalSearch("best")
    assert methods["simulated-annealing"](SPACE, steps=9).strategy.strategy.strategy == SimulatedAnnealing(steps=9)
    evolution = methods["regularized_evolution"](SPACE, population=20, tournament=5)
    assert evolution == Recipe(Deduplicated(RegularizedEvolution(20, 5)))


def test_auto_chooses_by_what_can_be_afforded():
    few, many = (methods["auto"](SPACE, expected_candidates=n) for n in (12, 13))
    assert few == Recipe(StartingWith(Deduplicated(LocalSearch())))
    evolution = Deduplicated(RegularizedEvolution(50, 10))
    assert many == methods["auto"](SPACE) == Recipe(StartingWith(Staged(BayesianOptimisation(), evolution, after=500)))
    assert few.reason == "Chosen for a budget of about 12 candidates: so few are best spent near the default arch."
    assert "a budget of unknown size: a model" in methods["auto"](SPACE).reason


@pytest.mark.parametrize(("n_objectives", "kind"), [(2, NSGA2), (3, NSGA2), (4, NSGA3)])
def test_auto_looks_for_a_front(n_objectives, kind):
    recipe, name = recipe_from("auto", SPACE, expected_candidates=900, n_objectives=n_objectives)
    assert (recipe, name) == (Recipe(StartingWith(Deduplicated(kind(30)))), "auto")
    assert recipe.reason == f"Chosen for {n_objectives} objectives: it looks for the whole Pareto front."


def test_auto_has_a_model_for_each_of_a_few_objectives_where_candidates_are_few():
    recipe = methods["auto"](SPACE, expected_candidates=200, n_objectives=3)
    assert recipe == Recipe(StartingWith(BayesianOptimisation()))
    assert recipe.reason.startswith("Chosen for 3 objectives and a budget of about 200 candidates: a model of each")


def test_populations_are_given_or_grow_with_the_search():
    for name, kind in (("genetic", Genetic), ("nsga2", NSGA2), ("nsga3", NSGA3)):
        assert methods[name](SPACE).strategy.strategy == kind()
        assert methods[name](SPACE, expected_candidates=1600).strategy.strategy.population == 40
        assert methods[name](SPACE, population=12, expected_candidates=1600).strategy.strategy.population == 12
        assert methods[name](SPACE, crossover="subtree").strategy.strategy.crossover == "subtree"
    assert methods["genetic"](SPACE, population=12).strategy.strategy.elite == 3


def test_bad_options_are_named():
    with pytest.raises(InvalidInput, match=r"`tournament` must be in 1\.\.population"):
        methods["regularized_evolution"](SPACE, population=5, tournament=10)
    with pytest.raises(InvalidInput, match="`resolution` of Grid must be at least 1"):
        methods["grid"](SPACE, resolution=0)
