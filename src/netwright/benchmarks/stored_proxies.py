"""`StoredProxies`: the stored scores of zero-cost proxies as a function of an arch of NAS-Bench-201."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from netwright.benchmarks.proxy_scores import proxy_table
from netwright.benchmarks.zoo.nb201 import the_space
from netwright.core import Arch
from netwright.core.errors import unknown

__all__ = ["StoredProxies"]

_LOWEST = -1e8  # what the table has where a proxy failed


@dataclass(frozen=True, slots=True)
class StoredProxies:
    """What NAS-Bench-Suite-Zero stored of an arch of NAS-Bench-201 (CIFAR-10): a prior for a search, without labels.

    Arches that compute the same share the mean of their scores; some have none.

    Args:
        names: of the proxies.

    Example:
        >>> StoredProxies(("nwot", "flops")).names
        ('nwot', 'flops')

    Raises:
        DataError: if the table isn't there, when it is called.
        NotFound: if the table doesn't have a name, when it is called.
    """

    names: tuple[str, ...] = ("nwot", "jacov", "synflow", "zen", "flops", "params")

    def __call__(self, arch: Arch) -> Mapping[str, float]:
        """The scores by name, higher is better; empty for an arch that has none."""
        return _means(self.names).get(the_space().canonical(arch), {})


@lru_cache(maxsize=8)
def _means(names: tuple[str, ...]) -> dict[Arch, dict[str, float]]:
    table = proxy_table()
    for name in names:
        if name not in table.scores:
            raise unknown("proxy", name, table.scores)
    columns = [table.scores[name].tolist() for name in names]
    found: dict[Arch, dict[str, list[float]]] = {}
    space = the_space()
    for arch, values in zip(table.arches, zip(*columns, strict=True), strict=True):
        own = found.setdefault(space.canonical(arch), {name: [] for name in names})
        for name, value in zip(names, values, strict=True):
            if value > _LOWEST:
                own[name].append(value)
    return {
        form: {name: sum(values) / len(values) for name, values in own.items() if values} for form, own in found.items()
    }
