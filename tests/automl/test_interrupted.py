"""A search that is broken off anywhere, even killed, goes on as if it had never stopped."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from netwright.automl import load_result, resume, search
from netwright.evaluators import TrainingPlan

SHORT = TrainingPlan(epochs=2, batch_size=64, optimizer="adamw", lr=0.02)

SCRIPT = """
import os, signal, sys
from netwright.automl import Quiet, search

class Killed(Quiet):
    def __init__(self, where):
        self.where = where
    def at(self, place):
        if place == self.where:
            os.kill(os.getpid(), signal.SIGKILL)
    def stage(self, name, text):
        self.at(name)
    def record(self, record, history, elapsed, limit):
        self.at(f"record {record.id}")
    def epoch(self, done, total, values):
        self.at(f"epoch {done}")

for place in sys.argv[1:]:  # each in a process of its own, which has torch already
    child = os.fork()
    if child == 0:
        search("mlp", "blobs", budget="4 candidates", method="random", out=place, progress=Killed(place))
        os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
"""


def same(first, second):
    """The same records, and the same network to the bit."""
    weights = [result.best.model.state_dict() for result in (first, second)]
    return (
        list(first.history.records) == list(second.history.records)
        and first.best.metrics == second.best.metrics
        and all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    )


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Folders of searches that killed themselves, by the place where they did."""
    folder = tmp_path_factory.mktemp("killed")
    (folder / "script.py").write_text(SCRIPT)
    places = ("record 1", "epoch 5", "write")
    command = [sys.executable, folder / "script.py", *places]
    done = subprocess.run(command, env=os.environ, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {place: folder / place for place in places}


@pytest.fixture(scope="module")
def uninterrupted():
    return search("mlp", "blobs", budget="4 candidates", method="random")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
@pytest.mark.parametrize(("place", "n_records"), [("record 1", 2), ("epoch 5", 4), ("write", 4)])
def test_a_killed_search_goes_on(killed, uninterrupted, place, n_records, told):
    found = load_result(killed[place])
    assert (len(found.history), found.running) == (n_records, True)
    assert found.best.model is None
    result = resume(killed[place], progress=told)
    assert len(told.of("record")) == 4 - n_records
    assert same(result, uninterrupted)
    assert not load_result(killed[place]).running
    assert (killed[place] / "model.py").exists()


PLACES = ["measure", "search", "record 0", "record 2", "final", "epoch 1", "epoch 2", "write"]


@pytest.mark.parametrize("place", PLACES)
def test_ctrl_c_anywhere(widths, finished, tmp_path, telling, told, place):
    def stop(name, value):
        here = {"stage": value, "record": f"record {value[0].id}" if name == "record" else "",
                "epoch": f"epoch {value[0]}" if name == "epoch" else ""}.get(name)  # fmt: skip
        if here == place:
            raise KeyboardInterrupt

    def run(progress):
        return search(widths, "blobs", budget="3 candidates", plan=SHORT, out=tmp_path, progress=progress)

    with pytest.raises(KeyboardInterrupt):
        run(telling(stop))
    done = 0 if place in ("measure", "search") else 1 if place == "record 0" else 3
    if place != "measure":
        assert len(load_result(tmp_path).history) == done
    result = run(told)
    assert len(told.of("record")) == 3 - done
    assert same(result, finished)


def test_interrupted_again_and_again(widths, finished, tmp_path, telling):
    def stop(name, _):
        if name in ("record", "epoch"):
            raise KeyboardInterrupt

    rounds = 0
    while True:
        rounds += 1
        try:
            result = search(widths, "blobs", budget="3 candidates", plan=SHORT, out=tmp_path,
                            progress=telling(stop if rounds < 5 else None))  # fmt: skip
            break
        except KeyboardInterrupt:
            continue
    assert rounds == 5
    assert same(result, finished)
