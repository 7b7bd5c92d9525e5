"""Carries classes and functions into a standalone file: as an import where others can import them, else as source."""

from __future__ import annotations

import ast
import builtins
import importlib.metadata
import importlib.util
import inspect
import math
import re
import site
import sys
import sysconfig
import textwrap
import types
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from netwright.core.errors import InvalidSpace
from netwright.models.names import names_in

__all__ = ["Embedding"]

_OWN = object()  # owns the names that the file itself defines


class Embedding:
    """Collects what a standalone file needs.

    A class of torch, of the standard library or of an installed package is imported. One of netwright or of the
    user's own files is copied as source, with the functions, classes and constants of its module that it uses.

    Args:
        reserved: names that the file itself defines or imports.
        imports: import lines that it needs in any case, beside those of torch and nn.

    Example:
        >>> embedding = Embedding()
        >>> embedding.reference(nn.ReLU), embedding.reference(math.sqrt)
        ('nn.ReLU', 'sqrt')
        >>> embedding.imports()
        ['from math import sqrt', '', 'import torch', 'from torch import nn']
    """

    def __init__(self, reserved: tuple[str, ...] = (), imports: tuple[str, ...] = ()) -> None:
        self._imports = {"import torch", "from torch import nn", *imports}
        self._sources: dict[str, str] = {}
        self._needed: dict[str, tuple[list[str], list[str]]] = {}  # name → what it needs: when defined, when called
        self._owners: dict[str, object] = {"torch": torch, "nn": nn, **dict.fromkeys(reserved, _OWN)}

    def reference(self, target: Any) -> str:
        """How the file names a class or function; what it needs is collected.

        Raises:
            InvalidSpace: if it has neither an importable name nor a source.
        """
        name = getattr(target, "__name__", None)
        if name is not None:
            if getattr(nn, name, None) is target:
                return f"nn.{name}"
            if getattr(torch, name, None) is target:
                return f"torch.{name}"
        module = getattr(target, "__module__", None)
        if name == "<lambda>" or name is None or module is None or getattr(target, "__qualname__", name) != name:
            raise InvalidSpace(
                f"{name or target!r} can't be written into a standalone file: define it by name at the top of a module."
            )
        if module == "builtins":
            return str(name)
        self._claim(name, target)
        if _installed(module):
            self._imports.add(f"from {module} import {name}")
        else:
            self._embed(name, target)
        return str(name)

    def imports(self) -> list[str]:
        """The import lines, sorted: the standard library's first, then an empty line and the rest."""

        def place(line: str) -> tuple[bool, bool, str]:
            return re.split(r"[ .]", line)[1] not in sys.stdlib_module_names, line.startswith("from"), line

        lines = sorted(self._imports, key=place)
        own = sum(not place(line)[0] for line in lines)
        return [*lines[:own], *([""] if own else []), *lines[own:]]

    def definitions(self) -> str:
        """The copied classes, functions and constants; each after what it needs."""
        placed: list[str] = []
        opened: set[str] = set()

        def first(name: str) -> set[str]:
            """What has to come before a definition, directly or not."""
            found, waiting = set(), [name]
            while waiting:
                for other in self._needed.get(waiting.pop(), ([], []))[0]:
                    if other not in found:
                        found.add(other)
                        waiting.append(other)
            return found

        def place(name: str) -> None:
            if name in opened or name not in self._sources:
                return
            opened.add(name)
            at_once, when_called = self._needed.get(name, ([], []))
            for other in at_once:
                place(other)
            for other in when_called:  # reads better first, unless it needs this one to be defined
                if name not in first(other):
                    place(other)
            placed.append(name)
            for other in when_called:
                place(other)

        for name in self._sources:
            place(name)
        blocks = [self._sources[name] for name in placed]
        text = ""
        for i, block in enumerate(blocks):
            lines = i and "\n" not in block and "\n" not in blocks[i - 1]  # constants stay together
            text += ("" if not i else "\n" if lines else "\n\n\n") + block
        return text

    def _claim(self, name: str, owner: object) -> None:
        """Two things of one name can't share a file."""
        known = self._owners.setdefault(name, owner)
        if known is _OWN:
            raise InvalidSpace(f"the exported file has a {name!r} of its own: give your {name!r} another name.")
        if known is not owner and not (_literal(owner) is not None and _literal(owner) == _literal(known)):
            raise InvalidSpace(f"two different things are called {name!r}, so they can't share a file: rename one.")

    def _embed(self, name: str, target: Any) -> None:
        if name in self._sources:
            return
        try:
            source = textwrap.dedent(inspect.getsource(target)).strip()
        except (OSError, TypeError) as error:
            raise InvalidSpace(
                f"{name!r} has no source that can be exported ({error}): define it in a file, not in a prompt."
            ) from error
        self._copy(name, source, vars(sys.modules[target.__module__]))

    def _copy(self, name: str, source: str, scope: dict[str, Any]) -> None:
        """Take a definition over, with what its names stand for in its module."""
        self._sources[name] = source
        found = names_in(source)
        for used in (*found.when_defined, *found.when_called):
            if used in scope and used != name:
                self._value(used, scope, name)
        for used in found.in_annotations:  # never evaluated, so only where it costs nothing
            value = scope.get(used)
            if isinstance(value, types.ModuleType) and _installed(value.__name__):
                self._value(used, scope, name)
            elif isinstance(value, type) and _installed(value.__module__):
                self._class(used, value)
        self._needed[name] = (found.when_defined, found.when_called)

    def _value(self, used: str, scope: dict[str, Any], user: str) -> None:
        """Make a name of a module mean in the file what it means there."""
        value = scope[used]
        if used.startswith("__") or getattr(builtins, used, self) is value or self._owners.get(used) is value:
            return
        if isinstance(value, types.ModuleType):
            self._claim(used, value)
            self._module(value, used)
        elif isinstance(value, (type, types.FunctionType)) and getattr(value, "__name__", None):
            self._class(used, value)
        elif (text := _literal(value)) is not None:
            self._claim(used, value)
            self._sources.setdefault(used, f"{used} = {text}")
        else:
            self._claim(used, value)
            statement = _statement(scope, used)
            if isinstance(statement, str):
                self._imports.add(statement)
            elif statement is not None:
                self._copy(used, ast.unparse(statement), scope)
            else:
                raise InvalidSpace(f"{user!r} uses {used!r} ({type(value).__name__}), which can't be exported.")

    def _module(self, value: types.ModuleType, used: str) -> None:
        name = value.__name__
        if not _installed(name):
            raise InvalidSpace(
                f"the module {name!r} isn't installed, so a standalone file can't import it: import the names that "
                "you use from it instead of the module."
            )
        parent, _, last = name.rpartition(".")
        self._imports.add(
            f"from {parent} import {last}" if parent and last == used else f"import {name}{_as(name, used)}"
        )

    def _class(self, used: str, value: Any) -> None:
        """A class or function that its module calls `used`."""
        name = self.reference(value)
        if "." in name:  # nn.Linear, imported by its bare name there
            self._claim(used, value)
            module, bare = ("torch.nn" if name.startswith("nn.") else "torch"), name.rpartition(".")[2]
            self._imports.add(f"from {module} import {bare}{_as(bare, used)}")
        elif name != used:
            self._claim(used, value)
            self._sources.setdefault(used, f"{used} = {name}")
            self._needed.setdefault(used, ([name], []))


