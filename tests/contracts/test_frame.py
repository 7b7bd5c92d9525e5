"""All of the frame keeps its contracts. Cases come from the registry and the packages: a new member is covered."""

from __future__ import annotations

import inspect

import pytest

import netwright.predictors
import netwright.strategies
from netwright import Arch, Space, choice, nn
from netwright.core.errors import NetwrightError
from netwright.core.registry import methods
from netwright.evaluators import Function, Tabular
from netwright.runtime import InlineExecutor, MemoryStore, ProcessPool, SqliteStore
from netwright.strategies import Deduplicated, Random, RegularizedEvolution, StartingWith
from netwright.testing import (
    check_beats_random,
    check_evaluator,
    check_executor,
    check_predictor,
    check_store,
    check_strategy,
)
from netwright.testing.strategy_contract import toy_spaces

NO_BETTER_THAN_RANDOM = {"grid", "hyperband", "random", "successive_halving"}  # by design
# Candidates of each try, and seeds against random search, where the usual numbers take too long.
CANDIDATES = {
    "asha": 13,
    "auto": 13,
    "auto_full": 13,
    "bohb": 13,
    "BayesianOptimisation": 13,
    "bayesian_optimisation": 13,
    "ExpectedHypervolume": 12,
    "expected_hypervolume": 12,
    "random_forest_optimisation": 10,
    "bananas": 13,
    "brp_nas": 13,
    "weak_nas": 13,
    "Progressive": 40,
    "pnas": 40,
    "OptunaSampler": 13,
    "optuna_cmaes": 12,
    "optuna_gp": 12,
    "optuna_nsga2": 26,
    "optuna_tpe": 13,
}
SEEDS = {
    "asha": 1,
    "auto": 1,
    "auto_full": 1,
    "bohb": 1,
    "bayesian_optimisation": 1,
    "random_forest_optimisation": 1,
    "bananas": 1,
    "brp_nas": 1,
    "weak_nas": 1,
    "pnas": 4,
    "optuna_cmaes": 2,
    "optuna_gp": 1,
    "optuna_nsga2": 4,
    "optuna_tpe": 2,
}
SLOW = {
    "auto_full",
    "bananas",
    "bohb",
    "brp_nas",
    "expected_hypervolume",
    "hyperband",
    "optuna_cmaes",
    "optuna_gp",
    "random_forest_optimisation",
    "successive_halving",
    "weak_nas",
}  # some with small networks: tests/strategies/test_bananas.py, test_priors.py; others as strategies, below


def _size(arch):
    return {"size": int(arch.digest[:4], 16) / 16**4}


GIVEN = {"costs": _size, "constraints": "size<=0.8"}  # to wrappers, besides a strategy


def _names(excluded=frozenset()):
    return [
        pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in methods if name not in excluded
    ]


def _strategies():
    """Each strategy with its defaults; a wrapper around random search."""
    for name in netwright.strategies.__all__:
        kind = getattr(netwright.strategies, name)
        needed = [p for p in inspect.signature(kind).parameters.values() if p.default is p.empty]
        yield kind(*[GIVEN.get(p.name, Random()) for p in needed])
    yield RegularizedEvolution(population=6, tournament=2)
    yield StartingWith(Deduplicated(RegularizedEvolution(population=6, tournament=2)))


def _networks(n_layers, n_options):
    """Spaces of networks: each layer is one of a few, or has one of a few widths; nothing is built."""
    layer = {option: nn.LazyLinear(8) for option in range(n_options)}
    width = list(range(n_options))
    return [
        Space(nn.Sequential(*[choice(layer, label=f"x{i}") for i in range(n_layers)]), name="layers"),
        Space(nn.Sequential(*[nn.LazyLinear(choice(width, label=f"x{i}")) for i in range(n_layers)]), name="widths"),
    ]


def _accepted(name, spaces):
    """The first space that a method accepts, and its recipe there."""
    for space in spaces[:-1]:
        try:
            return space, methods[name](space)
        except NetwrightError:
            continue
    return spaces[-1], methods[name](spaces[-1])


@pytest.mark.parametrize("strategy", list(_strategies()), ids=repr)
def test_strategies(strategy):
    check_strategy(strategy, n_candidates=CANDIDATES.get(type(strategy).__name__, 80))


@pytest.mark.parametrize("name", _names())
def test_methods(name):
    """The strategy of each method, on the spaces that it accepts."""
    refused = {}
    for space in toy_spaces():
        for options in ({}, {"expected_candidates": 1000}):
            if not set(options) <= set(inspect.signature(methods[name]).parameters):
                continue
            try:
                recipe = methods[name](space, **options)
            except NetwrightError as error:
                refused[space.name] = str(error)
            else:
                check_strategy(recipe.strategy, space, n_candidates=CANDIDATES.get(name, 80))
    if len(refused) == len(toy_spaces()):  # it trains shared weights, say: then it accepts networks at least
        space, recipe = _accepted(name, _networks(6, 5))
        check_strategy(recipe.strategy, space, n_candidates=CANDIDATES.get(name, 80))


@pytest.mark.parametrize("name", _names(NO_BETTER_THAN_RANDOM))
def test_methods_beat_random_search_on_an_easy_space(name):
    easy = Space({f"x{i}": choice(list(range(6))) for i in range(8)})
    space, recipe = _accepted(name, [easy, *_networks(8, 6)])
    check_beats_random(recipe.strategy, space, n_seeds=SEEDS.get(name, 20))


def test_memory_store():
    check_store(MemoryStore)


def test_sqlite_store(tmp_path):
    opened = []

    def make():
        opened.append(SqliteStore(tmp_path / f"{len(opened)}.sqlite"))
        return opened[-1]

    def reopen(store):  # as after a kill: the first connection was never closed
        opened.append(SqliteStore(store.path))
        return opened[-1]

    check_store(make, reopen=reopen)
    for store in opened:
        store.close()


def test_inline_executor():
    check_executor(InlineExecutor)


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_process_pool(workers):
    check_executor(lambda: ProcessPool(workers), ends_calls=True)


SMALLER = {  # than their defaults, which take too long here
    "GradientBoosting": {"trees": 30},
    "GraphNetwork": {"steps": 100, "members": 3, "width": 16},
    "MlpEnsemble": {"steps": 60},
    "RandomForest": {"trees": 20},
}


def _predictors():
    """Each predictor of the package: what can be fitted."""
    for name in netwright.predictors.__all__:
        kind = getattr(netwright.predictors, name)
        if hasattr(kind, "fit") and not getattr(kind, "_is_protocol", False):
            yield kind(**SMALLER.get(name, {}))


@pytest.mark.parametrize("predictor", list(_predictors()), ids=lambda predictor: type(predictor).__name__)
def test_predictors(predictor):
    check_predictor(predictor)


def _width(arch):
    return float(arch["width"])


def test_cheap_evaluators():
    space = Space({"width": choice([8, 16, 32])})
    check_evaluator(Function(_width), space)
    check_evaluator(Tabular({Arch({"width": width}): {"loss": 1 / width} for width in (8, 16, 32)}), space)
