"""The quickstart does what it says, in as few lines as the benchmark counts."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


def _run(text: str, folder) -> str:
    script = folder / "script.py"
    script.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_quickstart_on_smaller_data(root, tmp_path):
    text = (root / "examples" / "quickstart.py").read_text(encoding="utf-8")
    call = 'netwright.search("cnn", "digits", budget="60s")'
    assert text.count(call) == 1
    shown = _run(text.replace(call, 'netwright.search("mlp", "blobs", budget="1 candidates")'), tmp_path)
    assert "test accuracy" in shown
    use = "import torch, model; print(tuple(model.load('model.pt')(torch.zeros(2, 4)).shape))"
    assert _run(use, tmp_path) == "(2, 3)\n"


def test_the_loop_by_hand_that_it_is_compared_with(root, tmp_path):
    text = (root / "benchmarks" / "tutorial" / "plain_loop.py").read_text(encoding="utf-8")
    quick = text
    for much, little in [("range(10):", "range(1):"), ("targets, 10)", "targets, 1)"), ("targets, 30)", "targets, 1)")]:
        assert quick.count(much) == 1, much
        quick = quick.replace(much, little)
    assert "'kernel'" in _run(quick, tmp_path)
    assert (tmp_path / "model.pt").exists()


def test_six_lines_are_enough(root):
    command = [sys.executable, str(root / "benchmarks" / "tutorial_lines.py"), "--json"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    found = json.loads(shown[-1])
    assert found["met"] is True
    assert found["netwright_lines"] == 4
    assert "quickstart.py" in shown[0]


@pytest.mark.slow
def test_the_quickstart_as_it_is(root, tmp_path):
    shown = _run((root / "examples" / "quickstart.py").read_text(encoding="utf-8"), tmp_path)
    assert "test accuracy" in shown
