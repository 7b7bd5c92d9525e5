"""netwright's strategies in Optuna's studies."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import dataclass

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from netwright import Space, choice, integer, real, subset
from netwright.core.errors import InvalidInput
from netwright.integrations.optuna import NetwrightSampler, space_of, suggest
from netwright.loop import Search
from netwright.strategies import Deduplicated, Grid, LocalSearch, Random, RegularizedEvolution

EVOLUTION = RegularizedEvolution(population=10, tournament=4)
SPACE = Space(
    {
        "head": choice({"wide": {"units": integer(8, 64, step=8)}, "drop": {"rate": real(0.1, 0.9)}}),
        "inputs": subset(["x", "y", "z"], 2),
    }
)


@pytest.fixture(autouse=True)
def _silent():
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)


def _study(sampler, objective, n, **options):
    study = optuna.create_study(sampler=sampler, **options)
    study.optimize(objective, n_trials=n)
    return study


def _flat(trial):
    x = trial.suggest_float("x", -5, 5)
    n = trial.suggest_int("n", 0, 20, step=2)
    act = trial.suggest_categorical("act", ["relu", "silu", None])
    lr = trial.suggest_float("lr", 1e-4, 1e-1, log=True)
    drop = trial.suggest_float("drop", 0.0, 0.5, step=0.1)
    return x**2 + (n - 6) ** 2 / 10 + (act != "silu") + abs(lr - 0.01) + abs(drop - 0.3)


def _conditional(trial):
    if trial.suggest_categorical("kind", ["tree", "net"]) == "tree":
        return 5 + abs(trial.suggest_int("depth", 1, 50) - 20) / 10
    if trial.suggest_categorical("norm", [True, False]):
        return abs(trial.suggest_float("momentum", 0, 1) - 0.5)
    return 2 + abs(trial.suggest_int("width", 1, 100) - 64) / 50


# A space that is found


def test_the_space_of_distributions():
    space = space_of(
        {
            "a": CategoricalDistribution(["relu", None]),
            "n": IntDistribution(1, 64, log=True),
            "s": FloatDistribution(0.0, 0.5, step=0.1),
            "x": FloatDistribution(0.0, 1.0),
        }
    )
    assert space.describe().splitlines() == [
        "a : one of 0, 1",
        "n : a whole number in 1..64 (log)",
        "s : a whole number in 0..5",
        "x : a real number in 0..1",
    ]


@pytest.mark.parametrize("objective", [_flat, _conditional])
def test_evolution_learns_where_optunas_random_sampler_does_not(objective):
    def late(sampler):
        return sum(sorted(t.value for t in _study(sampler, objective, 120).trials[-40:])[:20])

    ours = sum(late(NetwrightSampler(EVOLUTION, seed=seed)) for seed in range(3))
    random = sum(late(optuna.samplers.RandomSampler(seed=seed)) for seed in range(3))
    assert ours < 0.5 * random


def test_what_depends_on_what_is_found():
    sampler = NetwrightSampler(EVOLUTION, seed=0)
    study = _study(sampler, _conditional, 40)
    assert sampler._space(study).space.describe().splitlines() == [
        "kind     : one of '0', '1'",
        "depth    : a whole number in 1..50, if kind in {'0'}",
        "norm     : one of '0', '1', if kind in {'1'}",
        "momentum : a real number in 0..1, if norm in {'0'}",
        "width    : a whole number in 1..100, if norm in {'1'}",
    ]
    history = sampler._space(study)._history
    assert [r.id for r in history.records] == list(range(39))  # the last one is told with the next
    assert {frozenset(r.arch) for r in history.records} == {
        frozenset(["kind", "depth"]), frozenset(["kind", "norm", "momentum"]), frozenset(["kind", "norm", "width"])
    }  # fmt: skip


def test_layers_that_depend_on_a_number():
    def objective(trial):
        n = trial.suggest_int("n", 1, 4)
        return sum(abs(trial.suggest_int(f"units{i}", 1, 64) - 32) for i in range(n)) / n - n

    sampler = NetwrightSampler(EVOLUTION, seed=0)
    study = _study(sampler, objective, 150)
    conditions = {d.name: [str(c) for c in d.conditions] for d in sampler._space(study).space.decisions}
    assert conditions == {
        "n": [], "units0": [], "units1": ["n in {'2', '3', '4'}"], "units2": ["n in {'3', '4'}"],
        "units3": ["n in {'4'}"],
    }  # fmt: skip
    assert study.best_params["n"] == 4
    random = _study(optuna.samplers.RandomSampler(seed=0), objective, 150)
    assert study.best_value < random.best_value


def test_what_has_one_value_or_changing_ranges_or_no_reason_is_left_to_optuna():
    def objective(trial):
        high = 5 + trial.number % 2
        total = trial.suggest_int("n", 0, high) + trial.suggest_int("one", 1, 1) + trial.suggest_int("m", 0, 9)
        if trial.number % 3 == 0 and trial.suggest_categorical("sometimes", [True, False]):
            total += trial.suggest_int("below", 0, 9)
        return total

    sampler = NetwrightSampler(EVOLUTION, seed=0)
    study = _study(sampler, objective, 30)
    assert sorted(sampler._space(study).distributions) == ["m"]


def test_the_seed_decides():
    def params(seed):
        return [t.params for t in _study(NetwrightSampler(EVOLUTION, seed=seed), _conditional, 30).trials]

    assert params(1) == params(1)
    assert params(1) != params(2)
    assert NetwrightSampler(EVOLUTION).seed != NetwrightSampler(EVOLUTION).seed


def test_a_study_goes_on_with_another_sampler_of_the_same_seed():
    """All is in the study: after a pickle, or in a new process, it is the same."""
    whole = _study(NetwrightSampler(LocalSearch(), seed=3), _flat, 30)
    study = _study(NetwrightSampler(LocalSearch(), seed=3), _flat, 12)
    study.sampler = pickle.loads(pickle.dumps(study.sampler))
    study.optimize(_flat, n_trials=8)
    study.sampler = NetwrightSampler(LocalSearch(), seed=3)
    study.optimize(_flat, n_trials=10)
    assert [t.params for t in study.trials] == [t.params for t in whole.trials]


def test_another_study_starts_anew():
    sampler = NetwrightSampler(EVOLUTION, seed=0)
    first = _study(sampler, _flat, 15)
    second = _study(sampler, _flat, 15)
    assert [t.params for t in first.trials] == [t.params for t in second.trials]


# A space that is given


def test_a_given_space_is_searched_as_by_netwright_itself():
    def loss(arch):
        return len(str(arch)) + arch.get("head.drop.rate", 0.5)

    study = _study(NetwrightSampler(EVOLUTION, space=SPACE, seed=5), lambda trial: loss(suggest(trial, SPACE)), 40)
    search = Search(SPACE, EVOLUTION, seed=5)
    for _ in range(40):
        candidate = search.ask()
        search.tell(candidate, loss(candidate.arch))
    assert [suggest(t, SPACE) for t in study.trials] == [record.arch for record in search.history.records]
    assert suggest(study.best_trial, SPACE) == search.history.best.arch


def test_a_given_space_with_the_users_own_suggestions():
    space = Space({"width": integer(1, 64), "act": choice(["relu", "silu"])})

    def objective(trial):
        width = trial.suggest_int("width", 1, 64)
        return (
            abs(width - 40)
            + (trial.suggest_categorical("act", ["relu", "silu"]) == "relu")
            + trial.suggest_float("own", 0, 1)
        )

    study = _study(NetwrightSampler(LocalSearch(), space=space, seed=0), objective, 80)
    assert study.best_params["width"] == 40
    assert study.best_params["act"] == "silu"


def test_any_sampler_of_optunas_on_a_space_of_ours():
    study = _study(optuna.samplers.TPESampler(seed=0), lambda trial: len(str(suggest(trial, SPACE))), 15)
    assert all(suggest(trial, SPACE) for trial in study.trials)


def test_constraints_across_decisions_prune():
    width, depth = integer(1, 8), integer(1, 4)
    space = Space({"width": width, "depth": depth}, constraints=[width * depth <= 4])
    study = _study(optuna.samplers.RandomSampler(seed=0), lambda trial: float(suggest(trial, space)["width"]), 20)
    states = {t.state.name for t in study.trials}
    assert states == {"PRUNED", "COMPLETE"}
    ours = _study(NetwrightSampler(Random(), space=space, seed=0), lambda t: float(suggest(t, space)["width"]), 20)
    assert {t.state.name for t in ours.trials} == {"COMPLETE"}


# What the history is told


@dataclass(frozen=True)
class Watching:
    """Random, and remembers what it saw; low fidelity first."""

    seen: list

    def propose(self, space, history, rng):
        self.seen.append((list(history.records), dict(history.pending), history.next_id, history.objectives))
        fidelity = 0.5 if history.next_id < 3 else 1.0
        parent = history.records[-1].id if len(history) else None
        return history.candidate(space.sample(rng), fidelity=fidelity, parent=parent)


def test_what_becomes_of_trials():
    watching = Watching([])

    def objective(trial):
        x = trial.suggest_int("x", 0, 99)
        if trial.number == 2:
            raise ValueError(x)
        if trial.number == 3:
            trial.report(7.0, step=1)
            raise optuna.TrialPruned
        if trial.number == 4:
            raise optuna.TrialPruned
        trial.set_constraint("small", x - 1000 if trial.number else 2.5)
        return float(x)

    space = Space({"x": integer(0, 99)})
    study = optuna.create_study(sampler=NetwrightSampler(watching, space=space, seed=0), direction="maximize")
    study.optimize(objective, n_trials=7, catch=ValueError)
    records, pending, next_id, objectives = watching.seen[-1]
    assert [(r.id, r.status, r.fidelity, r.parent) for r in records] == [
        (0, "ok", 0.5, None), (1, "ok", 0.5, 0), (2, "failed", 0.5, 1), (3, "partial", 1.0, 2), (4, "failed", 1.0, 3),
        (5, "ok", 1.0, 4),
    ]  # fmt: skip
    assert [r.violation for r in records] == [2.5, 0, 0, 0, 0, 0]
    assert records[3].losses == (-7.0,)
    assert records[1].losses == (-float(study.trials[1].params["x"]),)
    assert (records[4].losses, records[4].error) == ((), "the trial ended as pruned")
    assert (pending, next_id, str(objectives[0])) == ({}, 6, "max:value0")
    assert study.trials[0].user_attrs == {"fidelity": 0.5}
    assert study.trials[5].user_attrs == {}


def test_several_objectives():
    watching = Watching([])
    study = optuna.create_study(
        sampler=NetwrightSampler(watching, space=Space({"x": integer(0, 99)}), seed=0),
        directions=["minimize", "maximize"],
    )
    study.optimize(lambda t: (t.suggest_int("x", 0, 99), 3.0), n_trials=4)
    assert watching.seen[-1][0][0].losses == (float(study.trials[0].params["x"]), -3.0)


def test_what_runs_is_pending():
    watching = Watching([])
    study = optuna.create_study(sampler=NetwrightSampler(watching, space=Space({"x": integer(0, 99)}), seed=0))
    asked = [study.ask() for _ in range(3)]
    values = [trial.suggest_int("x", 0, 99) for trial in asked]
    assert {number: c.arch["x"] for number, c in watching.seen[-1][1].items()} == {0: values[0], 1: values[1]}
    study.tell(asked[1], 1.0)
    last = study.ask()
    last.suggest_int("x", 0, 99)
    records, pending, _, _ = watching.seen[-1]
    assert ([r.id for r in records], sorted(pending)) == ([1], [0, 2])
    other = pickle.loads(pickle.dumps(study.sampler))  # as in another process: what is suggested is pending there too
    study.sampler = other
    study.ask().suggest_int("x", 0, 99)
    assert sorted(other.strategy.seen[-1][1]) == [0, 2, 3]


def test_several_threads():
    sampler = NetwrightSampler(Deduplicated(Random()), space=SPACE, seed=0)
    study = optuna.create_study(sampler=sampler)
    study.optimize(lambda trial: len(str(suggest(trial, SPACE))), n_trials=40, n_jobs=4)
    arches = [suggest(t, SPACE) for t in study.trials]
    assert len(set(arches)) == 40


def test_optimize_ends_when_there_is_nothing_new():
    space = Space({"x": integer(0, 9)})
    study = _study(NetwrightSampler(Grid(), space=space), lambda trial: float(suggest(trial, space)["x"]), 100)
    assert sorted(t.params["x"] for t in study.trials[:10]) == list(range(10))
    assert len(study.trials) == 11
    study.tell(study.ask(), 0.0)  # outside of `optimize` there is nothing to end


def test_bad_arguments():
    with pytest.raises(InvalidInput, match=r"`strategy` must be an object with a method propose\(space"):
        NetwrightSampler(Random)
    with pytest.raises(InvalidInput, match=r"`space` must be a netwright\.Space, but got 'cnn'"):
        NetwrightSampler(Random(), space="cnn")


def test_without_optuna():
    code = (
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name: None if name == 'optuna' else find(name)\n"
        "try:\n    import netwright.integrations.optuna\nexcept ImportError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "need optuna, which is not installed: pip install 'netwright[optuna]'" in done.stdout
