"""The README and every page of the docs do what they say.

The python blocks of a page, one after the other, are one script; it runs in a process of its own, in an empty folder.
Then the page's commands (`netwright ...` in bash and console blocks) run in that folder, in their order.
A comment above a block says what else there is to know:

    <!-- not run: needs a cluster -->     this block is not run, for this reason
    <!-- slow: trains for a minute -->    this block runs with `pytest -m slow` only (then the whole page does)
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(
    r"(?:^[ ]*<!--\s*(?P<mark>not run|slow):\s*(?P<reason>.+?)\s*-->\s*\n)?"
    r"^(?P<indent>[ ]*)```(?P<language>python|bash|console)[^\n]*\n(?P<text>.*?)^(?P=indent)```[ ]*$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    text: str
    line: int
    mark: str | None

    @property
    def commands(self) -> list[str]:
        """The lines that call the command line: `netwright ...`, `.venv/bin/netwright ...` or `$ netwright ...`."""
        joined = self.text.replace("\\\n", " ")
        pieces = [piece.strip() for line in joined.splitlines() for piece in line.split("&&")]
        return [match[1] for piece in pieces if (match := re.match(r"(?:\$ )?(?:\.venv/bin/)?(netwright\b.*)", piece))]


def _blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            match["language"],
            re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE),
            text.count("\n", 0, match.start("text")) + 1,
            match["mark"],
        )
        for match in BLOCK.finditer(text)
    ]


def _run_blocks(page: Path, *, slow: bool) -> list[Block]:
    """The blocks of a page that are run, with or without the slow ones."""
    blocks = [block for block in _blocks(page) if block.mark is None or (slow and block.mark == "slow")]
    return [block for block in blocks if block.language == "python" or block.commands]


SLOW_PAGES = {
    "docs/guides/cell-spaces.md",
    "docs/guides/early-stopping.md",
    "docs/guides/gradient-based.md",
    "docs/guides/multi-fidelity.md",
    "docs/guides/proxies.md",
    "docs/guides/weight-sharing.md",
    "docs/methods/predictors.md",
}  # each trains for several seconds


def _pages() -> list:
    pages = []
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        name = str(path.relative_to(ROOT))
        quick, whole = (_run_blocks(path, slow=slow) for slow in (False, True))
        if quick:
            pages.append(pytest.param(path, False, id=name, marks=pytest.mark.slow if name in SLOW_PAGES else ()))
        if len(whole) > len(quick):
            pages.append(pytest.param(path, True, id=f"{name}, whole", marks=pytest.mark.slow))
    return pages


def _run(command: list[str] | str, folder: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    shell = isinstance(command, str)
    done = subprocess.run(
        command,
        shell=shell,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


@pytest.mark.parametrize(("page", "slow"), _pages())
def test_page(page, slow, tmp_path):
    blocks = _run_blocks(page, slow=slow)
    python = [block for block in blocks if block.language == "python"]
    if python:
        script = tmp_path / "page.py"
        script.write_text("\n\n".join(block.text for block in python), encoding="utf-8")
        _run([sys.executable, "-W", "error::DeprecationWarning:__main__", str(script)], tmp_path)
        script.unlink()
    commands = [command for block in blocks for command in block.commands]
    if commands and shutil.which("netwright", path=str(Path(sys.executable).parent)) is None:
        pytest.fail("the command `netwright` is not installed beside this Python: pip install -e '.[test]'")
    for command in commands:
        _run(command, tmp_path)


def test_the_readme_says_how_to_install_and_how_to_test():
    """`.ci/run` takes the test command from here, so the two can't drift apart."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for heading, expected in [
        ("## Install and run", ["python3 -m venv", "-c constraints.txt", "netwright search digits --budget 60s"]),
        ("## Run the tests", ["python3 -m venv", "-c constraints.txt", "-m pytest"]),
    ]:
        section = text.split(f"\n{heading}\n")[1].split("\n## ")[0]
        block = re.search(r"```bash\n(.*?)```", section, re.DOTALL)[1]
        assert all(part in block for part in expected), (heading, block)


def test_every_link_inside_the_readme_leads_somewhere():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) if "://" not in link]
    missing = [link for link in links if not (ROOT / link).exists()]
    assert not missing


def test_the_runner_sees_marks_and_commands(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nx = 1\n```\n\n<!-- not run: needs a cluster -->\n```python\n1 / 0\n```\n\n"
        "- a list\n\n    ```bash\n    python3 -m venv .venv && .venv/bin/netwright search \\\n      digits\n"
        "    $ netwright list\n    ```\n",
        encoding="utf-8",
    )
    first, second, third = _blocks(page)
    assert (first.text, first.line, first.mark) == ("x = 1\n", 2, None)
    assert second.mark == "not run"
    assert [" ".join(command.split()) for command in third.commands] == ["netwright search digits", "netwright list"]
