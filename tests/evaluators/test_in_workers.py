"""What is evaluated in a worker process is what would be evaluated here."""

from __future__ import annotations

import pytest

from netwright.core import Arch, Candidate, Context
from netwright.core.errors import EvaluationError
from netwright.evaluators import Training, TrainingPlan
from netwright.loop import Evaluation
from netwright.runtime import ProcessPool


@pytest.fixture(scope="module")
def pool():
    pool = ProcessPool(1, threads=1)
    yield pool
    pool.close()


def test_training_is_the_same_to_the_bit(pool, conv_space, stripes, tmp_path):
    plan = TrainingPlan(epochs=2, batch_size=50, lr=0.02, crop=1, flip=True, cutout=2)
    evaluation = Evaluation(Training(conv_space, stripes, plan))
    here = [evaluation(Candidate(0, Arch({}), f), Context(seed=4, threads=1)) for f in (0.5, 1.0)]
    there = [
        pool.submit(evaluation, Candidate(0, Arch({}), f), Context(seed=4, threads=1, checkpoints=tmp_path)).result()
        for f in (0.5, 1.0)
    ]
    assert [outcome.error for outcome in there] == [None, None]
    assert [outcome.metrics for outcome in there] == [outcome.metrics for outcome in here]
    assert there[0].curves == here[0].curves
    for name, curve in here[1].curves.items():  # the second one went on where the first one ended
        assert there[0].curves[name] + there[1].curves[name] == curve


def test_a_failure_in_a_worker_is_told(pool, conv_space, stripes):
    evaluator = Training(conv_space, stripes, TrainingPlan(epochs=2, lr=1e20))
    with pytest.raises(EvaluationError, match="it diverged"):
        pool.submit(evaluator, Candidate(0, Arch({})), Context()).result()
