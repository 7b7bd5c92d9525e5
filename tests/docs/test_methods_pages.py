"""The pages of the methods leave none out, nor the spaces."""

from __future__ import annotations

import re

from netwright.core.registry import methods, spaces


def test_every_method_is_in_the_table(root):
    text = (root / "docs" / "methods" / "index.md").read_text(encoding="utf-8")
    rows = {name for row in re.findall(r"^\|(.*?)\|", text, re.MULTILINE) for name in re.findall(r"`([\w-]+)`", row)}
    missing = [name for name in methods if name.replace("_", "-") not in rows]
    assert not missing, f"a new method: add it to docs/methods/index.md, with its paper and when to use it: {missing}"


def test_every_method_is_in_the_readme(root):
    text = (root / "README.md").read_text(encoding="utf-8")
    missing = [name for name in methods if f"`{name.replace('_', '-')}`" not in text]
    assert not missing, f"a new method: name it in the README's table: {missing}"


def test_every_space_is_in_both_tables(root):
    for page in ("docs/methods/index.md", "README.md"):
        rows = re.findall(r"^\|(.*?)\|", (root / page).read_text(encoding="utf-8"), re.MULTILINE)
        named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
        missing = [name for name in spaces if name not in named]
        assert not missing, f"a new space: add it to the table of spaces in {page}: {missing}"
