"""Files and functions stay readable: limits, not aims."""

from __future__ import annotations

import ast

FILE_LINES = 500
FUNCTION_LINES = 80  # without the docstring: examples are welcome
FRAME_LINES = 1_800  # core/ and loop.py together: an hour's reading
DECISION_LINES = 60


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    start = function.lineno
    if ast.get_docstring(function) is not None:
        start = function.body[0].end_lineno
    return function.end_lineno - start + 1


def test_files(own_python):
    long = {str(source.path): source.text.count("\n") for source in own_python}
    long = {path: lines for path, lines in long.items() if lines > FILE_LINES}
    assert not long, f"more than {FILE_LINES} lines, which is more than one concept: {long}"


def test_functions(own_python):
    long = [
        f"{source.path}:{node.lineno}: {node.name} has {_length(node)} lines"
        for source in own_python
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _length(node) > FUNCTION_LINES
    ]
    assert not long, f"more than {FUNCTION_LINES} lines:\n" + "\n".join(long)


def test_the_frame_is_readable_in_an_hour(package):
    frame = [source for source in package if source.module.startswith(("netwright.core", "netwright.loop"))]
    total = sum(source.text.count("\n") for source in frame)
    assert total <= FRAME_LINES, f"core/ and loop.py have {total} lines together"


def test_decisions_are_short(root):
    long = {
        path.name: lines
        for path in (root / "docs" / "decisions").glob("[0-9]*.md")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > DECISION_LINES
    }
    assert not long, f"a decision has {DECISION_LINES} lines at most: {long}"
