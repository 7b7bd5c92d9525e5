"""`import netwright` and `netwright --help` stay light: no heavy package is imported before something needs it."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"torch", "sklearn", "scipy", "pandas", "pyarrow", "plotly", "networkx", "onnx", "onnxruntime", "PIL", "optuna"}
FOR_THE_COMMAND_LINE = {"rich", "typer", "click"}


def _modules_after(code: str) -> set[str]:
    """The top-level packages that a fresh process has imported after `code`."""
    ending = "\nimport sys; sys.stderr.write('\\n' + ' '.join({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code + ending], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


def test_import_is_light():
    modules = _modules_after("import netwright")
    assert "netwright" in modules
    assert not modules & (HEAVY | FOR_THE_COMMAND_LINE)


@pytest.mark.parametrize(
    "unit", ["core", "spaces", "spaces.zoo", "tasks", "runtime", "predictors", "strategies", "methods"]
)
def test_units_without_models_are_light(unit):
    assert not _modules_after(f"import netwright.{unit}") & (HEAVY | FOR_THE_COMMAND_LINE)


def test_help_is_light():
    code = """
import sys
sys.argv = ["netwright", "--help"]
from netwright.cli import main
try:
    code = main()
except SystemExit as stop:
    code = stop.code
assert not code, code
"""
    assert not _modules_after(code) & HEAVY


def test_every_public_name_exists():
    """Lazy names can go stale without anybody noticing: resolve each."""
    code = """
import netwright
missing = [name for name in netwright.__all__ if not hasattr(netwright, name)]
assert netwright.__all__, "the front door is empty"
assert not missing, missing
assert set(netwright.__all__) <= set(dir(netwright)), "lazy names must be in dir()"
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
