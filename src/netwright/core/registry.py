"""`Registry`: the things that people name on the command line.

A built-in is a function or class decorated with `register` in a module of the registry's package; that package is
imported when the registry is first asked. Other installed packages add theirs by an entry point of the same group:

    [project.entry-points."netwright.methods"]
    my_method = "my_package.my_module:my_method"
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from netwright.core.errors import InvalidInput, NotFound, unknown

__all__ = ["Registry", "register"]

_log = logging.getLogger(__name__)

T = TypeVar("T", bound=Callable[..., Any])


class Registry(Generic[T]):
    """Names → callables of one kind.

    Example:
        >>> spaces = Registry("space", package=None)
        >>> @spaces.register
        ... def tiny():
        ...     "A tiny space."
        >>> spaces["tiny"] is tiny, list(spaces)
        (True, ['tiny'])
    """

    def __init__(self, kind: str, *, package: str | None) -> None:
        self.kind = kind
        self.package = package
        self._found: dict[str, T] = {}
        self._broken: dict[str, str] = {}
        self._loaded = package is None

    def register(self, item: T) -> T:
        """Decorator: register under the function's own name (`_` for `-`).

        Raises:
            InvalidInput: if the name is taken.
        """
        self.add(item.__name__, item)
        return item

    def add(self, name: str, item: T) -> None:
        """Register under a name of your choice; a taken name is an error."""
        name = name.replace("-", "_")
        known = self._found.get(name)
        if known is not None and _place(known) != _place(item):
            raise InvalidInput(f"the {self.kind} name {name!r} is taken by {_place(known)}: choose another.")
        self._found[name] = item

    def _load(self) -> None:
        if self._loaded or self.package is None:
            return
        self._loaded = True  # first: what is imported below may ask this registry
        try:
            package = importlib.import_module(self.package)
            for module in pkgutil.iter_modules(package.__path__):
                importlib.import_module(f"{self.package}.{module.name}")
        except BaseException:
            self._loaded = False
            raise
        for point in entry_points(group=self.package):
            try:
                item = point.load()
            except Exception as error:  # noqa: BLE001  # somebody else's package must not break all the rest
                self._broken[point.name] = f"{point.value} can't be loaded ({type(error).__name__}: {error})"
                _log.warning("the %s %r is left out: %s", self.kind, point.name, self._broken[point.name])
            else:
                self.add(point.name, item)

    def __getitem__(self, name: str) -> T:
        self._load()
        wanted = name.replace("-", "_")
        if wanted in self._broken:
            raise NotFound(f"the {self.kind} {name!r} is installed, but {self._broken[wanted]}: repair its package.")
        item = self._found.get(wanted)
        if item is None:
            raise unknown(self.kind, name, self._found)
        return item

    def __contains__(self, name: object) -> bool:
        self._load()
        return isinstance(name, str) and name.replace("-", "_") in self._found

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(sorted(self._found))

    def __len__(self) -> int:
        self._load()
        return len(self._found)

    def summary(self, name: str) -> str:
        """The first line of the item's docstring."""
        return (self[name].__doc__ or "").strip().partition("\n")[0]


methods: Registry[Callable[..., Any]] = Registry("method", package="netwright.methods")
spaces: Registry[Callable[..., Any]] = Registry("space", package="netwright.spaces.zoo")
tasks: Registry[Callable[..., Any]] = Registry("data set", package="netwright.tasks.zoo")
benchmarks: Registry[Callable[..., Any]] = Registry("benchmark", package="netwright.benchmarks.zoo")
proxies: Registry[Callable[..., Any]] = Registry("proxy", package="netwright.evaluators.proxies")
stopping: Registry[Callable[..., Any]] = Registry("stopping rule", package="netwright.evaluators.stopping")
interpreters: Registry[Callable[..., Any]] = Registry("interpreter", package="netwright.models.interpreters")
"""What can be made of a space and an arch: `Space.build` and the like look it up, so that spaces need no torch."""


def register(registry: Registry[T]) -> Callable[[T], T]:
    """`@register(methods)`: the decorator as a function, for those who like it so."""
    return registry.register


def _place(item: Any) -> str:
    """Where an item was defined; the same after its module was loaded again."""
    return f"{getattr(item, '__module__', '?')}.{getattr(item, '__qualname__', repr(item))}"
