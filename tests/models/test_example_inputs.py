"""Models that take whole numbers are built, counted, outlined and exported like all others."""

from __future__ import annotations

import pytest
import torch

from netwright import Space, choice, n_outputs
from netwright import nn as deferred
from netwright.models import built, cost, source_of
from netwright.models.example import example_inputs, input_dtype
from netwright.models.export import export_onnx, export_source
from netwright.models.outline import outline


class Named(torch.nn.Module):
    """Says what it takes, as its first part is not what sees the inputs."""

    input_dtype = torch.int64

    def __init__(self) -> None:
        super().__init__()
        self.last = torch.nn.Linear(4, 2)
        self.table = torch.nn.Embedding(5, 4)

    def forward(self, x):
        return self.last(self.table(x).mean(1))


class Placed(torch.nn.Module):
    """Takes ordinary numbers, though an embedding is among its parts."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Linear(3, 4)
        self.positions = torch.nn.Embedding(2, 4)

    def forward(self, x):
        return self.first(x) + self.positions(torch.arange(2))


@pytest.mark.parametrize(
    ("model", "dtype"),
    [
        (torch.nn.Sequential(torch.nn.Embedding(5, 2), torch.nn.Flatten()), torch.int64),
        (torch.nn.Sequential(torch.nn.Sequential(torch.nn.EmbeddingBag(5, 2))), torch.int64),
        (torch.nn.Sequential(Named()), torch.int64),
        (Placed(), torch.float32),
        (torch.nn.Sequential(torch.nn.Linear(2, 2)), torch.float32),
        (torch.nn.Sequential(), torch.float32),
    ],
)
def test_the_type_of_the_inputs(model, dtype):
    assert input_dtype(model) == dtype
    drawn = example_inputs(model, (2, 3), 4, generator=torch.Generator().manual_seed(0))
    assert drawn.dtype == dtype
    assert drawn.shape == (4, 2, 3)
    assert drawn.unique().numel() > 1
    assert example_inputs(model, (3,), device="meta").device.type == "meta"


@pytest.fixture
def tokens():
    return Space(
        deferred.Sequential(
            deferred.Embedding(10, choice([3, 4], label="width")), deferred.Flatten(), deferred.LazyLinear(n_outputs)
        )
    )


def test_a_users_own_embedding(tokens):
    assert cost(tokens, tokens.default(), input_shape=(5,), n_outputs=2)["params"] == 30 + 32
    network = built(tokens, tokens.default(), input_shape=(5,), n_outputs=2)
    assert [row.output_shape for row in outline(network.model, (5,))] == [(5, 3), (15,), (2,)]
    assert "torch.zeros(2, 5, dtype=torch.int64)" in source_of(network, input_shape=(5,))


def test_exports(tokens, tmp_path):
    network = built(tokens, tokens.default(), input_shape=(5,), n_outputs=2)
    example = torch.tensor([[1, 2, 3, 4, 9], [0, 0, 0, 0, 5]])
    assert [file.name for file in export_source(network, tmp_path / "m.py", input_shape=(5,), example=example)]
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    assert export_onnx(network.model, tmp_path / "m.onnx", example=example)[0].stat().st_size > 0


def test_a_transformer_is_exported(tmp_path):
    space = Space(spaces_transformer().tree)
    network = built(space, space.default(), input_shape=(6,), n_outputs=2)
    example = torch.tensor([[1, 2, 3, 4, 0, 0], [5, 0, 0, 0, 0, 0]])
    export_source(network, tmp_path / "m.py", input_shape=(6,), example=example)
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    export_onnx(network.model, tmp_path / "m.onnx", example=example)


def spaces_transformer():
    from netwright.spaces.zoo.transformer import text_transformer

    return text_transformer(input_shape=(6,), vocabulary=9, depths=(1, 2))
