"""Benchmarks: spaces whose arches somebody evaluated before, so that strategies are compared in seconds."""

from netwright.benchmarks.benchmark import Benchmark
from netwright.benchmarks.comparing import compare
from netwright.benchmarks.comparison import BenchmarkFacts, Comparison
from netwright.benchmarks.runs import Journal, Run
from netwright.benchmarks.standings import Difference, Standing
from netwright.benchmarks.tables import Lookup, Table, data_file, data_folder

__all__ = [
    "Benchmark",
    "BenchmarkFacts",
    "Comparison",
    "Difference",
    "Journal",
    "Lookup",
    "Run",
    "Standing",
    "Table",
    "compare",
    "data_file",
    "data_folder",
]
