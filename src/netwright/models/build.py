"""`build`: a concrete `nn.Module` for one arch of a space."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn

from netwright.core.arch import Arch
from netwright.core.errors import InvalidInput, InvalidSpace
from netwright.models.assembly import assemble, has_lazy_parts
from netwright.models.meter import Meter
from netwright.spaces import Call, Space

__all__ = ["Built", "build", "build_call", "built", "checked_shape"]


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """A concrete model together with the call that makes it.

    Attributes:
        model: the network.
        call: the call tree without any choice, lazy layer or missing size: `source_of` writes it down.

    Example:
        >>> from netwright import nn
        >>> build_call(nn.Sequential(nn.LazyLinear(3), nn.ReLU()), input_shape=(4,)).call
        Sequential(Linear(4, 3), ReLU())
    """

    model: nn.Module
    call: Call


def build(
    space: Space,
    arch: Arch,
    *,
    input_shape: tuple[int, ...],
    n_outputs: int | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> nn.Module:
    """The concrete module of an arch: input sizes filled in, weights drawn by `seed`.

    Args:
        space: a space whose model is a tree of modules.
        arch: one of its arches.
        input_shape: of one example, without the batch: (channels, height, width), (features,), ….
        n_outputs: the value of `netwright.n_outputs`; the output is then checked to be (batch, n_outputs).
        seed: of the weights; no global random state is touched.
        device: where the model ends up; `meta` gives shapes without weights.

    Example:
        >>> from netwright import nn, choice, n_outputs, Space
        >>> space = Space(nn.Sequential(nn.LazyLinear(choice([8, 16])), nn.ReLU(), nn.LazyLinear(n_outputs)))
        >>> build(space, space.default(), input_shape=(4,), n_outputs=3)
        Sequential(
          (0): Linear(in_features=4, out_features=8, bias=True)
          (1): ReLU()
          (2): Linear(in_features=8, out_features=3, bias=True)
        )

    Raises:
        InvalidSpace: if the arch can't be built or can't take such an input; the message names the layer.
    """
    return built(space, arch, input_shape=input_shape, n_outputs=n_outputs, seed=seed, device=device).model


def built(
    space: Space,
    arch: Arch,
    *,
    input_shape: tuple[int, ...],
    n_outputs: int | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> Built:
    """As `build`, with the call beside the model: what `source_of`, `deployed` and the exports need."""
    space.validate(arch)
    placeholders = {} if n_outputs is None else {"n_outputs": n_outputs}
    call = space.resolve(arch, **placeholders)
    if not isinstance(call, Call):
        raise InvalidSpace(f"the model of {space.name!r} is a {type(call).__name__}, not a module: it can't be built.")
    return build_call(call, input_shape=input_shape, n_outputs=n_outputs, seed=seed, device=device)


def build_call(
    call: Call,
    *,
    input_shape: tuple[int, ...],
    n_outputs: int | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> Built:
    """Build a tree of calls without choices; see `build`."""
    shape = checked_shape(input_shape)
    device = torch.device(device)
    meta, processor = torch.device("meta"), torch.device("cpu")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        try:  # sizes are found without computing anything …
            with Meter():
                model, concrete, output = assemble(call, shape, meta)
        except InvalidSpace as error:
            if not _needs_values(error):
                raise
            # … unless a module looks at values, which aren't there.
            model, concrete, output = assemble(call, shape, processor)
        if device.type != "meta":
            # Weights are drawn on the processor, so that a seed gives the same ones on every device; and in the order
            # of construction, so that `build()` of the exported source gives them too.
            torch.default_generator.manual_seed(seed)
            model, _, output = assemble(concrete, shape, processor)
    if has_lazy_parts(model):
        raise InvalidSpace("some layers were never called in a forward pass, so their input size is unknown: give it.")
    if n_outputs is not None and output != (2, n_outputs):
        raise InvalidSpace(
            f"the model must end in {n_outputs} outputs for each example, but gives shape {output[1:]}: "
            "end it with nn.Flatten() (or layers.GlobalAveragePool()) and nn.LazyLinear(netwright.n_outputs)."
        )
    return Built(model if device.type == "cpu" else model.to(device), concrete)


def checked_shape(input_shape: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes of one example, if that is what they are.

    Example:
        >>> checked_shape([1, 28, 28])
        (1, 28, 28)

    Raises:
        InvalidInput: if they are anything else.
    """
    shape = tuple(input_shape) if isinstance(input_shape, Iterable) else (0,)
    if not all(isinstance(size, int) and size >= 1 for size in shape):
        raise InvalidInput(
            f"`input_shape` must be the sizes of one example, such as (1, 28, 28), but got {input_shape!r}."
        )
    return shape


def _needs_values(error: BaseException | None) -> bool:
    """Whether something failed only because meta tensors hold no values."""
    while error is not None:
        if isinstance(error, NotImplementedError) or "meta" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
