"""A benchmark that comes with the package: small networks on scikit-learn's digits.

Made by `tools/make_digits_table.py` with the package's own training.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from netwright.benchmarks.benchmark import Benchmark
from netwright.benchmarks.tables import Lookup, Table
from netwright.core.errors import DataError
from netwright.core.registry import benchmarks
from netwright.spaces.language import choice, n_outputs, repeat
from netwright.spaces.mirror import layers, nn
from netwright.spaces.nodes import Call
from netwright.spaces.space import Space

__all__ = ["EPOCHS", "arches_digest", "digits_cnn", "digits_space"]

EPOCHS = 9
"""Of a full training."""


@lru_cache(maxsize=1)
def digits_space() -> Space:
    """1,080 small convolutional networks for images of 8x8 pixels.

    One or two blocks, each a convolution (with a kernel of its own) or a residual block (with an expansion of its own);
    then the mean over all positions, or a dense layer (of a width of its own). Width, activation and normalisation are
    one choice for all.

    Example:
        >>> digits_space().size()
        1080
    """
    width = choice([4, 8, 16], label="width", default=8)
    activation = choice({"relu": nn.ReLU(), "tanh": nn.Tanh()}, label="activation")
    norm = choice({"batch": nn.LazyBatchNorm2d(), "none": None}, label="norm")

    def block(i: int) -> Call:
        kernel = choice([1, 3, 5], label=f"kernel{i + 1}", default=3)
        convolution = nn.LazyConv2d(width, kernel, padding="same")
        inner = width * choice([1, 2], label=f"expansion{i + 1}")
        residual = layers.Residual(
            nn.Sequential(nn.LazyConv2d(inner, 3, padding=1), activation, nn.LazyConv2d(width, 3, padding=1))
        )
        kind = choice({"convolution": convolution, "residual": residual}, label=f"block{i + 1}")
        return nn.Sequential(kind, norm, activation, nn.MaxPool2d(2))

    units = choice([16, 32], label="units")
    dense = nn.Sequential(nn.Flatten(), nn.LazyLinear(units), activation)
    return Space(
        nn.Sequential(
            nn.LazyConv2d(width, 3, stride=2, padding=1),
            repeat(block, 1, 2, label="blocks"),
            choice({"mean": layers.GlobalAveragePool(), "dense": dense}, label="head"),
            nn.LazyLinear(n_outputs),
        ),
        name="digits-cnn",
    )


def arches_digest() -> str:
    """What the table's rows are of: changes with any arch of the space, or their order."""
    text = "\n".join(arch.to_json() for arch in digits_space().enumerate())
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@benchmarks.register
def digits_cnn() -> Benchmark:
    """Small networks on scikit-learn's digits: 1,080 arches, every epoch of nine; comes with the package.

    `val_accuracy` and `test_accuracy` in percent, the mean of three trainings on 500 digits, `test_accuracy` after
    all nine epochs only. `train_seconds` are seconds of one thread, `flops` count a multiply-add as
    two.

    Example:
        >>> from netwright.core.registry import benchmarks
        >>> benchmark = benchmarks["digits-cnn"]()
        >>> len(benchmark.arches()), len(benchmark.fidelities)
        (1080, 9)
    """
    return Benchmark(
        "digits-cnn",
        digits_space(),
        Lookup(_table),
        objective="max:val_accuracy",
        test_metric="test_accuracy",
        seconds_metric="train_seconds",
        fidelities=tuple(epoch / EPOCHS for epoch in range(1, EPOCHS + 1)),
    )


def _table() -> Table:
    with (files("netwright.benchmarks") / "data" / "digits_cnn.npz").open("rb") as stream, np.load(stream) as file:
        if str(file["arches"]) != arches_digest():
            raise DataError("digits_cnn.npz is of another space: make it again by tools/make_digits_table.py.")
        accuracy = 100 * file["right"].mean(1) / int(file["n_validation"])  # (n_arches, n_epochs)
        loss = file["loss"].astype(np.float64).mean(1)
        common: dict[str, Any] = {"params": file["params"], "flops": file["flops"]}
        tested = 100 * file["test_right"].mean(1) / int(file["n_test"])
        seconds = file["seconds"].astype(np.float64)
    columns = {
        epoch / EPOCHS: {
            "val_accuracy": accuracy[:, epoch - 1],
            "val_loss": loss[:, epoch - 1],
            "train_seconds": seconds * (epoch / EPOCHS),
            **common,
        }
        for epoch in range(1, EPOCHS + 1)
    }
    columns[1.0]["test_accuracy"] = tested
    return Table(columns, arches=lambda: tuple(digits_space().enumerate()))
