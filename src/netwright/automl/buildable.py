"""Whether a space holds a model for a task at all: found out before anything is trained."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from netwright.core import Arch
from netwright.core.errors import InvalidSpace
from netwright.evaluators import ModelCost
from netwright.models.example import input_dtype
from netwright.spaces import Call, Space
from netwright.tasks import Task

__all__ = ["first_buildable"]

_MOST_TRIED = 10


def first_buildable(space: Space, task: Task, *, seed: int) -> tuple[Arch, dict[str, float]]:
    """The default arch and what it costs; where it can't be built for the task, the first of a few random ones.

    Example:
        >>> from netwright import nn, n_outputs
        >>> from netwright.tasks import load
        >>> space = Space(nn.Sequential(nn.Flatten(), nn.LazyLinear(n_outputs)))
        >>> first_buildable(space, load("stripes"), seed=0)[1]["params"]
        195.0

    Raises:
        InvalidSpace: if it holds no model, none of those that were tried can be built, or they take tokens and the
            task has none.
    """
    default = space.default()
    model = space.resolve(default, n_outputs=task.n_outputs)
    if not isinstance(model, Call):
        raise InvalidSpace(
            f"the space {space.name!r} holds no model to train (its tree is a {type(model).__name__}): put a module of "
            "netwright.nn into it, or search a function of an arch."
        )
    costs = ModelCost(space, task.input_shape, task.n_outputs)
    first: InvalidSpace | None = None
    tried = 0
    for arch in _arches(space, default, seed):
        tried += 1
        try:
            found = costs(arch)
        except InvalidSpace as error:
            first = first or error
            continue
        _check_inputs(space, arch, task)
        return arch, found
    raise InvalidSpace(
        f"no arch of the space {space.name!r} can be built for {task.name!r} ({tried} were tried). "
        f"The default one: {first}"
    ) from first


def _check_inputs(space: Space, arch: Arch, task: Task) -> None:
    """Tokens come as whole numbers only where the task says that they are some."""
    model = space.build(arch, input_shape=task.input_shape, n_outputs=task.n_outputs, device="meta")
    if task.modality != "text" and not input_dtype(model).is_floating_point:
        raise InvalidSpace(
            f"networks of {space.name!r} take whole numbers (tokens), but inputs of {task.name!r} are standardised: "
            "give a task of tokens, such as dataclasses.replace(netwright.task_from(X, y), modality='text')."
        )


def _arches(space: Space, default: Arch, seed: int) -> Iterator[Arch]:
    """A few different ones, the default one first."""
    yield default
    rng = np.random.default_rng(seed)
    drawn = (space.sample(rng) for _ in range(10 * _MOST_TRIED))
    yield from itertools.islice(dict.fromkeys(arch for arch in drawn if arch != default), _MOST_TRIED - 1)
