"""Nothing of one machine is committed, and the version is the same wherever it is written."""

from __future__ import annotations

import re

TEXT = {".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".cfg", ".json", ".html", ".css", ".sh", ""}
# A path of one machine, or the address of one package registry. Written so that this file doesn't match itself.
MACHINE = re.compile(
    r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+|tmp/venv|opt/wheels)/|\bpypi\.org/(?:simple|project)|--index-url"
)


def test_no_path_of_a_machine(root, own_files):
    found = []
    for path in own_files:
        if path.suffix not in TEXT or path == root / "tests" / "gates" / "test_hygiene.py":
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if MACHINE.search(line):
                found.append(f"{path.relative_to(root)}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


def test_no_large_file(root, own_files):
    large = {str(path.relative_to(root)): path.stat().st_size for path in own_files if path.stat().st_size > 1_000_000}
    assert not large, f"more than 1 MB: {large}"


def test_one_version(root):
    version = re.search(r'^version = "([^"]+)"', (root / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)[1]
    front = (root / "src" / "netwright" / "__init__.py").read_text(encoding="utf-8")
    assert f'__version__ = "{version}"' in front
    changes = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{version}]" in changes, f"CHANGELOG.md says nothing of {version}"
    assert "## [Unreleased]" in changes


def test_the_licence_is_whole(root):
    text = (root / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
