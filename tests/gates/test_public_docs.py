"""Everything public says what it is, and what the front door offers shows how it is used."""

from __future__ import annotations

import ast
import importlib
import inspect
import types


def _public(tree: ast.Module) -> set[str]:
    """The names in `__all__`, or every name without an underscore."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            value = node.value
            if isinstance(value, ast.List | ast.Tuple):
                return {ast.literal_eval(item) for item in value.elts if isinstance(item, ast.Constant)}
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    }


def test_modules_say_what_they_are(package):
    bare = [str(source.path) for source in package if not ast.get_docstring(source.tree)]
    assert not bare, f"no docstring: {bare}"


def test_public_items_have_docstrings(package):
    bare = [
        f"{source.path}:{node.lineno}: {node.name}"
        for source in package
        for node in source.tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.name in _public(source.tree)
        and not ast.get_docstring(node)
    ]
    assert not bare, "no docstring:\n" + "\n".join(bare)


def test_docstrings_start_with_one_sentence(package):
    wrong = []
    for source in package:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and (text := ast.get_docstring(node)):
                first, _, rest = text.partition("\n")
                if rest and rest.split("\n")[0].strip():
                    wrong.append(f"{source.path}:{node.lineno}: {node.name}: {first}")
    assert not wrong, "the first line is one sentence, then an empty line:\n" + "\n".join(wrong)


def test_what_the_front_door_offers_has_an_example():
    front = importlib.import_module("netwright")
    bare = []
    for name in front.__all__:
        item = getattr(front, name)
        if isinstance(item, types.ModuleType) or not callable(item):
            continue
        if inspect.isclass(item) and (issubclass(item, Exception) or getattr(item, "_is_protocol", False)):
            continue
        text = inspect.getdoc(item) or ""
        if ">>>" not in text and "Example" not in text:
            bare.append(name)
    assert not bare, f"no example in the docstring: {bare}"
