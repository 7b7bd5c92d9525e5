"""Benchmarks by name: `netwright.core.registry.benchmarks["nb201-cifar10"]()`."""
