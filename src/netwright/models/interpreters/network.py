"""The interpreters that every space has: the module, its source, its profile."""

from __future__ import annotations

from netwright.core.arch import Arch
from netwright.core.registry import interpreters
from netwright.models.build import build, built
from netwright.models.profile import profile
from netwright.models.source import source_of
from netwright.spaces import Space

__all__ = ["source"]

interpreters.register(build)
interpreters.register(profile)


@interpreters.register
def source(
    space: Space, arch: Arch, *, input_shape: tuple[int, ...], n_outputs: int | None = None, title: str | None = None
) -> str:
    """The arch as a standalone Python file."""
    network = built(space, arch, input_shape=input_shape, n_outputs=n_outputs, device="meta")
    return source_of(network, input_shape=input_shape, **({} if title is None else {"title": title}))
