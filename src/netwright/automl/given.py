"""From whatever a user hands over to the parts of a search: a task, a space, a recipe."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from netwright.core import Recipe, registry
from netwright.core.errors import InvalidInput, InvalidSpace, NotFound, unknown
from netwright.spaces import Space
from netwright.tasks import Task, load, task_from

__all__ = ["recipe_from", "space_from", "task_or_function"]


def task_or_function(given: Any, *, seed: int, target: str | None = None) -> Task | Callable[..., Any]:
    """A task from data in any form; a function of an arch stays one.

    Args:
        given: a task; a known name or path; (X, y); a data frame or dataset; or a function.
        seed: of the splits.
        target: the target column of a table or file.

    Raises:
        InvalidInput: if it is none of these.
    """
    if isinstance(given, Task):
        return given
    if isinstance(given, (str, Path)):
        return load(str(given), target=target, seed=seed)
    if isinstance(given, tuple) and len(given) == 2:
        return task_from(*given, seed=seed)
    if hasattr(given, "iloc") and hasattr(given, "columns"):
        if target is None:
            raise InvalidInput("a data frame needs `target`, the name of the column to predict; or give (X, y).")
        return task_from(given, target, seed=seed)
    if callable(given) and not hasattr(given, "__getitem__"):
        return given  # a function of an arch
    if hasattr(given, "__getitem__") and hasattr(given, "__len__") and not isinstance(given, (list, dict, tuple)):
        return task_from(given, seed=seed)
    raise InvalidInput(
        "`task` must be a Task, a known name or a path, (X, y), a data frame with `target`, a dataset of pairs, or a "
        f"function of an arch, but got a {type(given).__name__}."
    )


def space_from(given: Any, task: Task | None) -> tuple[Space, str | None]:
    """A space, and the text that names it where it has one.

    Args:
        given: a space; the name of a registered one, `auto`, or `file.py:name`; or a function that returns a space.
        task: gives the shape of the inputs; None where a function is searched.

    Raises:
        NotFound: for an unknown name.
        InvalidSpace: if it doesn't lead to a space.
    """
    if isinstance(given, Space):
        return given, None
    if isinstance(given, str):
        if given == "auto":
            if task is None:
                raise InvalidInput("space='auto' needs data; for a function of an arch give a space.")
            given = "resnet" if task.modality == "image" else "mlp"
        if ".py:" in given:
            return _called(_from_file(given), task, given), given
        if given not in registry.spaces:
            names = [*registry.spaces, "auto"]
            raise NotFound(f"{unknown('space', given, names)} Or say file.py:name for one of yours.")
        return _called(registry.spaces[given], task, given), given
    if callable(given):
        return _called(given, task, getattr(given, "__name__", "the function")), None
    raise InvalidInput(f"`space` must be a Space, a name or a function, but got a {type(given).__name__}.")


def _called(maker: Any, task: Task | None, name: str) -> Space:
    """The space that a function makes for inputs of this shape."""
    if isinstance(maker, Space):
        return maker
    if not callable(maker):
        raise InvalidSpace(f"{name} must be a Space or a function that returns one, but is a {type(maker).__name__}.")
    takes = inspect.signature(maker).parameters
    shaped = "input_shape" in takes and task is not None
    space = maker(input_shape=task.input_shape) if shaped and task is not None else maker()
    if not isinstance(space, Space):
        raise InvalidSpace(f"{name} must return a Space, but returned a {type(space).__name__}.")
    return space


def _from_file(text: str) -> Any:
    """The object of `file.py:name`; the file is imported under its own name, so that workers find its classes."""
    path_text, _, name = text.rpartition(":")
    path = Path(path_text).expanduser()
    if not path.is_file():
        raise InvalidSpace(f"there is no file {path_text!r}: say file.py:name with a path from here.")
    if not name.isidentifier():
        raise InvalidSpace(f"{text!r} must end in the name of a space or function, such as {path_text}:space.")
    module_name = path.stem
    known = sys.modules.get(module_name)
    if known is not None and Path(getattr(known, "__file__", None) or "").resolve() == path.resolve():
        module = known
    else:
        if known is not None:
            raise InvalidSpace(f"{path.name!r} has the name of a module that is loaded already: rename the file.")
        if str(path.resolve().parent) not in sys.path:
            sys.path.append(str(path.resolve().parent))  # what it imports beside itself, and workers
        spec = importlib.util.spec_from_file_location(module_name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[module_name]
            line = _line_in(error, path)
            raise InvalidSpace(f"{path.name}{line} can't be run: {type(error).__name__}: {error}") from error
    if not hasattr(module, name):
        raise unknown(f"name in {path.name}", name, [n for n in vars(module) if not n.startswith("_")])
    return getattr(module, name)


def _line_in(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}," if error.lineno else ""
    trace, found = error.__traceback__, ""
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename).name == path.name:
            found = f", line {trace.tb_lineno},"
        trace = trace.tb_next
    return found


def recipe_from(given: Any, space: Space, *, expected_candidates: int | None) -> tuple[Recipe, str]:
    """A recipe and its name from a method's name, a recipe or a strategy.

    Raises:
        NotFound: for an unknown method.
        InvalidInput: if it is none of these.
    """
    if isinstance(given, Recipe):
        return given, type(given.strategy).__name__
    if isinstance(given, str):
        maker = registry.methods[given]
        name = given.replace("-", "_")
    elif hasattr(given, "propose"):
        return Recipe(given), type(given).__name__
    elif callable(given):
        maker, name = given, getattr(given, "__name__", "method")
    else:
        raise InvalidInput(
            f"`method` must be a name, a Recipe or a strategy (with `propose`), but got a {type(given).__name__}."
        )
    takes = inspect.signature(maker).parameters
    given_to = {}
    if "expected_candidates" in takes:
        given_to["expected_candidates"] = expected_candidates
    recipe = maker(space, **given_to) if _takes_space(takes) else maker(**given_to)
    if not isinstance(recipe, Recipe):
        raise InvalidInput(f"the method {name!r} must return a Recipe, but returned a {type(recipe).__name__}.")
    return recipe, name


def _takes_space(takes: Any) -> bool:
    first = next(iter(takes.values()), None)
    return first is not None and first.kind in (first.POSITIONAL_ONLY, first.POSITIONAL_OR_KEYWORD)
