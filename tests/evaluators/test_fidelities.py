"""What a fidelity can mean: data, resolution, width; and how short a training may be and still rank."""

from __future__ import annotations

import numpy as np
import pytest

from netwright import Space, choice, layers, n_outputs, nn
from netwright.core import Arch, Candidate, Context
from netwright.core.errors import InvalidInput
from netwright.evaluators import (
    DataFidelity,
    ResolutionFidelity,
    Training,
    TrainingPlan,
    WidthFidelity,
    cheapest_that_ranks,
    rank_fidelities,
)
from netwright.evaluators.fidelity_resolution import _resized
from netwright.spaces.zoo.nb201 import nb201
from netwright.strategies.fidelities import rungs

PLAN = TrainingPlan(epochs=4, batch_size=32, optimizer="adamw", lr=0.01)
DENSE = Space(
    nn.Sequential(nn.LazyLinear(choice([4, 16], label="width")), nn.ReLU(), nn.LazyLinear(n_outputs)), name="dense"
)
CONV = Space(
    nn.Sequential(
        nn.LazyConv2d(choice([4, 8], label="width"), 3), nn.ReLU(), layers.GlobalAveragePool(), nn.LazyLinear(n_outputs)
    ),
    name="conv",
)
WIDE = Arch({"width": 16})


def widened(share):
    """The dense space with a share of its widths."""
    widths = {4: max(2, round(4 * share**0.5)), 16: max(2, round(16 * share**0.5))}
    return Space(
        nn.Sequential(nn.LazyLinear(choice(widths, label="width")), nn.ReLU(), nn.LazyLinear(n_outputs)), name="dense"
    )


def test_fully_each_is_the_plain_training(blobs, stripes):
    for evaluator, plain, arch in (
        (DataFidelity(DENSE, blobs, PLAN), Training(DENSE, blobs, PLAN), WIDE),
        (WidthFidelity(widened, blobs, PLAN), Training(widened(1.0), blobs, PLAN), WIDE),
        (ResolutionFidelity(CONV, stripes, PLAN), Training(CONV, stripes, PLAN), Arch({"width": 8})),
    ):
        expected = plain(Candidate(0, arch), Context(seed=3))
        found = evaluator(Candidate(0, arch), Context(seed=3))
        assert {name: found[name] for name in expected} == expected


def test_a_share_of_the_data_is_a_whole_training(blobs):
    context = Context(seed=3)
    found = DataFidelity(DENSE, blobs, PLAN)(Candidate(0, WIDE, 0.5), context)
    assert (found["n_train"], found["epochs"]) == (len(blobs.train) / 2, 4.0)
    assert len(context.curves["train_loss"]) == 4
    assert DataFidelity(DENSE, blobs, PLAN)(Candidate(0, WIDE, 1e-6), context)["n_train"] == len(blobs.classes)


@pytest.mark.parametrize("kind", ["data", "width", "resolution"])
def test_only_full_trainings_leave_a_checkpoint(kind, blobs, stripes, tmp_path):
    evaluator, arch = {
        "data": (DataFidelity(DENSE, blobs, PLAN), WIDE),
        "width": (WidthFidelity(widened, blobs, PLAN), WIDE),
        "resolution": (ResolutionFidelity(CONV, stripes, PLAN), Arch({"width": 8})),
    }[kind]
    context = Context(seed=3, checkpoints=tmp_path)
    evaluator(Candidate(0, arch, 0.5), context)
    assert not list(tmp_path.iterdir())
    assert context.checkpoints == tmp_path
    full = evaluator(Candidate(1, arch, 1.0, 0), Context(seed=4, checkpoints=tmp_path))
    assert [file.stem for file in tmp_path.iterdir()] == [arch.digest]
    assert full == evaluator(Candidate(1, arch), Context(seed=4))  # nothing was continued


def test_a_deadline_is_told(blobs):
    class Clock:
        now = 0.0

        def __call__(self):
            self.now += 1.0
            return self.now

    context = Context(deadline=60.0, clock=Clock())
    DataFidelity(DENSE, blobs, TrainingPlan(epochs=500, optimizer="adamw", lr=0.01))(Candidate(0, WIDE, 0.5), context)
    assert "the deadline is met" in context.partial


