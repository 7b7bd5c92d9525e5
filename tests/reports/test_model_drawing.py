"""Drawings of real models: what feeds what, whatever the `forward` does."""

import itertools
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from netwright.core import Arch, registry
from netwright.core.errors import InvalidInput
from netwright.models import build, n_parameters
from netwright.models.layers import Residual, ResidualBlock
from netwright.reports import Drawing, DrawnLayer
from netwright.reports.drawing_svg import drawing_svg
from netwright.reports.model_drawing import model_drawing


def types(drawing):
    return [layer.type for layer in drawing.layers]


def edges(drawing):
    """Edges by the names of the layers; `input` for the input."""
    names = [layer.name for layer in drawing.layers]
    found = {(names[a], names[b]) for a, b in drawing.links}
    return found | {("input", names[b]) for b in drawing.fed_by_input}


@pytest.mark.parametrize(
    ("name", "shape"), [("cnn", (3, 16, 16)), ("mlp", (16,)), ("nb201", (3, 8, 8)), ("resnet", (1, 16, 16))]
)
def test_models_of_the_zoo_are_drawn_whole(name, shape):
    space = registry.spaces[name](input_shape=shape)
    rng = np.random.default_rng(0)
    for arch in (space.default(), *(space.sample(rng) for _ in range(4))):
        model = build(space, arch, input_shape=shape, n_outputs=5)
        drawing = model_drawing(model, shape)
        assert drawing.params == n_parameters(model)
        assert drawing.layers[-1].shape == (5,)
        assert drawing.input_shape == shape
        weighted = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        assert sum(layer.type in ("Conv2d", "Linear") for layer in drawing.layers) == len(weighted)
        ET.fromstring(drawing_svg(drawing))


def test_plain_networks_are_chains():
    for name, shape in (("cnn", (3, 16, 16)), ("mlp", (16,))):
        space = registry.spaces[name](input_shape=shape)
        drawing = model_drawing(build(space, space.default(), input_shape=shape, n_outputs=5), shape)
        assert drawing.links == tuple((i, i + 1) for i in range(len(drawing.layers) - 1))
        assert drawing.fed_by_input == (0,)


def test_a_cell_of_nas_bench_201_has_the_edges_of_its_arch():
    space = registry.spaces["nb201"](channels=4, n_cells=1, input_shape=(3, 8, 8))
    operations = dict.fromkeys(space.default(), "none") | {
        "cell.1<-0": "nor_conv_3x3",
        "cell.3<-0": "skip_connect",
        "cell.2<-1": "avg_pool_3x3",
        "cell.3<-1": "nor_conv_1x1",
        "cell.3<-2": "skip_connect",
    }
    drawing = model_drawing(build(space, Arch(operations), input_shape=(3, 8, 8), n_outputs=5), (3, 8, 8))
    stem = 1  # convolution and normalisation before the first cell
    add = types(drawing).index("Add")
    assert types(drawing)[: add + 1].count("AvgPool2d") == 1
    # Node 3 is the sum of the cell's input, a 1x1 convolution of node 1, and the pooled node 1.
    sources = {drawing.layers[i].type for i in drawing.sources(add)}
    assert sources == {"BatchNorm2d", "AvgPool2d"}
    assert len(drawing.sources(add)) == 3
    assert stem in drawing.sources(add)


