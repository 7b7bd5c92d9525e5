"""Benchmarks: spaces whose arches somebody evaluated before, so that strategies are compared in seconds."""

from netwright.benchmarks.benchmark import Benchmark
from netwright.benchmarks.tables import Lookup, Table, data_file, data_folder

__all__ = ["Benchmark", "Lookup", "Table", "data_file", "data_folder"]