def _as(name: str, used: str) -> str:
    return "" if name == used else f" as {used}"


def _literal(value: object) -> str | None:
    """The text of a constant, if it is one."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    if isinstance(value, torch.dtype):
        return repr(value)
    if value is None or isinstance(value, (bool, int, float, str, bytes, tuple, list, dict, set, frozenset)):
        text = repr(value)
        try:
            return text if ast.literal_eval(text) == value else None
        except (ValueError, SyntaxError):
            return None
    return None


def _statement(scope: dict[str, Any], used: str) -> str | ast.stmt | None:
    """The one statement at the top of a module that gives a name its value: an import as its text, or an assignment."""
    file = scope.get("__file__")
    if not file:
        return None
    found: list[str | ast.stmt] = []
    for node in ast.parse(Path(file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module and not node.level and _installed(node.module):
            found += [
                f"from {node.module} import {alias.name}{_as(alias.name, used)}"
                for alias in node.names
                if (alias.asname or alias.name) == used
            ]
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == used for target in targets):
                found.append(node)
    return found[0] if len(found) == 1 else None


@cache
def _installed(module: str) -> bool:
    """Whether others can import a module too.

    That is so for the standard library and installed packages, but not for netwright and what is made for it.
    """
    root = module.partition(".")[0]
    if root in ("netwright", "__main__", "__mp_main__"):
        return False
    if root in sys.stdlib_module_names:
        return True
    try:
        spec = importlib.util.find_spec(root)
    except (ImportError, ValueError):
        return False
    if spec is None:
        return False
    places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or [])
    homes = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()}
    homes.add(site.getusersitepackages())
    if not any(str(place).startswith(home) for place in places for home in homes):
        return False
    try:
        needs = importlib.metadata.requires(root) or []
    except importlib.metadata.PackageNotFoundError:
        return True
    return not any(re.match(r"netwright\b", requirement) for requirement in needs)
