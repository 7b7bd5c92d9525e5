"""The examples do what they say; on smaller budgets, so that they are quick."""

from __future__ import annotations

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


def _quick(root, name: str, *changes: tuple[str, str]) -> str:
    text = (root / "examples" / name).read_text(encoding="utf-8")
    for much, little in changes:
        assert text.count(much) == 1, much
        text = text.replace(much, little)
    return text


def test_every_example_has_a_test(root):
    assert {path.name for path in (root / "examples").glob("*.py")} == {
        "quickstart.py", "own_space.py", "compare_methods.py", "search_cells.py"
    }  # fmt: skip


def test_a_space_of_ones_own(root, tmp_path):
    plan = ', plan=netwright.TrainingPlan(epochs=2), budget="2 candidates"'
    shown = _run(_quick(root, "own_space.py", (', budget="90s"', plan), ('"digits"', '"stripes"')), tmp_path)
    assert "params<=20k" in shown
    assert "test accuracy" in shown
    assert " parameters: 0." in shown or " parameters: 1." in shown
    assert (tmp_path / "small.py").exists()


def test_methods_compared(root, tmp_path):
    text = _quick(
        root, "compare_methods.py", ('BUDGET, SEEDS = "150 candidates", 10', 'BUDGET, SEEDS = "40 candidates", 3')
    )
    shown = _run(text, tmp_path)
    rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines()[3:]}
    assert {"auto", "grid", "local_search", "random", "regularized_evolution"} <= set(rows)
    assert float(rows["local_search"][0]) < float(rows["grid"][0])


@pytest.mark.slow
def test_cells_found_by_gradients(root, tmp_path):
    plan = ', plan=netwright.TrainingPlan(epochs=1), budget="1 candidates"'
    changes = [(', budget="150s"', plan), ('"digits"', '"stripes"'), ("darts(channels=8", "darts(channels=4")]
    shown = _run(_quick(root, "search_cells.py", *changes), tmp_path)
    assert "Genotype(normal=[" in shown
    assert " parameters with twice the channels and cells" in shown


@pytest.mark.slow
@pytest.mark.parametrize("name", ["own_space.py", "compare_methods.py", "search_cells.py"])
def test_the_examples_as_they_are(root, tmp_path, name):
    assert _run((root / "examples" / name).read_text(encoding="utf-8"), tmp_path)
