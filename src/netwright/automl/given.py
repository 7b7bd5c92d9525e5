"""From whatever a user hands over to the parts of a search: a task, a space."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from netwright.automl.file_space import is_file_space, space_of_file
from netwright.core import registry
from netwright.core.errors import InvalidInput, InvalidSpace, NotFound, unknown
from netwright.methods.recipes import recipe_from
from netwright.spaces import Space
from netwright.spaces.nodes import Node, is_torch_module
from netwright.tasks import Task, load, task_from
from netwright.tasks.kinds import Kind

__all__ = ["lasting_name", "space_from", "task_or_function"]


def task_or_function(
    given: Any, *, seed: int, target: str | None = None, kind: Kind | None = None
) -> Task | Callable[..., Any]:
    """A task from data in any form; a function of an arch stays one.

    Args:
        given: a task; a known name or path; (X, y); a data frame or dataset; or a function.
        seed: of the splits.
        target: the target column of a table or file.
        kind: of the task; found from the targets if not given.

    Raises:
        InvalidInput: if it is none of these.
    """
    if isinstance(given, (str, Path)):
        return load(str(given), target=target, kind=kind, seed=seed)
    frame = hasattr(given, "iloc") and hasattr(given, "columns")
    if target is not None and not frame:
        raise InvalidInput(
            f"`target` names a column of a table (a file or a data frame), but got target={target!r} for a "
            f"{type(given).__name__}."
        )
    if isinstance(given, Task):
        if kind not in (None, given.kind):
            raise InvalidInput(f"{given.name!r} is a {given.kind} task, but got kind={kind!r}.")
        return given
    if isinstance(given, tuple) and len(given) == 2:
        return task_from(*given, kind=kind, seed=seed)
    if frame:
        if target is None:
            raise InvalidInput("a data frame needs `target`, the name of the column to predict; or give (X, y).")
        return task_from(given, target, kind=kind, seed=seed)
    if callable(given) and not hasattr(given, "__getitem__"):
        return given  # a function of an arch
    if hasattr(given, "__getitem__") and hasattr(given, "__len__") and not isinstance(given, (list, dict, tuple)):
        return task_from(given, kind=kind, seed=seed)
    raise InvalidInput(
        "`task` must be a Task, a known name or a path, (X, y), a data frame with `target`, a dataset of pairs, or a "
        f"function of an arch, but got a {type(given).__name__}."
    )


def lasting_name(given: str) -> str:
    """A name as it is, a path (also that of `file.py:name`) made absolute: a run may go on from another folder.

    Example:
        >>> lasting_name("digits")
        'digits'
    """
    if given in registry.tasks:
        return given
    path, colon, name = given.rpartition(":") if is_file_space(given) else (given, "", "")
    found = Path(path).expanduser()
    return f"{found.resolve()}{colon}{name}" if path and found.exists() else given


def space_from(given: Any, task: Task | None, *, method: Any = None) -> tuple[Space, str | None]:
    """A space, and the text that names it where it has one.

    Args:
        given: a space; the name of a registered one, `auto`, or `file.py:name`; or a function that returns a space.
        task: gives the shape of the inputs; None where a function is searched.
        method: how it will be searched: `auto` is the first ready-made space that it accepts.

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
            given = _first_accepted(task, method)
        if is_file_space(given):
            return _called(space_of_file(given), task, given), lasting_name(given)
        if given not in registry.spaces:
            names = [*registry.spaces, "auto"]
            raise NotFound(f"{unknown('space', given, names)} Or say file.py:name for one of yours.")
        return _called(registry.spaces[given], task, given), given
    if callable(given) and not is_torch_module(given):
        return _called(given, task, getattr(given, "__name__", "the function")), None
    hint = ": wrap it, Space(...)" if isinstance(given, Node) else ""
    raise InvalidInput(f"`space` must be a Space, a name or a function, but got a {type(given).__name__}{hint}.")


def _first_accepted(task: Task, method: Any) -> str:
    """The first space for such data that a method accepts; the usual one if none is, for the method to say why."""
    convolvable = task.modality == "image" and min(task.input_shape[1:]) >= 4
    names = ("resnet", "nb201_small") if convolvable else ("mlp",)
    for name in names if isinstance(method, str) else ():
        try:
            recipe_from(method, _called(registry.spaces[name], task, name), expected_candidates=None)
        except InvalidInput:
            continue
        return name
    return names[0]


def _called(maker: Any, task: Task | None, name: str) -> Space:
    """The space that a function makes for inputs of this shape."""
    if isinstance(maker, Space):
        return maker
    if not callable(maker):
        raise InvalidSpace(f"{name} must be a Space or a function that returns one, but is a {type(maker).__name__}.")
    takes = inspect.signature(maker).parameters
    shaped = "input_shape" in takes and task is not None
    needed = [
        argument.name
        for argument in takes.values()
        if argument.default is argument.empty
        and argument.kind not in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD)
        and not (shaped and argument.name == "input_shape" and argument.kind is not argument.POSITIONAL_ONLY)
    ]
    if needed:
        raise InvalidSpace(
            f"the function {name} of a space is called with `input_shape` (of the data, where there are some) at most, "
            f"but also needs {', '.join(needed)}: give defaults, or call it yourself and hand over the space."
        )
    space = maker(input_shape=task.input_shape) if shaped and task is not None else maker()
    if not isinstance(space, Space):
        raise InvalidSpace(f"{name} must return a Space, but returned a {type(space).__name__}.")
    return space
