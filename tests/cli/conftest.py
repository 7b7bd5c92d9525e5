"""What the tests of the command line share: a command in this process, and one in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from netwright.cli import main


@dataclass(frozen=True)
class Done:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


@pytest.fixture
def netwright(capsys, tmp_path, monkeypatch) -> Callable[..., Done]:
    """Run a command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Done:
        capsys.readouterr()
        code = main(arguments)
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return run


@pytest.fixture
def shell(tmp_path) -> Callable[..., Done]:
    """Run a command in a process of its own, in an empty folder."""

    def run(*arguments: str, **environment: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "netwright", *arguments],
            cwd=tmp_path,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def refuses(netwright) -> Callable[..., str]:
    """Run a command that can't work: exit code 2, nothing on stdout, and one line on stderr, which is returned."""

    def run(*arguments: str) -> str:
        done = netwright(*arguments)
        assert done.code == 2, done
        assert done.out == "", done.out
        lines = done.err.splitlines()
        assert len(lines) == 1, done.err
        assert lines[0].startswith("error: "), done.err
        return lines[0].removeprefix("error: ")

    return run
