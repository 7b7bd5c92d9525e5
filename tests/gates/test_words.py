"""One word for one thing, and names that say what is inside (docs/concepts/glossary.md)."""

from __future__ import annotations

import ast
import re

FILES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "tools", "constants"}
CLASSES = re.compile(r"^_?Base[A-Z]|^_?Abstract[A-Z]|(Manager|Handler|Engine|Helper|Utils?|Mixin|Impl)$")
WORDS = {
    "config": "say what it holds: a space, an arch, options",
    "configs": "say what it holds: spaces, arches, options",
    "cfg": "say what it holds",
    "hparams": "training choices are part of the space",
    "trial": "candidate or record",
    "trials": "candidates or records",
    "dna": "arch",
    "individual": "arch or record",
    "individuals": "arches or records",
    "neighbor": "neighbour",
    "neighbors": "neighbours",
}


ADAPTERS = ("netwright.strategies.optuna_study", "netwright.integrations.")  # speak another package's language


def _defined(tree: ast.AST) -> list[tuple[str, int]]:
    """Names of functions, classes, arguments and plain variables that a tree defines."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.append((node.name, node.lineno))
        elif isinstance(node, ast.arg):
            found.append((node.arg, node.lineno))
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.append((node.id, node.lineno))
    return found


def _calls(tree: ast.AST, name: str) -> list[int]:
    """Lines with a call `name(...)` or `….name(...)`."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ((isinstance(node.func, ast.Name) and node.func.id == name)
             or (isinstance(node.func, ast.Attribute) and node.func.attr == name))
    ]  # fmt: skip


def test_file_names(package):
    found = [str(source.path) for source in package if source.path.stem in FILES]
    assert not found, f"a file is named after its one concept: {found}"


def test_class_names(package):
    found = [
        f"{source.path}:{node.lineno}: {node.name}"
        for source in package
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef) and CLASSES.search(node.name)
    ]
    assert not found, "protocols have the role's bare name, implementations the method's:\n" + "\n".join(found)


def test_words(package):
    found = [
        f"{source.path}:{line}: {name}: {WORDS[part]}"
        for source in package
        if not source.module.startswith(ADAPTERS)
        for name, line in _defined(source.tree)
        for part in name.lower().split("_")
        if part in WORDS
    ]
    assert not found, "\n".join(found)


def test_only_the_command_line_prints(package):
    found = [
        f"{source.path}:{line}"
        for source in package
        if source.module.split(".")[:2] != ["netwright", "cli"]
        for line in _calls(source.tree, "print")
    ]
    # rich.console.Console().print is the command line's too
    assert not found, f"use logging.getLogger(__name__): {found}"


def test_no_device_is_wired_in(package):
    found = [f"{source.path}:{line}" for source in package for line in _calls(source.tree, "cuda")]
    assert not found, f"a device is an argument: .to(device), not .cuda(): {found}"


GLOBAL_RANDOMNESS = re.compile(
    r"^(np|numpy)\.random\.(?!default_rng|Generator|SeedSequence|PCG64|get_state)|^random\.(?!getstate)\w+$"
    r"|^torch\.(cuda\.)?manual_seed(_all)?$"
)


def _global_randomness(tree: ast.AST) -> list[tuple[str, int]]:
    """Calls that draw from, or seed, a global generator; not those of a function that forks it first."""
    forked = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and _calls(node, "fork_rng")
        for inner in ast.walk(node)
    }
    return [
        (ast.unparse(node.func), node.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and id(node) not in forked and GLOBAL_RANDOMNESS.search(ast.unparse(node.func))
    ]


def test_nothing_touches_global_randomness(package):
    found = [f"{source.path}:{line}: {name}" for source in package for name, line in _global_randomness(source.tree)]
    assert not found, "use the rng that came in, or fork_rng around it:\n" + "\n".join(found)


def test_the_gate_on_randomness_finds_what_it_is_for():
    assert _global_randomness(ast.parse("np.random.rand(3)")) == [("np.random.rand", 1)]
    assert _global_randomness(ast.parse("torch.manual_seed(0)"))
    assert not _global_randomness(ast.parse("np.random.default_rng(3)"))
    assert not _global_randomness(
        ast.parse("def f():\n    with torch.random.fork_rng():\n        torch.manual_seed(0)")
    )
