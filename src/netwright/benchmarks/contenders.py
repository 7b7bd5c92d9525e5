"""Which benchmarks and methods are meant: names, objects, `all`, and Optuna's samplers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from netwright.benchmarks.benchmark import Benchmark
from netwright.core import Recipe, Strategy, registry
from netwright.core.errors import InvalidInput, MissingDependency, NetwrightError, NotFound, problems

__all__ = ["Contender", "benchmarks_from", "methods_from", "peers_of"]

Contender: TypeAlias = "str | Strategy | Recipe | Callable[..., Recipe]"
"""What can be compared: a method's name, a strategy, a recipe, or a function of a space that returns one."""

_PEERS = ("optuna",)


def benchmarks_from(given: str | Benchmark | Iterable[str | Benchmark]) -> dict[str, Benchmark]:
    """Benchmarks by their names; all problems are told at once.

    Raises:
        NotFound: for an unknown name.
        InvalidInput: if there is none, or two have one name.
        DataError, MissingDependency: if a table isn't there.
    """
    items = [given] if isinstance(given, (str, Benchmark)) else list(given)
    found: dict[str, Benchmark] = {}
    wrong: list[NetwrightError] = []
    for item in items:
        if not isinstance(item, (str, Benchmark)):
            raise InvalidInput(f"a benchmark must be a name or a Benchmark, but got a {type(item).__name__}.")
        try:
            benchmark = registry.benchmarks[item]() if isinstance(item, str) else item
        except NetwrightError as error:
            wrong.append(error)
            continue
        if found.setdefault(benchmark.name, benchmark) is not benchmark and isinstance(item, Benchmark):
            raise InvalidInput(f"two benchmarks are called {benchmark.name!r}: give each a name of its own.")
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        raise InvalidInput(problems("these benchmarks can't be used", map(str, wrong)))
    if not found:
        raise InvalidInput(f"say at least one benchmark; there are: {', '.join(map(_typed, registry.benchmarks))}.")
    return found


def methods_from(
    given: str | Sequence[Contender] | Mapping[str, Contender], *, vs: str | None = None
) -> dict[str, Any]:
    """What is compared, by the names under which it is told.

    Args:
        given: `all`; names, with commas between them or as a list; or a mapping from names of your own to methods,
            strategies, recipes or functions.
        vs: `optuna` adds its samplers.

    Raises:
        NotFound: for an unknown name.
        InvalidInput: if there is none, or two have one name.
    """
    found: dict[str, Any] = {}
    if isinstance(given, Mapping):
        items: list[tuple[str, Any]] = list(given.items())
    else:
        listed: list[Any] = (
            [one.strip() for one in given.split(",") if one.strip()] if isinstance(given, str) else list(given)
        )
        items = []
        for one in listed:
            if one == "all":
                items += [(name, name) for name in registry.methods if not name.startswith(_PEERS)]
            elif isinstance(one, str):
                items.append((one.replace("-", "_"), one))
            else:
                items.append((getattr(one, "__name__", type(one).__name__), one))
    wrong: list[str] = []
    for name, method in [*items, *((peer, peer) for peer in peers_of(vs))]:
        if isinstance(method, str):
            try:
                registry.methods[method]
            except NotFound as error:
                wrong.append(str(error))
        if name in found and found[name] != method:
            wrong.append(f"two methods are called {name!r}: give a mapping from names of your own.")
        found.setdefault(name, method)
    if wrong:
        shorter = [text.partition(" Available:")[0] for text in wrong[:-1]]  # the list of all once
        raise NotFound(
            wrong[0] if len(wrong) == 1 else problems("these methods can't be compared", [*shorter, wrong[-1]])
        )
    if not found:
        raise InvalidInput(f"say at least one method; there are: {', '.join(registry.methods)}.")
    return found


def peers_of(vs: str | None) -> list[str]:
    """The methods that are another library's samplers.

    Raises:
        InvalidInput: for another library than Optuna.
        MissingDependency: if it isn't installed, or none of its samplers is registered.
    """
    if vs is None:
        return []
    if vs not in _PEERS:
        raise InvalidInput(f"`vs` must be one of {', '.join(_PEERS)}, but got {vs!r}.")
    from importlib.util import find_spec

    if find_spec(vs) is None:
        raise MissingDependency(f"comparing with {vs} needs it, and it is not installed: pip install 'netwright[{vs}]'")
    found = [name for name in registry.methods if name.startswith(f"{vs}_")]
    if not found:
        raise MissingDependency(
            f"no method with a name like {vs}_tpe is registered: install a netwright that has them."
        )
    return found


def _typed(name: str) -> str:
    """A name as people type it."""
    return name.replace("_", "-")