def test_smaller_images(stripes):
    small = _resized(stripes, (4, 4))
    assert small.train.inputs.shape == (len(stripes.train), 1, 4, 4)
    assert small.input_shape == (1, 4, 4)
    mean = stripes.train.inputs[:, :, :2, :2].astype(float).mean((2, 3))
    assert np.abs(small.train.inputs[:, :, 0, 0] - mean).max() <= 0.5
    assert small.validation.inputs.shape[2:] == (4, 4)
    assert _resized(stripes, (8, 8)) is stripes
    assert _resized(stripes, (4, 4)) is small
    found = ResolutionFidelity(CONV, stripes, PLAN, least_side=5)(Candidate(0, Arch({"width": 4}), 0.01), Context())
    assert found["side"] == 5


def test_resolutions_that_are_the_same_are_asked_for_once(stripes):
    evaluator = ResolutionFidelity(CONV, stripes, PLAN, least_side=5)
    assert evaluator.fidelities == (25 / 64, 36 / 64, 49 / 64, 1.0)
    assert rungs(evaluator.fidelities) == (25 / 64, 1.0)
    assert ResolutionFidelity(CONV, stripes, PLAN, least_side=9).fidelities == (1.0,)


def test_thinner_networks_of_a_space_of_the_zoo(stripes):
    plan = TrainingPlan(epochs=1, batch_size=64)
    shape = stripes.input_shape

    def space_of(share):
        return nb201(channels=max(2, round(8 * share**0.5)), n_cells=1, input_shape=shape)

    evaluator = WidthFidelity(space_of, stripes, plan)
    assert "accuracy" in evaluator(Candidate(0, space_of(1.0).default(), 0.25), Context())


def test_how_short_a_training_ranks(blobs, tmp_path):
    space = Space(
        nn.Sequential(nn.LazyLinear(choice([2, 3, 4, 8, 32, 64], label="w")), nn.Tanh(), nn.LazyLinear(n_outputs))
    )
    training = Training(space, blobs, PLAN)
    arches = list(space.enumerate())
    found = rank_fidelities(training, arches, [0.25, 0.5], Context(checkpoints=tmp_path), objective="min:loss")
    assert [one.fidelity for one in found] == [0.25, 0.5, 1.0]
    assert [one.agreement.n for one in found] == [6, 6, 6]
    assert found[-1].agreement.tau == 1.0
    assert found[1].agreement.tau > 0.5
    assert found[0].seconds < found[1].seconds < found[2].seconds


def test_the_cheapest_from_which_on_all_rank():
    class Ranking:
        def __init__(self, fidelity, tau):
            self.fidelity, self.agreement = fidelity, type("A", (), {"tau": tau})()

    found = [Ranking(fidelity, tau) for fidelity, tau in ((0.1, 0.7), (0.3, 0.4), (0.5, 0.65), (1.0, 1.0))]
    assert cheapest_that_ranks(found) == 0.5
    assert cheapest_that_ranks(found, tau=0.3) == 0.1
    assert cheapest_that_ranks(found, tau=0.9) == 1.0


def test_pilots_that_fail_are_left_out():
    def evaluator(candidate, context):
        x = candidate.arch["x"]
        if x == 1:
            raise ZeroDivisionError
        return {"loss": float(x)}

    arches = [Arch({"x": x}) for x in range(5)]
    found = rank_fidelities(evaluator, arches, [0.5], Context(), objective="min:loss")
    assert [one.agreement.n for one in found] == [4, 4]


def test_what_is_refused(blobs):
    with pytest.raises(InvalidInput, match="ResolutionFidelity needs images, but the task 'blobs' has none"):
        ResolutionFidelity(DENSE, blobs)
    with pytest.raises(InvalidInput, match=r"must be a function from a share .* but got <Space"):
        WidthFidelity(DENSE, blobs)
    arches = [Arch({"x": x}) for x in range(3)]
    with pytest.raises(InvalidInput, match=r"three arches or more .* but got 2 arches and \[0\.5\]"):
        rank_fidelities(None, arches[:2], [0.5], Context())
    with pytest.raises(InvalidInput, match="fidelities in"):
        rank_fidelities(None, arches, [1.5], Context())

    def failing(candidate, context):
        raise ZeroDivisionError

    with pytest.raises(InvalidInput, match="0 of 3 did: give other arches"):
        rank_fidelities(failing, arches, [0.5], Context())
    with pytest.raises(InvalidInput, match="must be a metric of the evaluator, but got 'acc'; there are accuracy"):
        rank_fidelities(lambda *_: {"accuracy": 0.5}, arches, [0.5], Context(), objective="max:acc")
