"""How many lines a user writes for the tutorial's search: convolutional networks for MNIST-like images.

    python benchmarks/tutorial_lines.py [--json]

Counted are the non-blank lines of a script that runs as it is, without its docstring and comments: with netwright
examples/quickstart.py, with torch alone benchmarks/tutorial/plain_loop.py. The rows marked "as published" were counted
once, in scripts that aren't part of this repository: a plain loop written by somebody else, and the tutorials of NNI
(with its training function) and AutoKeras. The bar: 6 lines.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import tokenize
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BAR_LINES = 6
OURS = "examples/quickstart.py"
BY_HAND = "benchmarks/tutorial/plain_loop.py"
PUBLISHED = {"plain loop": 36, "NNI": 60, "AutoKeras": 11}


def code_lines(text: str) -> int:
    r"""The lines that hold code: no blank line, comment or docstring of the module.

    Example:
        >>> code_lines("'''What it does.'''\n\n# why\nx = (1 +\n     2)\n")
        2
    """
    quiet = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in quiet:
            lines.update(range(token.start[0], token.end[0] + 1))
    module = ast.parse(text)
    if ast.get_docstring(module) is not None:
        docstring = module.body[0]
        lines -= set(range(docstring.lineno, (docstring.end_lineno or docstring.lineno) + 1))
    return len(lines)


def measure() -> dict[str, Any]:
    """The counts, and whether ours is under the bar."""
    ours, by_hand = (code_lines((ROOT / name).read_text(encoding="utf-8")) for name in (OURS, BY_HAND))
    return {
        "netwright_lines": ours,
        "plain_loop_lines": by_hand,
        "published_lines": PUBLISHED,
        "ratio_to_plain_loop": by_hand / ours,
        "met": ours <= BAR_LINES,
    }


def main() -> None:
    """Count, print a table and, with `--json`, one JSON object as the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    found = measure()
    print(f"{'netwright':<12}{found['netwright_lines']:>4} lines   {OURS} (bar: {BAR_LINES})")
    print(f"{'by hand':<12}{found['plain_loop_lines']:>4} lines   {BY_HAND}")
    for name, lines in PUBLISHED.items():
        print(f"{name:<12}{lines:>4} lines   as published")
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
