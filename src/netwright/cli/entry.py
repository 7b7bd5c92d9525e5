"""`main`: one command from its arguments to its exit code.

What goes wrong on a user's side (a `NetwrightError`, a wrong option, a file that can't be written) is one line on
stderr and exit code 2; Ctrl-C ends with 130; a reader that has seen enough (`| head`) ends the command quietly.
Anything else is a bug of ours and shows its traceback.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

from netwright.cli.output import complain
from netwright.core.errors import NetwrightError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: what follows `netwright`; the process's own if not given.

    Returns:
        The exit code: 0, 2 for what the user can put right, 130 after Ctrl-C.

    Example:
        >>> main(["--version"])
        netwright ...
        0
    """
    # A budget counts from the start of the process: what it has computed so far, it has spent on imports.
    started = time.time() - (time.process_time() if arguments is None else 0.0)
    if arguments is None:
        # Read when torch is loaded: how long a thread spins while it waits for others. The usual 300,000 rounds slow
        # training a hundredfold as soon as another program wants the same cores; none at all cost a third on idle ones.
        if "OMP_WAIT_POLICY" not in os.environ:
            os.environ.setdefault("GOMP_SPINCOUNT", "2000")
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # a terminal that knows no "×" shows a "?", and no traceback
                stream.reconfigure(errors="replace")
    try:
        code = _run(sys.argv[1:] if arguments is None else list(arguments), started)
        sys.stdout.flush()
    except NetwrightError as error:
        complain(error)
        return 2
    except KeyboardInterrupt:
        complain("stopped by Ctrl-C.", kind="")
        return 130
    except BrokenPipeError:
        # What is still in the buffer can't be written: else Python says so when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.filename is None:
            raise
        complain(
            f"{error.strerror}: {error.filename2 or error.filename}."
        )  # a full disk, a folder that is closed to us
        return 2
    return code


def _run(arguments: list[str], started: float) -> int:
    from netwright.cli.app import app

    try:
        # Only parsed here; a command returns what is to be done, so that its errors don't pass through typer.
        action = app(arguments or ["--help"], standalone_mode=False, prog_name="netwright", obj=started)
    except Exception as error:
        # Typer's own errors, by what they offer: older versions take them from click, newer ones have a copy.
        text = getattr(error, "format_message", None)
        if text is None:
            raise
        context = getattr(error, "ctx", None)
        command = getattr(context, "command_path", "netwright")
        said = str(text())
        end = "" if said.endswith((".", "?", "!")) else "."
        complain(f"{said[:1].lower()}{said[1:]}{end} See `{command} --help`.")
        return 2
    return int(action()) if callable(action) else int(action or 0)
