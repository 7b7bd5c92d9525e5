"""Optuna's samplers as strategies: what they are told and asked, and that nothing else is touched."""

from __future__ import annotations

import importlib.util
import logging
import pickle
import threading

import numpy as np
import optuna
import pytest

from netwright import Space, choice, integer, real, repeat, subset
from netwright.core import Arch, History, Objective, Record
from netwright.core.errors import InvalidInput, MissingDependency, NotFound
from netwright.core.streams import Streams
from netwright.loop import Search
from netwright.spaces.domains import Categorical
from netwright.strategies import OptunaSampler
from netwright.strategies.optuna_parameters import Parameters
from netwright.strategies.optuna_study import quiet

WIDTH, DEPTH = integer(1, 8), integer(1, 4)
SPACE = Space(
    {
        "blocks": repeat({"kernel": choice([1, 3, 5]), "act": choice(["relu", "silu"])}, 1, 3),
        "head": choice({"wide": {"units": integer(8, 64, log=True)}, "drop": {"rate": real(0.1, 0.9)}}),
        "inputs": subset(["x", "y", "z", "w"], 2),
        "all": subset(["x", "y"], 2),
        "one": choice(["only"]),
        "mixed": choice([1, None, 0.5, "1", False]),
        "steps": integer(3, 10, step=3),
    },
    training={"lr": real(1e-4, 1e-1, log=True)},
)


def _loss(candidate, context):
    """Smooth in every decision; infinite nowhere."""
    return {"loss": float(np.mean((SPACE.encode(candidate.arch) - 0.3) ** 2))}


# The mapping


def test_every_arch_survives_the_way_to_optuna_and_back():
    parameters = Parameters(SPACE)
    rng = np.random.default_rng(0)
    for _ in range(300):
        arch = SPACE.sample(rng)
        values, distributions = parameters.of(arch)
        assert values.keys() == distributions.keys()
        assert all(
            distributions[name]._contains(distributions[name].to_internal_repr(value)) for name, value in values.items()
        )
        back = parameters.suggested(optuna.trial.FixedTrial(values))
        assert back == arch
        assert [type(back[name]) for name in back] == [type(arch[name]) for name in back]


def test_only_decisions_that_count_are_asked_for():
    parameters = Parameters(SPACE)
    arch = SPACE.default()
    values, _ = parameters.of(arch)
    assert set(SPACE.default()) == {name.partition(":")[0] for name in values} | {"all"}  # a fixed subset needs nothing
    assert {name for name in values if name.startswith("inputs")} == {
        "inputs: x",
        "inputs: y",
        "inputs: z",
        "inputs: w",
    }


def test_the_largest_keys_make_a_subset():
    space = Space({"inputs": subset(["x", "y", "z"], 2)})
    keys = {"inputs: x": 0.2, "inputs: y": 0.9, "inputs: z": 0.5}
    assert Parameters(space).suggested(optuna.trial.FixedTrial(keys)) == Arch({"inputs": ("y", "z")})


def test_a_space_without_decisions_is_refused():
    with pytest.raises(InvalidInput, match=r"need a netwright\.Space, with a list of decisions, but got"):
        OptunaSampler().propose(object(), History(), Streams(0)(0))


def test_a_kind_of_decision_that_optuna_does_not_know(monkeypatch):
    space = Space({"x": choice([1, 2])})
    space.decisions = (type(space.decisions[0])("x", object()),)
    with pytest.raises(InvalidInput, match="Optuna has no parameter for 'x', which is"):
        Parameters(space)


# What is told


def _told(strategy, records, objectives=("loss",)):
    history = History([Objective(name) for name in objectives])
    for record in records:
        history.add(record)
    strategy.propose(SPACE, history, Streams(0)(0))
    return history._folds[strategy][0].known


def test_what_becomes_of_records():
    arch = SPACE.default()
    records = [
        Record(0, arch, losses=(0.5,)),
        Record(1, arch, status="failed", error="out of memory"),
        Record(2, arch, fidelity=0.25, losses=(0.7,)),
        Record(3, arch, losses=(0.3,), violation=0.5),
        Record(4, arch, status="infeasible", violation=float("inf")),
        Record(5, arch, losses=(1e300,), status="partial"),
    ]
    told = _told(OptunaSampler("tpe"), records)
    assert [t.state.name for t in told] == ["COMPLETE", "FAIL", "PRUNED", "COMPLETE", "COMPLETE", "COMPLETE"]
    assert [t.values for t in told] == [[0.5], None, None, [0.3], [0.5], [1e100]]
    assert told[2].intermediate_values == {250_000: 0.7}
    violations = [t.constraints["violation"] for t in told]
    assert violations[:3] == [0, 0, 0]
    assert 0 < violations[3] < violations[4] < 100
    assert violations[5] == 0
    # Without limits there are no constraints to model; what wasn't trained has the worst loss, or none.
    assert all(not t.constraints for t in _told(OptunaSampler("tpe"), records[:3]))
    assert _told(OptunaSampler("nsga2"), records[4:5])[0].values == [0.0]


