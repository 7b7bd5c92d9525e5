"""Imports point one way: a unit imports only from lower levels, inside functions too."""

from __future__ import annotations

import ast

LEVELS = {
    "core": 0,
    "spaces": 1, "tasks": 1, "runtime": 1,
    "models": 2, "predictors": 2, "loop": 2,
    "strategies": 3, "evaluators": 3,
    "oneshot": 4,
    "methods": 5,
    "benchmarks": 6, "reports": 6,
    "automl": 7, "testing": 7, "integrations": 7,
    "cli": 8,
    "": 9, "__main__": 9,  # the front door, `netwright/__init__.py`: nothing inside imports from it
}  # fmt: skip


def _unit(module: str) -> str:
    """`netwright.core.arch` → `core`; the package itself → the empty name."""
    return module.split(".")[1] if "." in module else ""


def _imported(tree: ast.AST) -> list[tuple[str, int]]:
    """The modules of netwright that a tree imports anywhere, with the line."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "netwright":
            # The version is data, set before anything is imported.
            found += [(f"netwright.{alias.name}", node.lineno) for alias in node.names if alias.name != "__version__"]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.module or ".", node.lineno))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module") and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                found.append((first.value, node.lineno))
    return [(name, line) for name, line in found if name.split(".")[0] in ("netwright", "")]


def _problems(path: str, module: str, tree: ast.AST) -> list[str]:
    unit = _unit(module)
    if unit not in LEVELS:
        return [f"{path}: the unit {unit!r} is new: give it a level in LEVELS"]
    problems = []
    for imported, line in _imported(tree):
        other = _unit(imported)
        if imported.startswith("."):
            problems.append(f"{path}:{line}: imports are absolute here")
        elif other not in LEVELS:
            problems.append(f"{path}:{line}: `{imported}` is no unit; import it from the unit that defines it")
        elif other != unit and LEVELS[other] >= LEVELS[unit]:
            problems.append(
                f"{path}:{line}: `{unit}` (level {LEVELS[unit]}) imports `{imported}` (level {LEVELS[other]}): "
                "only lower levels may be imported"
            )
    return problems


def test_imports_point_to_lower_levels(package):
    problems = [problem for source in package for problem in _problems(str(source.path), source.module, source.tree)]
    assert not problems, "\n".join(problems)


def test_the_gate_finds_what_it_is_for():
    """The same check on code that breaks the rule in each way."""
    for code, expected in [
        ("import netwright.loop", "level 2"),
        ("def late():\n    from netwright.strategies.random import Random", "level 3"),
        ("from netwright import Space", "is no unit"),
        ("from netwright.tasks import Task", "level 1"),  # the same level
        ("from . import other", "absolute"),
        ("import importlib\nimportlib.import_module('netwright.cli')", "level 8"),
    ]:
        problems = _problems("x.py", "netwright.spaces.x", ast.parse(code))
        assert len(problems) == 1, code
        assert expected in problems[0], code
    assert not _problems("x.py", "netwright.spaces.x", ast.parse("import numpy\nfrom netwright.core import Arch"))
    assert "LEVELS" in _problems("x.py", "netwright.newcomer.x", ast.parse(""))[0]
