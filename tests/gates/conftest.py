"""The sources as syntax trees, read once for all gates."""

from __future__ import annotations

import ast
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Source:
    """One Python file."""

    path: Path  # relative to the repository
    module: str  # dotted name, "" outside the package
    text: str
    tree: ast.Module


def _source(root: Path, path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    relative = path.relative_to(root)
    parts = relative.with_suffix("").parts
    module = ".".join(parts[1:]).removesuffix(".__init__") if parts[0] == "src" else ""
    return Source(relative, module, text, ast.parse(text, str(relative)))


@pytest.fixture(scope="session")
def package(root: Path) -> list[Source]:
    """Every file of the package."""
    return [_source(root, path) for path in sorted((root / "src" / "netwright").rglob("*.py"))]


@pytest.fixture(scope="session")
def own_python(root: Path, package: list[Source]) -> list[Source]:
    """Every Python file of the repository: the package, tests, benchmarks, examples, tools, docs."""
    folders = ("tests", "benchmarks", "examples", "tools", "docs")
    return package + [_source(root, path) for folder in folders for path in sorted((root / folder).rglob("*.py"))]


@pytest.fixture(scope="session")
def own_files(root: Path) -> list[Path]:
    """Every file that git keeps, or would keep."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"not a git checkout: {done.stderr.strip()}")
    return [root / line for line in done.stdout.splitlines() if (root / line).is_file()]
