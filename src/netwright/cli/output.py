"""What the commands print: errors in one line, JSON that any parser reads, a stdout with nothing else in it."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["complain", "json_text", "one_line", "stdout_for_the_end"]


def complain(problem: Exception | str, *, kind: str = "error: ") -> None:
    """One line on stderr."""
    print(f"{kind}{one_line(str(problem))}", file=sys.stderr)


def one_line(text: str) -> str:
    r"""A message that lists several problems, in one line.

    Example:
        >>> one_line("The arch is not valid:\n  - a is missing.\n  - b is 3.")
        'The arch is not valid: a is missing; b is 3.'
    """
    lines = [" ".join(line.split()).removeprefix("- ") for line in text.splitlines()]
    first, *more = [line for line in lines if line] or ["something went wrong, and nothing is known about it."]
    return " ".join([first, "; ".join([line.rstrip(".") for line in more[:-1]] + more[-1:])]).strip()


def json_text(content: Any) -> str:
    """The content as one line of strict JSON: a number that JSON doesn't know becomes null.

    Example:
        >>> json_text({"loss": float("nan"), "shape": (1, 2)})
        '{"loss": null, "shape": [1, 2]}'
    """
    return json.dumps(_strict(content), allow_nan=False)


def _strict(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {str(key): _strict(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_strict(value) for value in content]
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if content is None or isinstance(content, (str, int)):
        return content
    if hasattr(content, "item"):  # a number of numpy's or torch's
        return _strict(content.item())
    return str(content)


@contextlib.contextmanager
def stdout_for_the_end() -> Iterator[None]:
    """Whatever is printed meanwhile goes to stderr: by this process, by native code, by workers."""
    sys.stdout.flush()
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        with contextlib.suppress(OSError):  # without a stdout or stderr there is nothing to keep clean
            kept = os.dup(1)
            stack.callback(os.close, kept)
            os.dup2(2, 1)
            stack.callback(os.dup2, kept, 1)
        yield
