"""Two processes train one supernet: the same paths, each on its share of the data, the same weights at the end."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from torch import distributed

from netwright.core.errors import RunError
from netwright.evaluators.examples_in_memory import ExamplesInMemory
from netwright.oneshot.distributed import Ranks

SCRIPT = """
import sys
from datetime import timedelta

import torch
from torch import distributed

from netwright import Space, choice, n_outputs, nn
from netwright.evaluators import TrainingPlan
from netwright.evaluators.examples_in_memory import in_memory
from netwright.oneshot.distributed import Ranks
from netwright.oneshot.samplers import ControllerDriven
from netwright.oneshot.shared_fitting import SharedFitting
from netwright.oneshot.shared_training import fit_shared
from netwright.oneshot.supernet import Supernet
from netwright.tasks import load

torch.set_num_threads(1)
rank, folder = int(sys.argv[1]), sys.argv[2]
distributed.init_process_group(
    "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2, timeout=timedelta(seconds=60)
)
ranks, task = Ranks.here(), load("stripes")
act = choice({"relu": nn.ReLU(), "silu": nn.SiLU()}, label="act")
space = Space(
    nn.Sequential(
        nn.LazyConv2d(choice([4, 8], label="width"), 3), nn.LazyBatchNorm2d(), act, nn.AdaptiveAvgPool2d(2),
        nn.Flatten(), nn.LazyLinear(n_outputs),
    )
)
plan = TrainingPlan(epochs=2, batch_size=16, lr=0.05)
supernet = Supernet(space, input_shape=task.input_shape, n_outputs=task.n_outputs)
fitting = SharedFitting.begin(supernet, ControllerDriven(every=2, warmup=0.0).begin(space), plan, seed=0)
train, validation = in_memory(task, task.train), in_memory(task, task.validation)
paths = []
step = fitting.paths.step

def noted(rng, progress, score):
    turns = step(rng, progress, score)
    paths.extend(turn.arch.to_json() for turn in turns)
    return turns

fitting.paths.step = noted
fit_shared(fitting, ranks.share(train), validation, task, plan, ranks=ranks)
import numpy as np

last = fitting.paths.controller.sample(np.random.default_rng(0)).to_json()
found = {"paths": paths, "weights": supernet.state_dict(), "losses": fitting.losses, "arch": last}
torch.save(found, f"{folder}/{rank}.pt")
distributed.barrier()  # who leaves first would close connections that the other still has in use
distributed.destroy_process_group()
"""


@pytest.mark.skipif(not distributed.is_available(), reason="this torch has no torch.distributed")
def test_two_processes_end_with_the_same_arch_and_weights(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    running = [
        subprocess.Popen(
            [sys.executable, tmp_path / "script.py", str(rank), str(tmp_path)], env=environment, stderr=subprocess.PIPE
        )
        for rank in range(2)
    ]
    for process in running:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    assert first["paths"] == second["paths"]
    assert len(set(first["paths"])) > 1
    assert first["arch"] == second["arch"]
    assert first["losses"] != second["losses"]  # each on examples of its own
    for name, value in first["weights"].items():
        assert torch.equal(value, second["weights"][name]), name


def test_shares_are_of_one_size_and_have_nothing_in_common():
    examples = ExamplesInMemory(torch.arange(11.0)[:, None], torch.arange(11))
    shares = [Ranks(rank, 3).share(examples).targets.tolist() for rank in range(3)]
    assert [len(share) for share in shares] == [3, 3, 3]
    assert len({row for share in shares for row in share}) == 9


def test_without_a_process_group():
    with pytest.raises(RunError, match=r"there is no process group: call torch\.distributed\.init_process_group"):
        Ranks.here()
    alone = Ranks(0, 1)
    tensor = torch.ones(2)
    alone.average([tensor])
    assert tensor.tolist() == [1.0, 1.0]
    assert alone.agreed(0.3, torch.device("cpu")) == 0.3
