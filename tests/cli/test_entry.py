"""Help, version, usage errors, exit codes: what every command has in common."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

import netwright as package
from netwright.cli.output import json_text, one_line, stdout_for_the_end

COMMANDS = ["search", "resume", "show", "report", "export", "list", "profile"]


def test_help_names_every_command(netwright):
    done = netwright("--help")
    assert done.code == 0
    assert done.err == ""
    assert all(re.search(rf"^  {command} +\S", done.out, re.MULTILINE) for command in COMMANDS)
    assert "..." not in done.out.replace("[ARGS]...", ""), "a summary is cut short"


def test_no_command_shows_the_help(netwright):
    assert netwright() == netwright("--help")


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(netwright, command):
    done = netwright(command, "-h")
    assert done.code == 0
    assert done.out.startswith(f"Usage: netwright {command}")
    # Each option and argument is explained.
    bare = re.findall(r"^  (?:--?[\w-]+,? ?)+(?: [A-Z]+)?$", done.out, re.MULTILINE)
    assert not bare


def test_version(netwright):
    assert netwright("--version").out == f"netwright {package.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["serch"], r"no such command 'serch'\..* See `netwright --help`\."),
        (["--colour"], r"no such option: --colour.* See `netwright --help`\."),
        (["search"], r"missing argument 'DATA'\. See `netwright search --help`\."),
        (["search", "digits", "wine"], r"got unexpected extra argument.*wine.*See `netwright search --help`"),
        (["search", "digits", "--budgt", "1m"], r"no such option: --budgt.*--budget"),
        (["search", "digits", "--seed"], r"option '--seed' requires an argument"),
        (["export", "runs/x"], r"missing argument 'FILE'"),
    ],
)
def test_wrong_usage_is_one_line(refuses, arguments, said):
    assert re.search(said, refuses(*arguments))


def test_the_module_is_the_command(shell):
    assert shell("--version").out == f"netwright {package.__version__}\n"
    done = shell("serch")
    assert done.code == 2
    assert "Traceback" not in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="pipes of Windows break in another way")
def test_a_reader_may_leave():
    """`netwright list | head -1`, with a reader that is gone before anything is written."""
    code = "import sys, time; sys.stdin.close(); time.sleep(0.2); from netwright.cli import main; sys.exit(main())"
    command = subprocess.Popen(
        [sys.executable, "-c", code, "list"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    command.stdout.close()
    command.stdin.close()
    with command.stderr:
        assert command.stderr.read() == b""
    assert command.wait() == 0


def test_a_terminal_of_few_letters_gets_no_traceback(shell):
    done = shell("list", PYTHONIOENCODING="ascii")
    assert done.code == 0, done.err


def test_one_line():
    assert one_line("a rule:\n  - one.\n  - two.\n") == "a rule: one; two."
    assert one_line("  just\tone  ") == "just one"
    assert "nothing is known" in one_line("")


def test_json_text_is_strict():
    numpy = pytest.importorskip("numpy")
    content = {"a": float("inf"), 1: (numpy.float64(2.5), numpy.int64(3)), "path": os.path, "none": None}
    assert json_text(content).startswith('{"a": null, "1": [2.5, 3], "path": "<module')


def test_stdout_is_kept_for_the_end(capfd):
    with stdout_for_the_end():
        print("from Python")
        os.write(1, b"from native code\n")
        subprocess.run([sys.executable, "-c", "print('from a worker')"], check=True)
    print("{}")
    captured = capfd.readouterr()
    assert captured.out == "{}\n"
    assert {"from Python", "from native code", "from a worker"} <= set(captured.err.splitlines())
