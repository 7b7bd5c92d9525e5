"""`netwright profile`: what a space holds, before any training."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from netwright.cli.given import input_shape as shape_from
from netwright.cli.given import kind_of_task, known_names, whole_number
from netwright.cli.output import json_text
from netwright.core import constraints_from, registry
from netwright.core.errors import InvalidInput
from netwright.spaces import Space

if TYPE_CHECKING:
    from netwright.tasks import Task

__all__ = ["profile"]

_OUTPUTS = 10  # where neither data nor --outputs say how many


def profile(
    space: str,
    *,
    data: str | None = None,
    input_shape: str | None = None,
    outputs: str | None = None,
    constraints: Sequence[str] | None = None,
    samples: str = "200",
    target: str | None = None,
    kind: str | None = None,
    download: bool = False,
    as_json: bool = False,
) -> int:
    """Print the size of a space, the costs of its networks, and whether limits can be kept.

    Raises:
        InvalidInput: if the shape of the inputs isn't known, or is said twice.
    """
    if data is not None and (input_shape is not None or outputs is not None):
        raise InvalidInput("the data say the inputs and outputs: leave out --input-shape and --outputs, or --data.")
    if data is None and (target is not None or kind is not None or download):
        raise InvalidInput("--target, --kind and --download are about data: say which with --data.")
    limits = constraints_from(",".join(constraints)) if constraints else None
    shape = None if input_shape is None else shape_from("--input-shape", input_shape)
    n_outputs = _OUTPUTS if outputs is None else whole_number("--outputs", outputs, least=1)
    n_samples = whole_number("--samples", samples, least=1)
    task_kind = kind_of_task(kind)
    known_names(data=data, space=space)
    if data is None:
        found, shape = _without_data(space, shape)
    else:
        from netwright.automl.given import space_from
        from netwright.tasks import load

        task: Task = load(data, target=target, kind=task_kind, download=download)
        found, _ = space_from(space, task)
        shape, n_outputs = task.input_shape, task.n_outputs
    import netwright.models  # noqa: F401  # gives spaces what needs torch

    told = found.profile(input_shape=shape, n_outputs=n_outputs, constraints=limits, samples=n_samples)
    if as_json:
        facts = {**asdict(told), "can_be_met": told.can_be_met, "input_shape": shape, "n_outputs": n_outputs}
        print(json_text(facts))
    else:
        print(told)
        print(f"for inputs of shape {','.join(map(str, shape))} and {n_outputs} output{'s' * (n_outputs != 1)}")
    return 0


def _without_data(text: str, shape: tuple[int, ...] | None) -> tuple[Space, tuple[int, ...]]:
    """The space for inputs of this shape, or of the shape that it expects by itself."""
    from netwright.automl.file_space import is_file_space, space_of_file

    if text == "auto":
        raise InvalidInput("the space 'auto' is chosen by the data: say which with --data.")
    maker: Space | Callable[..., Space] = space_of_file(text) if is_file_space(text) else registry.spaces[text]
    takes: Any = {} if isinstance(maker, Space) else inspect.signature(maker).parameters
    if shape is None:
        expected = takes["input_shape"].default if "input_shape" in takes else None
        if not isinstance(expected, tuple):
            raise InvalidInput(
                f"say what {text} gets as inputs: --data DATA, or --input-shape 1,28,28 for one example."
            )
        shape = expected
    if isinstance(maker, Space):
        return maker, shape
    return (maker(input_shape=shape) if "input_shape" in takes else maker()), shape
