"""NAS-Bench-Graph out of its package."""

from __future__ import annotations

import pickle
from importlib.util import find_spec

import numpy as np
import pytest

from netwright.benchmarks.zoo.nbgraph import GRAPHS, nbgraph_space
from netwright.core import Arch, Candidate, Context
from netwright.core.errors import EvaluationError, InvalidSpace, MissingDependency
from netwright.core.registry import benchmarks

needs_package = pytest.mark.skipif(
    find_spec("nas_bench_graph") is None,
    reason="needs nas-bench-graph: pip install 'netwright[bench]'",
)


def _arch(structure, *layers):
    return Arch({"structure": structure, **{f"layer{i}": layer for i, layer in enumerate(layers, 1)}})


def _ask(benchmark, arch):
    return benchmark.evaluator(Candidate(0, arch), Context())


@needs_package
def test_every_network_is_there_once():
    benchmark = benchmarks["nbgraph-cora"]()
    space = benchmark.space
    arches = benchmark.arches()
    assert len(arches) == len(set(arches)) == 26_206
    assert space.size() == 9**5 - 9  # nine structures; without those of skips alone
    assert {space.canonical(arch) for arch in space.enumerate()} == set(arches)
    assert benchmark.optimum() == pytest.approx(81.933, abs=1e-3)
    assert np.isfinite(benchmark.values("test_accuracy")).all()


@needs_package
def test_arches_that_are_one_network_have_one_row():
    benchmark = benchmarks["nbgraph-cora"]()
    space = benchmark.space
    # Two layers that both take the data in and feed nothing may change places.
    one, other = _arch("0000", "gcn", "gin", "gat", "fc"), _arch("0000", "fc", "gat", "gcn", "gin")
    assert space.canonical(one) == space.canonical(other)
    assert _ask(benchmark, one) == _ask(benchmark, other)
    assert _ask(benchmark, one) != _ask(benchmark, _arch("0123", "gcn", "gin", "gat", "fc"))
    assert set(_ask(benchmark, one)) == {"val_accuracy", "test_accuracy", "latency_ms", "params"}


@needs_package
def test_the_smaller_space_of_proteins():
    benchmark = benchmarks["nbgraph-proteins"]()
    assert len(benchmark.arches()) == 2_021
    assert (benchmark.objective, benchmark.test_metric) == ("max:val_auc", "test_auc")
    with pytest.raises(EvaluationError, match="doesn't have"):
        _ask(benchmark, _arch("0123", "gat", "gat", "gat", "gat"))


@needs_package
@pytest.mark.slow
@pytest.mark.parametrize("graph", GRAPHS)
def test_all_graphs(graph):
    benchmark = benchmarks[f"nbgraph-{graph}"]()
    assert benchmark.name == f"nbgraph-{graph}"
    assert 50 < benchmark.optimum() < 100


def test_arches_as_graphs():
    space = nbgraph_space()
    graph = space.graph(_arch("0112", "gcn", "gin", "skip", "fc"))
    assert graph.labels == ("input", "gcn", "gin", "skip", "fc", "output")
    assert graph.edges == ((0, 1), (1, 2), (1, 3), (2, 4), (3, 5), (4, 5))
    again = pickle.loads(pickle.dumps(space))
    assert again.graph(space.default()) == space.graph(space.default())
    with pytest.raises(InvalidSpace, match="the constraint 'some_layer' doesn't hold"):
        space.validate(_arch("0123", "skip", "skip", "skip", "skip"))


def test_all_of_them_are_registered():
    for graph in GRAPHS:
        assert benchmarks.summary(f"nbgraph-{graph}").startswith(f"NAS-Bench-Graph on {graph}: ")


def test_without_the_package(monkeypatch):
    monkeypatch.setattr("netwright.benchmarks.zoo.nbgraph.find_spec", lambda _: None)
    with pytest.raises(MissingDependency, match=r"are in the package nas-bench-graph, .* 'netwright\[bench\]'"):
        benchmarks["nbgraph-cora"]()