def test_cma_es_knows_no_limits_so_what_breaks_them_is_worst():
    records = [
        Record(0, SPACE.default(), losses=(5.0, 1.0)),
        Record(1, SPACE.default(), losses=(0.0, 1.0), violation=0.5),
        Record(2, SPACE.default(), status="infeasible", violation=2.0),
    ]
    told = _told(OptunaSampler("cmaes"), records, ("loss", "size"))
    values = [t.value for t in told]
    assert values[0] == 5.0
    assert 1e15 < values[1] < values[2]
    assert not any(t.constraints for t in told)


def test_lower_fidelities_of_several_objectives_are_told_without_values():
    told = _told(OptunaSampler("tpe"), [Record(0, SPACE.default(), 0.5, losses=(1.0, 2.0))], ("loss", "size"))
    assert (told[0].state.name, told[0].intermediate_values) == ("PRUNED", {})


def test_what_is_pending_is_avoided():
    """By TPE's constant liar: with the same generator it proposes something else."""
    space = Space({f"c{i}": choice(list(range(4))) for i in range(3)})
    search = Search(space, OptunaSampler("tpe"), seed=3)
    for _ in range(30):
        candidate = search.ask()
        search.tell(candidate, float(sum(candidate.arch.values())))
    history, again = search.history, 0
    for i in range(20):
        first = search.strategy.propose(space, history, Streams(0)(i))
        history.start(first)
        again += search.strategy.propose(space, history, Streams(0)(i)).arch == first.arch
        history.drop(first.id)
        assert search.strategy.propose(space, history, Streams(0)(i)) == first
    assert again < 10


# What is proposed


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_it_learns_on_a_conditional_space(sampler):
    records = Search(SPACE, OptunaSampler(sampler), _loss, budget="80 candidates", seed=1).run().records
    assert np.mean([r.loss for r in records[-20:]]) < 0.9 * np.mean([r.loss for r in records[:20]])


def test_it_is_optunas_own_nsga2_with_one_worker():
    """The same generations with the same parents as a study that Optuna runs itself."""
    space = Space({f"c{i}": choice(list(range(5))) for i in range(4)})
    search = Search(space, OptunaSampler("nsga2", population=6), objectives=["min:a", "min:b"])
    for _ in range(40):
        candidate = search.ask()
        values = list(candidate.arch.values())
        search.tell(candidate, {"a": float(sum(values)), "b": float(sum((v - 4) ** 2 for v in values))})
    search.ask()
    told = search.history._folds[search.strategy][0]
    study = optuna.load_study(
        study_name="netwright", storage=_replayed(told), sampler=optuna.samplers.NSGAIISampler(population_size=6)
    )
    generations = [t.system_attrs["NSGAIISampler:generation"] for t in told.known]
    assert generations == [i // 6 for i in range(40)]
    for generation in range(1, 7):
        expected = [t._trial_id for t in study.sampler.get_parent_population(study, generation)]
        assert sorted(told.attributes[f"NSGAIISampler:parent:{generation}"]) == sorted(expected)


def _replayed(told):
    from netwright.strategies.optuna_study import StudyView

    return StudyView(told.known, {}, 2)


def test_cma_es_keeps_its_state_in_the_fold():
    space = Space({"x": real(-5, 5), "y": real(-5, 5), "z": real(-5, 5)})

    def sphere(candidate, context):
        return {"loss": sum((value - 1) ** 2 for value in candidate.arch.values())}

    history = Search(space, OptunaSampler("cmaes", population=6), sphere, budget="120 candidates", seed=0).run()
    assert history.best.loss < 0.05
    random = Search(space, OptunaSampler("random"), sphere, budget="120 candidates", seed=0).run()
    assert history.best.loss < 0.2 * random.best.loss


def test_constraints_across_decisions_hold():
    space = Space({"width": WIDTH, "depth": DEPTH}, constraints=[WIDTH * DEPTH <= 6])
    for tries in (1, 10):
        search = Search(space, OptunaSampler("random", tries=tries))
        for _ in range(40):
            candidate = search.ask()
            space.validate(candidate.arch)
            search.tell(candidate, 1.0)


def test_the_nearest_allowed_arch_stands_in():
    space = Space({"width": WIDTH, "depth": DEPTH}, constraints=[lambda arch: arch["width"] == 8])
    found = {OptunaSampler("random", tries=1).propose(space, History(), Streams(0)(i)).arch for i in range(30)}
    assert {arch["width"] for arch in found} == {8}
    assert {arch["depth"] for arch in found} == {1, 2, 3, 4}


def test_a_narrowed_space_is_kept_to():
    space = Space({"a": choice(list("abcde")), "x": real(0, 1)})
    part = space.narrowed({"a": Categorical(("b", "d"))})
    search = Search(space, OptunaSampler("tpe", startup=5))
    for _ in range(15):
        candidate = search.ask()
        search.tell(candidate, float(candidate.arch["x"]))
    proposed = [search.strategy.propose(part, search.history, Streams(1)(i)).arch for i in range(20)]
    assert {arch["a"] for arch in proposed} <= {"b", "d"}


def _own(seed):
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=4)


