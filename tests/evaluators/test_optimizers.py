"""Any optimizer of torch by name: it makes a step on a convolutional network, or it is refused in words."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from netwright.core.errors import InvalidInput, NotFound
from netwright.evaluators import Fitting, TrainingPlan, fit
from netwright.evaluators.optimizers import make_optimizer, optimizer_class

ALL = sorted(
    name
    for name, value in vars(torch.optim).items()
    if isinstance(value, type) and issubclass(value, torch.optim.Optimizer) and name != "Optimizer"
)
REFUSED = {"LBFGS", "SparseAdam", "Muon"}


def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(1, 4, 3, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(4, 3),
        )


@pytest.mark.parametrize("name", [name for name in ALL if name not in REFUSED])
@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_every_optimizer_of_torch_trains_a_convolutional_network(name, decay, stripes, stripes_in_memory):
    plan = TrainingPlan(epochs=1, batch_size=64, optimizer=name, lr=0.01, weight_decay=decay)
    model = network()
    before = copy.deepcopy(model.state_dict())
    fitting = fit(Fitting.begin(model, plan, seed=0), stripes_in_memory, stripes, plan)
    assert fitting.epochs_done == 1
    for parameter, value in model.named_parameters():
        assert torch.isfinite(value).all()
        assert not torch.equal(value, before[parameter]), parameter


@pytest.mark.parametrize("name", sorted(REFUSED & set(ALL)))
def test_those_that_need_another_kind_of_step_are_refused_with_the_reason(name):
    with pytest.raises(InvalidInput, match=rf"the optimizer '{name.lower()}' can't train here: it needs .*Use one of"):
        optimizer_class(name.lower())


def test_an_unknown_optimizer_lists_the_nearest_and_all():
    with pytest.raises(NotFound, match=r"unknown optimizer 'adamv': did you mean 'adam' .*Available: .*sgd"):
        optimizer_class("adamv")


@pytest.mark.parametrize("name", ["optimizer", "lr_scheduler", ""])
def test_what_is_in_torch_optim_but_no_optimizer_is_unknown(name):
    with pytest.raises(NotFound, match="unknown optimizer"):
        optimizer_class(name)


@pytest.mark.parametrize(("name", "found"), [("sgd", "SGD"), ("AdamW", "AdamW"), ("RMSPROP", "RMSprop")])
def test_names_in_any_case(name, found):
    assert optimizer_class(name).__name__ == found


def test_kernels_and_matrices_decay_and_nothing_else():
    model = network()
    optimizer = make_optimizer(model, TrainingPlan(weight_decay=0.1))
    decay = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    assert {name: decay[id(p)] for name, p in model.named_parameters()} == {
        "0.weight": 0.1,
        "1.weight": 0.0,
        "1.bias": 0.0,
        "5.weight": 0.1,
        "5.bias": 0.0,
    }


def test_a_model_without_anything_to_decay_and_one_without_anything_else():
    assert len(make_optimizer(nn.BatchNorm1d(3), TrainingPlan()).param_groups) == 1
    assert len(make_optimizer(nn.Linear(3, 2, bias=False), TrainingPlan()).param_groups) == 1


def test_frozen_parameters_are_left_alone():
    model = network()
    model[0].weight.requires_grad_(False)
    optimizer = make_optimizer(model, TrainingPlan())
    assert all(p is not model[0].weight for group in optimizer.param_groups for p in group["params"])


def test_a_model_without_parameters_is_refused_in_words():
    with pytest.raises(InvalidInput, match="the model has no parameters to train"):
        make_optimizer(nn.Sequential(nn.Flatten()), TrainingPlan())


def test_the_plan_is_what_the_optimizer_has():
    optimizer = make_optimizer(network(), TrainingPlan(lr=0.3, momentum=0.7))
    assert {(group["lr"], group["momentum"], group["nesterov"]) for group in optimizer.param_groups} == {
        (0.3, 0.7, True)
    }
    assert not make_optimizer(network(), TrainingPlan(momentum=0.0)).param_groups[0]["nesterov"]
