"""NAS-Bench-Graph: 26,206 graph neural networks on nine graphs.

Qin et al. 2022, https://arxiv.org/abs/2206.09166. The numbers are those of the package nas-bench-graph (its light
version, which comes inside): pip install 'netwright[bench]'.
"""

from __future__ import annotations

import itertools
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from netwright.benchmarks.benchmark import Benchmark
from netwright.benchmarks.plain_pickles import read_pickle
from netwright.benchmarks.tables import Lookup, Table
from netwright.core import Arch
from netwright.core.errors import MissingDependency
from netwright.core.registry import benchmarks
from netwright.spaces.graph import INPUT, OUTPUT, ArchGraph
from netwright.spaces.language import choice
from netwright.spaces.space import Space

__all__ = ["GRAPHS", "OPERATIONS", "STRUCTURES", "nbgraph", "nbgraph_space"]

GRAPHS = ("arxiv", "citeseer", "computers", "cora", "cs", "photo", "physics", "proteins", "pubmed")

OPERATIONS = ("gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "skip")
"""The layers, in the benchmark's order."""

_OF_PROTEINS = ("gcn", "sage", "arma", "fc", "skip")

STRUCTURES = ("0000", "0001", "0011", "0012", "0013", "0111", "0112", "0122", "0123")
"""Where each of four layers gets its input: 0 is the data, 1 the first layer, and so on. What feeds no layer is summed
to the output."""

_LAYERS = tuple(f"layer{i}" for i in range(1, 5))


class _Space(Space):
    """A `Space` that draws its arches as graphs of layers: there is no model in its tree."""

    def graph(self, arch: Arch) -> ArchGraph:
        sources = [int(digit) for digit in str(arch["structure"])]
        feeding = {*sources}
        edges = [(source, i) for i, source in enumerate(sources, 1)]
        edges += [(i, 5) for i in range(1, 5) if i not in feeding]
        return ArchGraph((INPUT, *(str(arch[name]) for name in _LAYERS), OUTPUT), tuple(sorted(edges)))


@lru_cache(maxsize=2)
def nbgraph_space(*, proteins: bool = False) -> Space:
    """Four layers in one of nine structures; `canonical` knows which arches are one network.

    Args:
        proteins: the smaller space of the graph `proteins`, with five kinds of layers.

    Example:
        >>> nbgraph_space().size()
        59040
    """
    operations = list(_OF_PROTEINS if proteins else OPERATIONS)
    tree = {
        "structure": choice(list(STRUCTURES), label="structure", default="0123"),
        **{name: choice(operations, label=name, default="gcn") for name in _LAYERS},
    }
    name = "nbgraph-proteins" if proteins else "nbgraph"
    return _Space(tree, constraints=some_layer, canonical=partial(_canonical, proteins=proteins), name=name)


def some_layer(arch: Arch) -> bool:
    """Whether there is a layer at all: skips alone are no network."""
    return any(arch[name] != "skip" for name in _LAYERS)


def nbgraph(graph: str) -> Benchmark:
    """The benchmark of one graph; each is registered under its own name, such as `nbgraph-cora`.

    Raises:
        MissingDependency: without the package that holds the numbers.
    """
    _folder()
    return Benchmark(
        f"nbgraph-{graph}",
        nbgraph_space(proteins=graph == "proteins"),
        Lookup(_table, (graph,)),
        objective=f"max:{_metric(graph)}",
        test_metric=_metric(graph).replace("val_", "test_"),
    )


def _metric(graph: str) -> str:
    return "val_auc" if graph == "proteins" else "val_accuracy"


def _folder() -> Path:
    """The package's folder; it isn't imported."""
    spec = find_spec("nas_bench_graph")
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependency(
            "NAS-Bench-Graph's numbers are in the package nas-bench-graph, which is not installed: "
            "pip install 'netwright[bench]'"
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _table(graph: str) -> Table:
    numbers = read_pickle(_folder() / "light" / f"{graph}.bench")
    space = nbgraph_space(proteins=graph == "proteins")
    rows = {key: row for row, key in enumerate(numbers)}
    keys = _keys(proteins=graph == "proteins")
    found = list(numbers.values())
    metric = _metric(graph)
    columns = {
        metric: 100 * np.array([float(one["valid_perf"]) for one in found]),
        metric.replace("val_", "test_"): 100 * np.array([float(one["perf"]) for one in found]),
        "latency_ms": 1e3 * np.array([float(one["latency"]) for one in found]),
        "params": 1e6 * np.array([float(one["para"]) for one in found]),
    }
    arches = {rows[keys[arch]]: arch for arch in reversed(list(space.enumerate()))}  # the first of each network
    return Table(
        {1.0: columns},
        arches=[arches[row] for row in range(len(found))],
        row=lambda arch: rows.get(keys.get(arch, -1)),
    )


def _canonical(arch: Arch, *, proteins: bool) -> Arch:
    keys = _keys(proteins=proteins)
    return _first(proteins=proteins)[keys[arch]] if arch in keys else arch


@lru_cache(maxsize=2)
def _first(*, proteins: bool) -> dict[int, Arch]:
    """The first arch of each network, by its key."""
    found: dict[int, Arch] = {}
    for arch, key in _keys(proteins=proteins).items():
        found.setdefault(key, arch)
    return found


@lru_cache(maxsize=2)
def _keys(*, proteins: bool) -> dict[Arch, int]:
    """The key of each arch in the package's tables: one for all arches that are one network."""
    from nas_bench_graph.architecture import Arch as Official

    keys: dict[Arch, int] = {}
    for structure in STRUCTURES:
        for layers in itertools.product(_OF_PROTEINS if proteins else OPERATIONS, repeat=len(_LAYERS)):
            arch = Arch({"structure": structure, **dict(zip(_LAYERS, layers, strict=True))})
            if some_layer(arch):
                keys[arch] = int(Official([int(digit) for digit in structure], list(layers)).valid_hash())
    return keys


def _register(graph: str) -> None:
    def make() -> Benchmark:
        return nbgraph(graph)

    size = "2,021" if graph == "proteins" else "26,206"
    metric = "area under the ROC curve" if graph == "proteins" else "accuracy"
    make.__name__ = make.__qualname__ = f"nbgraph_{graph}"
    make.__doc__ = (
        f"NAS-Bench-Graph on {graph}: {size} graph networks of four layers, trained in full.\n\n"
        f"The {metric} in percent, mean of three runs; latency and parameters; no training times.\n\n"
        "Raises:\n    MissingDependency: without the package that holds the numbers.\n"
    )
    benchmarks.register(make)


for _graph in GRAPHS:
    _register(_graph)
