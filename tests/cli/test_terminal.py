"""On a terminal: the live view runs, goes away, and leaves a readable result."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

pty = pytest.importorskip("pty", reason="pseudo-terminals are Unix")

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


def _on_a_terminal(folder, *arguments: str, **environment: str) -> tuple[int, str]:
    """Exit code and all that was written to a terminal of 100 columns."""
    ours, theirs = pty.openpty()
    command = subprocess.Popen(
        [sys.executable, "-m", "netwright", *arguments],
        cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True,
        env={**os.environ, "COLUMNS": "100", "LINES": "30", "TERM": "xterm", **environment},
    )  # fmt: skip
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # what Linux says when the other side is closed
            break
        if not part:
            break
        written += part
    os.close(ours)
    return command.wait(), written.decode()


@pytest.fixture
def searching(tmp_path):
    """The arguments of a quick search."""
    space = "Space(nn.Sequential(nn.LazyLinear(choice([8, 16])), nn.ReLU(), nn.LazyLinear(n_outputs)), name='small')"
    text = f"from netwright import Space, choice, n_outputs, nn\nspace = {space}\n"
    (tmp_path / "own.py").write_text(text, encoding="utf-8")
    return ("search", "blobs", "--space", "own.py:space", "--budget", "2 candidates")


def test_the_live_view_comes_and_goes(tmp_path, searching):
    code, written = _on_a_terminal(tmp_path, *searching)
    assert code == 0, written
    plain = ESCAPES.sub("", written)
    assert "blobs, space small (2 arches), method auto, budget 2 candidates, seed 0" in plain
    assert "192 examples to train" in plain, "what was found out about the data is said"
    assert "of 2 candidates" in plain
    assert written.count("\x1b[?25l") == written.count("\x1b[?25h"), "the cursor is shown again"
    # After the last line that is wiped out there is the summary and nothing else.
    last = ESCAPES.sub("", written.rpartition("\x1b[2K")[2])
    assert last.startswith("The best of 2 candidates"), last
    assert "report.html" in last
    assert "━" not in last
    # What is shown of a run fits the terminal, too.
    code, written = _on_a_terminal(tmp_path, "show", "runs/blobs", COLUMNS="60")
    assert code == 0
    lines = ESCAPES.sub("", written).splitlines()
    assert max(map(len, lines)) <= 80, lines
    assert any("…" in line for line in lines), "decisions are cut off rather than wrapped"


def test_quiet_on_a_terminal_that_can_do_nothing(tmp_path, searching):
    code, written = _on_a_terminal(tmp_path, *searching, "--quiet", TERM="dumb")
    assert code == 0, written
    assert written.startswith("The best of 2 candidates")
    assert "\x1b" not in written


def test_errors_are_one_line_here_too(tmp_path):
    code, written = _on_a_terminal(tmp_path, "search", "digts")
    assert code == 2
    assert len(written.splitlines()) == 1


def test_a_comparison_shows_how_far_it_is(tmp_path):
    code, written = _on_a_terminal(tmp_path, "bench", "digits-cnn", "--methods", "random,grid", "--seeds", "2")
    assert code == 0, written
    assert re.search(r"\d of 4 runs", ESCAPES.sub("", written))
    last = ESCAPES.sub("", written.rpartition("\x1b[2K")[2])
    assert last.startswith("digits-cnn"), last
    assert "over 2 seeds" in last
    assert "━" not in last
