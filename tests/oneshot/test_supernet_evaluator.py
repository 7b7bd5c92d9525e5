"""Scores of paths: the contract of evaluators, statistics of their own, and what is made of them afterwards."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netwright.core import Arch, Candidate, Context, Record
from netwright.core.errors import EvaluationError, InvalidInput, InvalidSpace
from netwright.evaluators import Training, TrainingPlan, score
from netwright.oneshot.evaluator import SupernetEvaluator
from netwright.oneshot.few_shot import SubSupernets, decision_to_split, parts_of
from netwright.oneshot.selecting import best_within, explore, saved_evaluator
from netwright.strategies import Random
from netwright.tasks import load
from netwright.testing import check_evaluator

PLAN = TrainingPlan(epochs=3, batch_size=32, lr=0.05, clip=5.0)


@pytest.fixture(scope="module")
def supernet(elastic, stripes, parts):
    from netwright.oneshot.samplers import Uniform
    from netwright.oneshot.shared_fitting import SharedFitting
    from netwright.oneshot.shared_training import fit_shared
    from netwright.oneshot.supernet import Supernet

    supernet = Supernet(elastic, input_shape=stripes.input_shape, n_outputs=stripes.n_outputs)
    fitting = SharedFitting.begin(supernet, Uniform().begin(elastic), PLAN, seed=0)
    fit_shared(fitting, *parts, stripes, TrainingPlan(epochs=10, batch_size=32, lr=0.05, clip=5.0))
    return fitting.supernet.eval()


@pytest.fixture
def evaluator(supernet, stripes):
    return SupernetEvaluator(supernet, stripes, PLAN, epochs=10.0)


def arches(space, n):
    return [space.sample(np.random.default_rng(i)) for i in range(n)]


def test_it_keeps_the_contract_of_evaluators(evaluator, elastic):
    check_evaluator(evaluator, elastic)


def test_its_metrics_are_those_of_training(evaluator, elastic, stripes):
    found = evaluator(Candidate(0, elastic.default()), Context(seed=1))
    usual = Training(elastic, stripes, TrainingPlan(epochs=1))(Candidate(0, elastic.default()), Context())
    assert found.keys() == usual.keys()
    assert found["epochs"] == 10.0
    assert found == evaluator(Candidate(7, elastic.default()), Context(seed=2))  # nothing is drawn


def test_a_path_is_scored_as_the_standalone_model_would_be(evaluator, elastic, stripes, parts):
    for arch in arches(elastic, 5):
        found = evaluator(Candidate(0, arch), Context())
        model = evaluator.supernet.extract(arch).model.eval()
        alone = score(model, parts[1], stripes, stripes.validation)
        assert alone["accuracy"] == pytest.approx(found["accuracy"], abs=0.02)
        assert alone["loss"] == pytest.approx(found["loss"], rel=1e-3)
        weights = evaluator.weights(arch)
        assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())


def test_statistics_of_its_own_are_worth_it(evaluator, supernet, stripes, elastic):
    mixed = SupernetEvaluator(supernet, stripes, PLAN, calibration=0)
    supernet.statistics_outdated()
    without = [mixed(Candidate(0, arch), Context())["loss"] for arch in arches(elastic, 12)]
    own = [evaluator(Candidate(0, arch), Context())["loss"] for arch in arches(elastic, 12)]
    assert np.mean(own) < np.mean(without)
    assert [mixed(Candidate(0, arch), Context())["loss"] for arch in arches(elastic, 12)] == without


def test_statistics_are_estimated_once_for_each_arch(evaluator, supernet, elastic, monkeypatch):
    supernet.statistics_outdated()
    arch = elastic.default()
    evaluator(Candidate(0, arch), Context())
    assert supernet.calibrated(arch)
    kept = {name: value.clone() for name, value in supernet._statistics[arch].items()}
    evaluator(Candidate(1, arch), Context())
    assert all(torch.equal(supernet._statistics[arch][name], value) for name, value in kept.items())


def test_a_share_of_the_validation_part(supernet, stripes, elastic):
    few = SupernetEvaluator(supernet, stripes, PLAN, validation=20)
    accuracy = few(Candidate(0, elastic.default()), Context())["accuracy"]
    assert accuracy * 20 == pytest.approx(round(accuracy * 20))


def test_a_deadline_and_another_space(evaluator):
    with pytest.raises(EvaluationError, match="the deadline came before the path was scored"):
        evaluator(Candidate(0, Arch({})), Context(deadline=0.0, clock=lambda: 1.0))
    with pytest.raises(InvalidSpace, match="is not an arch of 'elastic'"):
        evaluator(Candidate(0, Arch({"width0": 4})), Context())


@pytest.mark.parametrize("wrong", [{"calibration": -1}, {"validation": 0}])
def test_bad_numbers_of_examples(supernet, stripes, wrong):
    with pytest.raises(InvalidInput, match="`calibration` of SupernetEvaluator must be at least 0"):
        SupernetEvaluator(supernet, stripes, PLAN, **wrong)


# Few-shot -------------------------------------------------------------------------------------------------------------


def test_other_data_than_the_supernet_was_made_for(supernet, stripes):
    with pytest.raises(
        InvalidInput, match=r"made for inputs of shape \(1, 8, 8\) and 3 outputs, but 'wine' has \(13,\)"
    ):
        SupernetEvaluator(supernet, load("wine"), PLAN)
    with pytest.raises(InvalidInput, match=r"but 'digits' has \(1, 8, 8\) and 10: make one with"):
        SupernetEvaluator(supernet, load("digits"), PLAN)


def test_parts_make_up_the_space(elastic):
    found = dict(parts_of(elastic, "act0"))
    assert sorted(found) == ["relu", "silu"]
    assert sum(part.size() for part in found.values()) == elastic.size()
    assert decision_to_split(elastic) == "act0"  # of those with two values, the one between modules
    with pytest.raises(InvalidInput, match=r"but got 'act1': use one of 'depth', 'width0'"):
        list(parts_of(elastic, "act1"))  # counts only in deep networks


def test_each_part_has_a_supernet_that_begins_with_the_whole_ones_weights(supernet, elastic, stripes):
    found = SubSupernets.of_whole(supernet, "act0")
    evaluator = SupernetEvaluator(found, stripes, PLAN)
    whole = SupernetEvaluator(supernet, stripes, PLAN)
    for arch in arches(elastic, 4):
        assert evaluator(Candidate(0, arch), Context()) == whole(Candidate(0, arch), Context())
    with torch.no_grad():
        for parameter in found.supernets["relu"].parameters():
            parameter.zero_()
    silu = next(arch for arch in arches(elastic, 9) if arch["act0"] == "silu")
    assert evaluator(Candidate(0, silu), Context()) == whole(Candidate(0, silu), Context())
    with pytest.raises(InvalidInput, match="but the arch has None"):
        found.of(Arch({}))


# Selecting ------------------------------------------------------------------------------------------------------------


def test_many_answers_from_one_supernet(evaluator):
    first = explore(evaluator, objectives="accuracy", budget="30 candidates", strategy=Random())
    front = explore(evaluator, budget="60 candidates", constraints="params<=400", records=first.records).pareto()
    assert len(front) >= 2
    accuracies = [record.metrics["accuracy"] for record in front]
    assert accuracies == sorted(accuracies, reverse=True)
    assert all(record.metrics["params"] <= 400 for record in front)
    small = best_within(first, "params<=300")
    assert small.metrics["params"] <= 300
    assert best_within(first, objective="min:params").metrics["params"] <= small.metrics["params"]


def test_what_nothing_holds_is_said():
    records = [Record(0, Arch({}), metrics={"accuracy": 0.5, "params": 70.0}, losses=(0.5,))]
    with pytest.raises(InvalidInput, match=r"none of 1 records holds params<=50; the nearest has params=70"):
        best_within(records, "params<=50")
    with pytest.raises(
        InvalidInput, match="none of 1 records has the metrics accuracy, flops: there are accuracy, params"
    ):
        best_within(records, "flops<=50")


def test_a_metric_that_is_not_there_is_said(evaluator):
    with pytest.raises(InvalidInput, match=r"none of 2 arches could be scored; .*'acuracy'"):
        explore(evaluator, objectives="acuracy", budget="2 candidates")


def test_a_supernet_that_was_saved(begun, elastic, stripes, supernet, tmp_path, evaluator):
    fitting = begun()
    fitting.supernet.load_state_dict(supernet.state_dict())
    fitting.save(tmp_path / "supernet.ckpt", key="", finished=True)
    saved = saved_evaluator(tmp_path / "supernet.ckpt", elastic, stripes, PLAN)
    one = Candidate(0, elastic.default())
    expected = evaluator(one, Context())
    assert {**saved(one, Context()), "epochs": 10.0} == pytest.approx(expected, rel=1e-4)
    (tmp_path / "damaged.ckpt").write_bytes(b"")
    with pytest.raises(InvalidInput, match="must be a finished supernet of 'elastic'"):
        saved_evaluator(tmp_path / "damaged.ckpt", elastic, stripes)
    with pytest.raises(InvalidInput, match=r"for 'digits'.* can't be used: .* size mismatch for weights"):
        saved_evaluator(tmp_path / "supernet.ckpt", elastic, load("digits"))
