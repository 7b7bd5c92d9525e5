"""A hook of MkDocs: pages made from the code at build time, so that nothing is forgotten.

One API page for each unit of the package, and the lists of the spaces, data sets and methods that are registered.
"""

from __future__ import annotations

import ast
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from netwright.core import registry

PACKAGE = Path(__file__).parents[1] / "src" / "netwright"


def _docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def _exports(path: Path) -> list[str]:
    """The names in a literal `__all__`."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return [str(name) for name in ast.literal_eval(node.value)]
    return []


def _modules(unit: Path) -> list[Path]:
    """The public files of a unit that define something, in the order of their names."""
    if unit.is_file():
        return [unit]
    files = sorted(path for path in unit.rglob("*.py") if not path.stem.startswith("_"))
    return [path for path in files if _exports(path)]


def _page(unit: Path) -> str:
    name = f"netwright.{unit.stem}"
    docstring = _docstring(unit / "__init__.py" if unit.is_dir() else unit)
    lines = [f"# {name}", "", docstring, ""]
    for path in _modules(unit):
        module = ".".join(("netwright", *path.relative_to(PACKAGE).with_suffix("").parts))
        if unit.is_dir():
            lines += [f"## {module}", "", _docstring(path), ""]
        for item in _exports(path):
            lines += [f"::: {module}.{item}", "    options:", f"      heading_level: {3 if unit.is_dir() else 2}", ""]
    return "\n".join(lines)


def _registered() -> str:
    """The names that the command line knows, from the registries."""
    lines = [
        "# What can be named",
        "",
        "On the command line and in `netwright.search`; `netwright list` shows the same.",
        "",
    ]
    for found in (registry.spaces, registry.tasks, registry.methods, registry.benchmarks):
        lines += [f"## {found.kind.capitalize()}s", "", "| name | what it is |", "|---|---|"]
        lines += [f"| `{name}` | {found.summary(name)} |" for name in found]
        lines.append("")
    return "\n".join(lines)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    units = sorted(path for path in PACKAGE.iterdir() if not path.name.startswith(("_", ".")))
    units = [path for path in units if (path.is_dir() and (path / "__init__.py").exists()) or path.suffix == ".py"]
    rows = []
    for unit in units:
        files.append(File.generated(config, f"api/{unit.stem}.md", content=_page(unit)))
        summary = _docstring(unit / "__init__.py" if unit.is_dir() else unit).partition("\n")[0]
        rows.append(f"| [`netwright.{unit.stem}`]({unit.stem}.md) | {summary} |")
    files.append(File.generated(config, "api/registered.md", content=_registered()))
    index = "\n".join(
        [
            "# API",
            "",
            "[What can be named](registered.md) on the command line.",
            "",
            "| unit | what it holds |",
            "|---|---|",
            *rows,
            "",
        ]
    )
    files.append(File.generated(config, "api/index.md", content=index))
    return files
