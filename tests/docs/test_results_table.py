"""The README's figures are those of benchmarks/results."""

from __future__ import annotations

import importlib.util
import json
import sys
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def tool(root) -> ModuleType:
    spec = importlib.util.spec_from_file_location("results_table", root / "tools" / "results_table.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


# As small as the scripts' objects can be.
FOUND = {
    "main_job": {"digits": {"test_accuracy_median": 0.9861, "wall_seconds_longest": 58.04, "seeds": 3}},
    "training_throughput": {
        "ratio": 2.5,
        "evaluator_images_per_second": 10_000.0,
        "plain_images_per_second": 4_000.0,
        "precision": "float32",
        "accuracy_difference": -0.0012,
    },
    "loop_overhead": {
        "costs": {
            "random, memory": {"median_ms": 0.02},
            "evolution, memory": {"median_ms": 0.025},
            "random, sqlite": {"median_ms": 0.1},
            "evolution, sqlite": {"median_ms": 0.11},
        },
        "growth": {"random, memory": {"growth": 1.1}, "evolution, sqlite": {"growth": 1.3}},
        "optuna_against_ours": None,
    },
    "import_time": {"on_top_of_numpy_seconds": 0.0512, "help_seconds": 0.3},
    "kill_resume": {"n_same": 20, "n_kills": 20},
    "tutorial_lines": {
        "netwright_lines": 4,
        "plain_loop_lines": 36,
        "published_lines": {"plain loop": 36, "NNI": 60, "AutoKeras": 11},
    },
    "workers_speedup": {"speedup_over_one_thread": 1.8, "speedup_over_two_threads": 1.25},
    "controller_learns": {"seeds": 40, "methods": {"reinforce": {"met": 0.975}, "ppo": {"met": 1.0}}},
    "nb101_ranking": {"seeds": 20, "methods": {"auto": {"mean_rank": 1.2}, "random": {"mean_rank": 3.9}}},
    "predictors": {
        "predictors": {"gp": {"tau_32": 0.674, "tau_128": 0.809, "tau_1024": 0.892, "cold_seconds": 2.31}},
        "best": "gp",
    },
}


def test_the_readme_has_the_table_of_the_results(tool, root):
    text = (root / "README.md").read_text(encoding="utf-8")
    assert tool.with_table(text, tool.table(tool.results(), tool.machine())) == text, (
        "the README's figures are not those of benchmarks/results: python tools/results_table.py --write"
    )


def test_every_benchmark_is_in_the_table_and_every_result_has_its_script(tool, root):
    scripts = {path.stem for path in (root / "benchmarks").glob("*.py")}
    assert {row.script for row in tool.ROWS} == scripts
    assert set(tool.results()) <= scripts


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("search digits", "98.61 % (median of 3 seeds), at most 58.0 s"),
        ("search fashion-mnist", "not measured yet"),
        ("of NAS-Bench-101", "1.20 (3.90 random; 20 seeds)"),
        ("training, against", "2.50 times (10,000 against 4,000 images/s, float32)"),
        ("its accuracy", "-0.12 points"),
        ("in memory", "0.020 / 0.025 ms"),
        ("SQLite", "0.100 / 0.110 ms"),
        ("Optuna", "not measured yet"),
        ("20,000 records", "1.30 times at most"),
        ("import netwright", "51 ms"),
        ("--help", "300 ms"),
        ("killed", "20 of 20"),
        ("lines of code", "4 (36 with torch alone, NNI 60, AutoKeras 11)"),
        ("`reinforce` / `ppo`", "97.5 / 100.0 % of 40 seeds"),
        ("best predictor", "0.67 / 0.81 / 0.89, 2.3 s (gp)"),
        ("2 workers", "1.80 / 1.25 times"),
    ],
)
def test_figures_as_people_read_them(tool, what, value):
    line = next(line for line in tool.table(FOUND).splitlines() if what in line)
    assert f" | {value} | " in line


def test_results_come_from_the_files(tool, tmp_path):
    (tmp_path / "kill_resume.json").write_text(json.dumps({"n_same": 3, "n_kills": 4}))
    (tmp_path / "machine.txt").write_text("two cores.\n")
    assert "| 3 of 4 |" in tool.table(tool.results(tmp_path))
    assert tool.table({}, tool.machine(tmp_path)).endswith("\n\nMeasured on two cores.")
    assert tool.machine(tmp_path / "nowhere") == ""


def test_a_page_without_a_place_for_the_table(tool):
    with pytest.raises(ValueError, match="the page needs a line"):
        tool.with_table("# A page", "| a |")
