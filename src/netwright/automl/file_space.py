"""`file.py:name`: a space out of a user's own file.

The file is imported under its own name, so that worker processes can import it too; what goes wrong in it is said with
its line.
"""

from __future__ import annotations

import difflib
import importlib.util
import inspect
import linecache
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from netwright.core.errors import InvalidInput, NetwrightError, NotFound
from netwright.spaces import Node, Space

__all__ = ["is_file_space", "space_of_file"]

_PATTERN = re.compile(r"(?P<path>.*\.py)(?::(?P<name>[^:/\\]*))?", re.DOTALL)


def is_file_space(text: str) -> bool:
    """Whether a text names a file rather than a registered space.

    Example:
        >>> is_file_space("my_space.py:space"), is_file_space("cnn")
        (True, False)
    """
    return _PATTERN.fullmatch(text) is not None


def space_of_file(text: str) -> Space | Callable[..., Space]:
    """The space that `file.py:name` names, or a function that takes `input_shape` and returns it.

    Raises:
        InvalidInput: if the file can't be imported, or what it names is neither a space nor a function.
        NotFound: if there is no such file or name; the nearest are listed.
    """
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise InvalidInput(f"a space of your own must look like file.py:name, but got {text!r}.")
    path = Path(match["path"]).expanduser()
    module = _imported(path)
    if not match["name"]:
        raise InvalidInput(f"say which space of {path} it is: {path}:NAME; it has {_offered(module)}.")
    if not hasattr(module, match["name"]):
        near = difflib.get_close_matches(match["name"], [n for n in vars(module) if not n.startswith("_")], n=1)
        hint = f": did you mean {near[0]!r}?" if near else "."
        raise NotFound(f"{path} has no {match['name']!r}{hint} It has {_offered(module)}.")
    return _space_from(getattr(module, match["name"]), match["name"], path)


def _imported(path: Path) -> ModuleType:
    if not path.is_file():
        folder = path.parent
        names = [other.name for other in folder.glob("*.py")] if folder.is_dir() else []
        near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.5)
        hint = f" did you mean {str(folder / near[0])!r}?" if near else " give the path of your Python file."
        raise NotFound(f"no file {str(path)!r}:{hint}")
    given, path = path, path.resolve()
    name = path.stem
    taken = _origin(name)
    if taken is not None and taken != str(path):
        raise InvalidInput(f"{path.name} has the name of another module ({taken}): rename the file.")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InvalidInput(f"{path} can't be imported as a module: rename the file.")
    if str(path.parent) not in sys.path:
        # At the end: what lies beside the file must not stand in for somebody else's module.
        sys.path.append(str(path.parent))
    linecache.checkcache(str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with _explained(given):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _origin(name: str) -> str | None:
    """Where a module of this name would come from."""
    known = sys.modules.get(name)
    if known is not None:
        return getattr(known, "__file__", None) or "a part of Python"
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return "a part of Python"
    return None if spec is None else spec.origin or "a package"


def _offered(module: ModuleType) -> str:
    """The spaces and functions that a module defines itself."""
    names = [
        name
        for name, item in vars(module).items()
        if not name.startswith("_")
        and (isinstance(item, Space) or (inspect.isfunction(item) and item.__module__ == module.__name__))
    ]
    return ", ".join(names) or "no space and no function"


def _space_from(item: Any, name: str, path: Path) -> Space | Callable[..., Space]:
    if isinstance(item, Space):
        return item
    if not inspect.isfunction(item):
        raise InvalidInput(_wrong(f"{name!r} of {path} must be a Space or a function that returns one", item, "is"))
    with _explained(path):
        parameters = inspect.signature(item).parameters.values()
    wants_shape = any(p.name == "input_shape" or p.kind is p.VAR_KEYWORD for p in parameters)
    needed = [
        p.name
        for p in parameters
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.name != "input_shape"
    ]
    if needed:
        raise InvalidInput(
            f"{name!r} of {path} may take `input_shape`, and needs a default for anything else: {', '.join(needed)}."
        )

    def made(*, input_shape: tuple[int, ...] | None = None) -> Space:
        with _explained(path):
            space = item(input_shape=input_shape) if wants_shape and input_shape is not None else item()
        if not isinstance(space, Space):
            raise InvalidInput(_wrong(f"{name!r} of {path} must return a Space", space, "returned"))
        return space

    made.__name__ = name
    return made


def _wrong(rule: str, item: Any, verb: str) -> str:
    hint = ": wrap it, Space(…)" if isinstance(item, Node) else ""
    return f"{rule}, but {verb} a {type(item).__name__}{hint}."


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn whatever a user's file raises into one message with the file's line."""
    try:
        yield
    except (Exception, SystemExit) as error:
        raise InvalidInput(_explanation(error, path)) from error


def _explanation(error: BaseException, path: Path) -> str:
    file = str(path.resolve())
    if isinstance(error, SyntaxError) and error.filename == file:
        return f"{path}, line {error.lineno}: {error.msg} (in `{(error.text or '').strip()}`)."
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    line = lines[-1] if lines else None
    place = f"{path}, line {line}" if line else str(path)
    kind = "" if isinstance(error, NetwrightError) else f"{type(error).__name__}: "
    code = linecache.getline(file, line).strip() if line else ""
    said = f"{place}: {kind}{error}".rstrip(": ")
    return f"{said.rstrip('.')} (in `{code}`)." if code else said
