"""Kill -9 of real processes: the benchmark's own check, with a few kills."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_searches_go_on_as_if_they_had_not_been(root):
    command = [sys.executable, root / "benchmarks" / "kill_resume.py", "--quick", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["n_kills"] == 3
    assert found["met"], done.stdout


@pytest.mark.slow
def test_the_loop_overhead_can_be_measured(root):
    """That the script runs; what it measures is no matter of a test."""
    command = [sys.executable, root / "benchmarks" / "loop_overhead.py", "--quick", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found["growth"]) == {
        f"{name}, {where}" for name in ("random", "evolution") for where in ("memory", "sqlite")
    }
