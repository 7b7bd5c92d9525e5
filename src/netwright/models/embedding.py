"""Carries classes and functions into a standalone file: as an import where others can import them, else as source."""

from __future__ import annotations

import ast
import builtins
import importlib.util
import inspect
import sys
import sysconfig
import textwrap
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from netwright.core.errors import InvalidSpace

__all__ = ["Embedding"]


class Embedding:
    """Collects what a standalone file needs.

    A class of torch, of the standard library or of an installed package is imported. One of netwright or of the
    user's own files is copied as source, with the functions, classes and constants of its module that it uses.
    """

    def __init__(self) -> None:
        self._imports = {"import torch", "from torch import nn"}
        self._sources: dict[str, str] = {}
        self._owners: dict[str, object] = {"torch": torch, "nn": nn}
        self._open: set[str] = set()  # being copied now, or done

    def reference(self, target: Any) -> str:
        """How the file names a class or function; what it needs is collected.

        Raises:
            InvalidSpace: if it has neither an importable name nor a source.
        """
        name = getattr(target, "__name__", None)
        module = getattr(target, "__module__", None)
        qualified = getattr(target, "__qualname__", name)
        if name is None or module is None or qualified != name:
            raise InvalidSpace(
                f"{target!r} can't be written into a standalone file: define it by name at the top of a module."
            )
        if module.startswith("torch.nn.modules") or getattr(nn, name, None) is target:
            return f"nn.{name}"
        if module == "builtins":
            return str(name)
        if _installed(module):
            self._claim(name, target)
            self._imports.add(f"from {module} import {name}")
            return str(name)
        self._embed(name, target)
        return str(name)

    def imports(self) -> list[str]:
        """The import lines, sorted."""
        return sorted(self._imports, key=lambda line: (line.startswith("from"), line))

    def definitions(self) -> str:
        """The copied classes, functions and constants; each after what it needs."""
        return "\n\n\n".join(self._sources.values())

    def _claim(self, name: str, owner: object) -> bool:
        """Whether a name is new; two things of one name can't share a file."""
        known = self._owners.setdefault(name, owner)
        if known is not owner and not (isinstance(owner, (int, float, str, tuple)) and known == owner):
            raise InvalidSpace(f"two different things are called {name!r}, so they can't share a file: rename one.")
        return True

    def _embed(self, name: str, target: Callable[..., Any] | type) -> None:
        self._claim(name, target)
        if name in self._sources:
            return
        try:
            source = textwrap.dedent(inspect.getsource(target)).strip()
        except (OSError, TypeError) as error:
            raise InvalidSpace(
                f"{name!r} has no source that can be exported ({error}): define it in a file, not in a prompt."
            ) from error
        if source.lstrip().startswith("lambda") or (isinstance(target, types.FunctionType) and name == "<lambda>"):
            raise InvalidSpace("a lambda can't be written into a standalone file: define a function.")
        self._open.add(name)
        self._needs(source, vars(sys.modules[target.__module__]), name)
        self._sources.setdefault(name, source)

    def _needs(self, source: str, scope: dict[str, Any], own: str) -> None:
        for used in _names(source):
            if used == own or used not in scope or used in self._sources:
                continue
            value = scope[used]
            if isinstance(value, types.ModuleType):
                self._claim(used, value)
                if value is nn:
                    continue
                self._module(value, used)
            elif getattr(builtins, used, None) is value:
                continue
            elif isinstance(value, (type, types.FunctionType)):
                if used in self._open:
                    continue  # a circle of definitions: functions find each other when they are called
                if value.__module__ == "builtins":
                    continue
                self._value_of(used, value)
            elif value is None or isinstance(value, (bool, int, float, str, tuple)):
                self._claim(used, value)
                self._sources.setdefault(used, f"{used} = {value!r}")
            elif getattr(value, "__module__", None) and hasattr(value, "__name__"):
                self._imports.add(f"from {value.__module__} import {value.__name__}" + _as(value.__name__, used))
            else:
                line = _import_line(scope, used)
                if line is None:
                    raise InvalidSpace(f"{own!r} uses {used!r} ({type(value).__name__}), which can't be exported.")
                self._imports.add(line)

    def _module(self, value: types.ModuleType, used: str) -> None:
        name = value.__name__
        if not _installed(name):
            raise InvalidSpace(f"the module {name!r} isn't installed, so a standalone file can't import it.")
        parent, _, last = name.rpartition(".")
        if parent and last == used:
            self._imports.add(f"from {parent} import {last}")
        else:
            self._imports.add(f"import {name}" + _as(name, used))

    def _value_of(self, used: str, value: Any) -> None:
        name = self.reference(value)
        if name.startswith("nn."):
            self._imports.add(f"from torch.nn import {name[3:]}" + _as(name[3:], used))
        elif name != used:
            if any(line.endswith(f" import {name}") for line in self._imports):
                self._imports.add(f"from {value.__module__} import {name} as {used}")
            else:
                self._sources.setdefault(used, f"{used} = {name}")


def _as(name: str, used: str) -> str:
    return "" if name == used else f" as {used}"


def _names(source: str) -> list[str]:
    """The names that a definition reads, in their order; annotations as texts included."""
    names: dict[str, None] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            names[node.id] = None
    return list(names)


def _import_line(scope: dict[str, Any], used: str) -> str | None:
    """The import statement that brought a name into its module, if there is one."""
    file = scope.get("__file__")
    if not file:
        return None
    for node in ast.parse(Path(file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module and not node.level and _installed(node.module):
            for alias in node.names:
                if (alias.asname or alias.name) == used:
                    return f"from {node.module} import {alias.name}" + _as(alias.name, used)
    return None


def _installed(module: str) -> bool:
    """Whether others can import a module too: the standard library and installed packages, but not netwright."""
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
    homes = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    return any(str(place).startswith(home) for place in places for home in homes)