def test_residual_additions_are_layers_and_sums_of_several_are_one():
    class Sums(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = (nn.Linear(4, 4) for _ in range(3))

        def forward(self, x):
            return self.a(x) + self.b(x) + x + self.c(x) * 2 + 1

    drawing = model_drawing(Sums(), (4,))
    assert types(drawing) == ["Linear", "Linear", "Linear", "Add"]
    assert drawing.sources(3) == (0, 1, 2)
    assert drawing.entries == (0, 1, 2, 3)
    stacked = model_drawing(nn.Sequential(Residual(nn.Linear(4, 4)), Residual(nn.Linear(4, 4))), (4,))
    assert types(stacked) == ["Linear", "Add", "Linear", "Add"]  # two residuals in a row stay two
    assert stacked.links == ((0, 1), (1, 2), (1, 3), (2, 3))


def test_a_residual_block_with_a_changed_shape():
    drawing = model_drawing(ResidualBlock(4, 8, stride=2), (4, 8, 8))
    assert edges(drawing) >= {("input", "conv1"), ("input", "skip.0"), ("skip.0", "skip.1"), ("norm2", "add")}
    assert types(drawing).count("Add") == 1
    plain = model_drawing(ResidualBlock(4, 4, skip=False), (4, 8, 8))
    assert "Add" not in types(plain)


class Wanders(nn.Module):
    """A forward pass that symbolic tracing can't follow."""

    def __init__(self):
        super().__init__()
        self.first, self.again = nn.Linear(8, 8), nn.Linear(8, 8)
        self.scale = nn.Parameter(torch.ones(8))
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        y = self.first(x)
        if y.sum().item() > 1e6:
            y = self.again(y)
        for _ in range(int(x.shape[1]) // 4):
            y = y + torch.relu(self.again(y))
        y *= self.scale
        left, right = y.chunk(2, dim=1)
        return self.head(torch.cat([right, left, x], 1).reshape(len(x), -1))


def test_control_flow_is_followed():
    with pytest.raises(Exception, match=r"(?i)proxy|trac"):
        torch.fx.symbolic_trace(Wanders())
    model = Wanders()
    drawing = model_drawing(model, (8,))
    assert types(drawing) == [
        "Linear",
        "Linear",
        "ReLU",
        "Add",
        "Linear",
        "ReLU",
        "Add",
        "Multiply",
        "Concat",
        "Linear",
    ]
    assert drawing.entries == (0, 8)
    assert drawing.sources(8) == (7,)
    assert drawing.layers[4].detail == "8 to 8, shared"
    assert drawing.layers[4].params == 0  # counted once
    assert drawing.layers[7].params == 8
    assert drawing.params == n_parameters(model)


def test_the_condition_of_an_if_is_no_layer():
    drawing = model_drawing(Wanders(), (8,))
    assert not {"Sum", "Gt"} & set(types(drawing))


def test_operations_are_named_like_the_modules_that_do_the_same():
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(6, 3, 3, 3))
            self.dense = nn.Parameter(torch.ones(5, 6))

        def forward(self, x):
            x = nn.functional.relu(nn.functional.conv2d(x, self.weight / self.weight.norm()))
            x = nn.functional.adaptive_avg_pool2d(x, 1).flatten(1)
            return torch.softmax(nn.functional.linear(nn.functional.dropout(x, training=self.training), self.dense), 1)

    model = Functional()
    drawing = model_drawing(model, (3, 8, 8))
    assert types(drawing) == ["Conv2d", "ReLU", "AdaptiveAvgPool2d", "Linear", "Softmax"]
    assert drawing.params == n_parameters(model)
    assert drawing.layers[0].params == 6 * 3 * 3 * 3  # through the normalised weight too


def test_layers_with_parts_that_are_not_called_are_one():
    class Sequences(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
            self.recurrent = nn.LSTM(8, 6, batch_first=True)
            self.conv = parametrizations.weight_norm(nn.Conv1d(5, 4, 3, padding=1))
            self.head = nn.Linear(24, 2)

        def forward(self, x):
            y, _ = self.attention(x, x, x, need_weights=False)
            y, (_, _) = self.recurrent(x + y)
            return self.head(self.conv(y).flatten(1))

    model = Sequences()
    drawing = model_drawing(model, (5, 8))
    assert types(drawing) == ["MultiheadAttention", "Add", "LSTM", "ParametrizedConv1d", "Linear"]
    assert drawing.params == n_parameters(model)
    assert [layer.shape for layer in drawing.layers] == [(5, 8), (5, 8), (5, 6), (4, 6), (2,)]
    assert drawing.layers[0].detail == "2 heads"


def test_a_transformer_is_opened():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    drawing = model_drawing(nn.Sequential(layer, nn.Flatten(), nn.Linear(40, 2)), (5, 8))
    assert types(drawing).count("Add") == 2
    assert types(drawing).count("LayerNorm") == 2


def test_what_does_nothing_is_not_drawn():
    model = nn.Sequential(nn.Identity(), nn.Linear(4, 4), nn.Dropout(0.0), nn.Dropout(0.5), nn.Sequential())
    drawing = model_drawing(model, (4,))
    assert types(drawing) == ["Linear", "Dropout"]
    assert drawing.layers[1].detail == "0.5"


def test_branches_on_constants_stand_apart_from_the_input():
    class Dead(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.pool = nn.Conv2d(3, 3, 1), nn.AvgPool2d(1)

        def forward(self, x):
            return self.conv(x) + self.pool(torch.zeros_like(x))

    drawing = model_drawing(Dead(), (3, 4, 4))
    assert types(drawing) == ["Conv2d", "Constant", "AvgPool2d", "Add"]
    assert drawing.entries == (0,)
    assert sorted(drawing.links) == [(0, 3), (1, 2), (2, 3)]


def test_a_tensor_that_was_lost_sight_of_is_taken_for_the_last_layers():
    class Through(torch.autograd.Function):
        @staticmethod
        def forward(_, x):
            return x + 1

    class Lost(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 2)

        def forward(self, x):
            y = torch.from_numpy(self.a(x).numpy().copy())
            return self.b(Through.apply(y))

    drawing = model_drawing(Lost(), (4,))
    assert edges(drawing) == {("input", "a"), ("a", "b")}


def test_a_model_that_cannot_be_followed_is_a_chain():
    @dataclass
    class Answer:
        logits: torch.Tensor

    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(Residual(nn.Linear(4, 4)), nn.ReLU(), nn.Linear(4, 2))

        def forward(self, x):
            return Answer(self.body(x))

    drawing = model_drawing(Wrapped(), (4,))
    assert types(drawing) == ["Linear", "ReLU", "Linear"]
    assert drawing.links == ((0, 1), (1, 2))
    assert [layer.name for layer in drawing.layers] == ["body.0.body", "body.1", "body.2"]


def test_the_model_stays_as_it_is():
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5).eval(), nn.Flatten(), nn.Linear(144, 2)
    )
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.random.get_rng_state()
    model_drawing(model, (3, 8, 8))
    assert [module.training for module in model] == [True, True, False, True, True]
    assert all((value == before[name]).all() for name, value in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert (torch.random.get_rng_state() == state).all()
    assert next(model.parameters()).grad is None
    with pytest.raises(RuntimeError):  # the model's own error, after which it is as before too
        model_drawing(model, (5, 8, 8))
    assert not any(module._forward_hooks for module in model.modules())
    assert model.training


def test_details_tell_layers_of_a_type_apart():
    model = nn.Sequential(
        nn.Conv2d(4, 8, 3, stride=2, padding=1),
        nn.Conv2d(8, 8, (3, 5), padding=(1, 2), groups=8),
        nn.Conv2d(8, 8, 1, groups=2),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32, 3),
    )
    drawing = model_drawing(model, (4, 8, 8))
    assert [layer.detail for layer in drawing.layers] == [
        "3x3, 8, /2", "3x5, 8, depthwise", "1x1, 8, 2 groups", "2x2", "", "32 to 3",
    ]  # fmt: skip  # one a layer


def test_the_input_of_a_drawing_may_feed_any_layer():
    layers = tuple(DrawnLayer(f"l{i}", "Linear", (4,), 20) for i in range(3))
    with pytest.raises(InvalidInput, match=r"every entry of a drawing must be a place of its 3 layers, but got 3"):
        Drawing(layers, ((0, 1),), (4,), (3,))
    drawing = Drawing(layers, ((0, 1), (1, 2)), (4,), (0, 2))
    svg = ET.fromstring(drawing_svg(drawing))
    paths = [path for path in svg.iter("{http://www.w3.org/2000/svg}path") if "edge" in path.get("class")]
    assert len(paths) == 4
    assert sum("skip" in path.get("class") for path in paths) == 1
    texts = ["".join(text.itertext()) for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("input 4") == 1


def test_nothing_but_its_parts_stands_in_the_frame_of_a_repeat():
    space = registry.spaces["nb201"](channels=4, n_cells=3, input_shape=(3, 8, 8))
    rng = np.random.default_rng(1)
    for _ in range(12):
        model = build(space, space.sample(rng), input_shape=(3, 8, 8), n_outputs=5)
        text = drawing_svg(model_drawing(model, (3, 8, 8)))
        frames = [
            tuple(map(float, m))
            for m in re.findall(r'class="group" x="(.*?)" y="(.*?)" width="(.*?)" height="(.*?)"', text)
        ]
        layers = [
            tuple(map(float, m))
            for m in re.findall(r'</title><rect x="(.*?)" y="(.*?)" width="(.*?)" height="(.*?)"', text)
        ]
        for _, top, _, height in frames:
            inside = [y for _, y, _, h in layers if top < y + h / 2 < top + height]
            crossing = [y for _, y, _, h in layers if y < top < y + h or y < top + height < y + h]
            assert inside
            assert not crossing
        between = sorted((top, top + height) for _, top, _, height in frames)
        assert all(a[1] < b[0] for a, b in itertools.pairwise(between))
