"""`netwright report` and `netwright export`: files out of a run folder."""

from __future__ import annotations

from pathlib import Path

from netwright.core.errors import InvalidInput

__all__ = ["export", "report"]


def report(folder: str, *, out: str | None = None) -> int:
    """Write the report of a search and print where it is."""
    from netwright.automl import load_result

    result = load_result(folder)
    print(result.report(Path(out) if out else Path(folder) / "report.html"))
    return 0


def export(folder: str, file: str) -> int:
    """Write the best network of a search and print which files were written.

    Raises:
        InvalidInput: if the name doesn't end in .py or .onnx.
    """
    if Path(file).suffix.lower() not in (".py", ".onnx"):
        raise InvalidInput(f"a network is exported to NAME.py or NAME.onnx, but got {file!r}.")
    from netwright.automl import load_result

    for path in load_result(folder).export(Path(file)):
        print(path)
    return 0