def test_any_sampler_of_optunas_by_a_function():
    by_name, by_function = OptunaSampler("tpe", startup=4), OptunaSampler(_own)
    records = [
        Search(SPACE, strategy, _loss, budget="20 candidates").run().records for strategy in (by_name, by_function)
    ]
    assert records[0] == records[1]
    assert pickle.loads(pickle.dumps(by_function)) == by_function


# Silence, purity and bad arguments


def test_nothing_is_logged_and_nothing_of_optunas_is_changed(caplog, recwarn):
    optuna.logging.enable_propagation()
    before = (optuna.logging.get_verbosity(), logging.getLogger("optuna").handlers[:])
    try:
        with caplog.at_level(logging.DEBUG):
            for sampler in ("random", "tpe", "nsga2", "cmaes"):
                Search(SPACE, OptunaSampler(sampler), _loss, budget="14 candidates").run()
            few = Space({"x": choice([0, 1, 2])})
            Search(few, OptunaSampler("gp"), lambda *_: {"loss": 0.5}, budget="12 candidates").run()
        assert (optuna.logging.get_verbosity(), logging.getLogger("optuna").handlers) == before
    finally:
        optuna.logging.disable_propagation()
    assert not [record for record in caplog.records if record.name.startswith("optuna")]
    assert not recwarn.list


def test_what_the_process_says_when_it_has_converged_is_kept_from_this_thread_only(caplog):
    logger = logging.getLogger("optuna._gp.optim_mixed")
    optuna.logging.enable_propagation()
    try:
        with quiet():
            logger.warning("converged, here")
            assert np.isnan(np.zeros(1) / 0)
            other = threading.Thread(target=logger.warning, args=("converged, in a study of the user's",))
            other.start()
            other.join()
    finally:
        optuna.logging.disable_propagation()
    assert {record.getMessage() for record in caplog.records} == {"converged, in a study of the user's"}
    assert not logger.filters


def test_without_optuna(monkeypatch):
    there = importlib.util.find_spec
    for missing in ("optuna", "cmaes"):
        monkeypatch.setattr(
            "netwright.strategies.optuna_parameters.find_spec",
            lambda name, m=missing: None if name == m else there(name),
        )
        with pytest.raises(MissingDependency, match=rf"need {missing}, which .* pip install 'netwright\[optuna\]'"):
            OptunaSampler("cmaes")
    OptunaSampler("tpe")  # doesn't need cmaes


def test_bad_arguments():
    with pytest.raises(NotFound, match="unknown sampler of Optuna 'tep': did you mean 'tpe'"):
        OptunaSampler("tep")
    for given in (None, 3, optuna.samplers.TPESampler):
        with pytest.raises(InvalidInput, match=r"`sampler` must be one of cmaes, gp, .*, or a function from a seed"):
            OptunaSampler(given)
    with pytest.raises(InvalidInput, match="`startup` of OptunaSampler must be at least 1, but got 0"):
        OptunaSampler("tpe", startup=0)
    with pytest.raises(InvalidInput, match="`population` of OptunaSampler must be at least 2, but got 1"):
        OptunaSampler("nsga2", population=1)
    with pytest.raises(InvalidInput, match="`population` is an option of the samplers cmaes, nsga2, but got"):
        OptunaSampler("tpe", population=20)
    with pytest.raises(InvalidInput, match="`startup` is an option of the samplers cmaes, gp, tpe, but got startup=3"):
        OptunaSampler(_own, startup=3)
    with pytest.raises(InvalidInput, match="`tries` of OptunaSampler must be at least 1, but got 0"):
        OptunaSampler(tries=0)
